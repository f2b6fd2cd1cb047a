// Discovery by DNS, Consul and Redis: their keys.

package configs

import (
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// DiscoveryRecords are the words that discovery.record may have.
var DiscoveryRecords = []string{"auto", "a", "aaaa", "both", "srv"}

const redisInterval = 2 * time.Second

// resolve fills in what follows from the kind.
func (d *Discovery) resolve(p path, from places, upstream string) {
	switch d.Kind {
	case "dns":
		if d.Record == "" {
			d.Record = "auto"
		}
	case "redis":
		if d.Name == "" {
			d.Name = upstream
		}
		if d.Cluster == "" {
			d.Cluster = sharedDefaults().Cluster
		}
		if !from.given(p.key("interval")) {
			d.Interval = redisInterval
		}
	}
}

// validateDNS reports what cannot be looked up.
func (r *report) validateDNS(p path, d *Discovery) {
	if d.Name != "" && !goodDNSName(d.Name) {
		r.add(p.key("name"), "write the name alone, such as engines.example.com, without scheme and port", "is no name that DNS knows: %s", quote(d.Name))
	}
	r.oneOf(p.key("record"), d.Record, DiscoveryRecords...)
	services := d.Record == "srv" || d.Record == "auto" && strings.HasPrefix(d.Name, "_")
	switch {
	case services && d.Port != 0:
		r.add(p.key("port"), "remove it", "has no effect: an SRV record says the port")
	case !services && d.Port == 0:
		r.missing(p.key("port"), "give the port of the servers: addresses have none")
	}
	for i, server := range d.Servers {
		at := p.key("servers").item(i)
		parsed, err := netip.ParseAddrPort(server)
		if _, alone := netip.ParseAddr(server); alone == nil {
			r.add(at, "write "+quote(netip.AddrPortFrom(netip.MustParseAddr(server), 53).String()), "has no port: %s", quote(server))
		} else if err != nil || parsed.Port() == 0 {
			r.add(at, "write the IP address and port of a name server, such as 10.0.0.53:53", "is no address: %s", quote(server))
		} else if slices.Contains(d.Servers[:i], server) {
			r.add(at, "name each once", "is there already: %s", quote(server))
		}
	}
}

// goodDNSName accepts what can be asked for.
func goodDNSName(name string) bool {
	name = strings.TrimSuffix(name, ".")
	if len(name) > 253 {
		return false
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 {
			return false
		}
		for _, c := range []byte(label) {
			if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_') {
				return false
			}
		}
	}
	_, isAddress := netip.ParseAddr(name)
	return isAddress != nil
}

// validateConsul reports an agent or a service that cannot be meant.
func (r *report) validateConsul(p path, d *Discovery) {
	if d.URL != "" {
		at, remedy := p.key("url"), "write http://host:8500 or https://host:8501"
		switch u, err := url.Parse(string(d.URL)); {
		case err != nil || strings.ContainsAny(string(d.URL), " \t\r\n"):
			r.add(at, remedy, "is not a URL")
		case u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
			r.add(at, remedy, "is not the URL of a Consul agent")
		case u.User != nil:
			r.add(at, "remove it, and give an ACL token by token_file", "has a user or password in it")
		case strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.HasSuffix(u.Host, ":"):
			r.add(at, remedy, "has more than a host and a port")
		case !goodPort(u.Port()):
			r.add(at, badPort.remedy, "%s", badPort.what)
		case d.CAFile != "" && u.Scheme == "http":
			r.add(p.key("ca_file"), "write https in the url, or remove it", "has no effect: the connection is not encrypted")
		}
	}
	for _, k := range []struct{ key, value string }{{"name", d.Name}, {"tag", d.Tag}, {"datacenter", d.Datacenter}, {"namespace", d.Namespace}} {
		if strings.ContainsAny(k.value, " \t\r\n/?#") || len(k.value) > 128 {
			r.add(p.key(k.key), "write it as Consul has it", "is no name in Consul: %s", quote(k.value))
		}
	}
}

// validateRegistry reports a Redis, or names in it, that cannot be meant.
func (r *report) validateRegistry(p path, d *Discovery) {
	if d.URL != "" {
		r.validateRedis(p.key("url"), d.URL)
		encrypted := slices.ContainsFunc(d.URL.RedisURLs(), func(text string) bool { return strings.HasPrefix(text, "rediss:") })
		if d.CAFile != "" && !encrypted {
			r.add(p.key("ca_file"), "write rediss: in the url, or remove it", "has no effect: the connection is not encrypted")
		}
		for _, text := range d.URL.RedisURLs() {
			u, err := url.Parse(text)
			if err != nil {
				continue
			}
			_, has := u.User.Password()
			switch {
			case has && d.PasswordFile != "":
				r.add(p.key("password_file"), "keep one of the two", "the url has a password as well")
			case u.User.Username() != "" && !has && d.PasswordFile == "":
				r.add(p.key("url"), "give one in it, or password_file", "has a user, but no password")
			}
		}
	}
	r.validateName(p.key("name"), d.Name)
	r.validateCluster(p.key("cluster"), d.Cluster)
}

// given are the keys of a source that have a value, with it as text.
func (d *Discovery) given() map[string]string {
	all := map[string]string{
		"path": d.Path, "paths": strings.Join(d.Paths, " "), "scheme": d.Scheme, "name": d.Name, "record": d.Record, "servers": strings.Join(d.Servers, " "), "url": string(d.URL),
		"tag": d.Tag, "datacenter": d.Datacenter, "namespace": d.Namespace, "cluster": d.Cluster,
		"service": d.Service, "port_name": d.PortName, "kubeconfig": d.Kubeconfig, "context": d.Context,
		"token_file": d.TokenFile, "password_file": d.PasswordFile, "ca_file": d.CAFile,
	}
	for key, on := range map[string]bool{"ignore_pods": d.IgnorePods, "allow_loopback": d.AllowLoopback} {
		if all[key] = ""; on {
			all[key] = "true"
		}
	}
	if all["port"] = ""; d.Port != 0 {
		all["port"] = strconv.Itoa(d.Port)
	}
	return all
}
