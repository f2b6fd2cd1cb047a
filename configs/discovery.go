// Discovery: where endpoints are found that the file does not list.

package configs

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Discovery says where the endpoints of an upstream are named besides its own list, and how far that is believed. Which of
// the keys of the source there are depends on Kind.
type Discovery struct {
	Kind string `yaml:"kind"` // one of DiscoveryKinds

	// Of the source.
	Path         string        `yaml:"path,omitempty"`          // file: a file or a pattern, absolute
	Paths        []string      `yaml:"paths,omitempty"`         // or several
	Name         string        `yaml:"name,omitempty"`          // dns: to look up; consul: of the service; redis: that servers register for
	Record       string        `yaml:"record,omitempty"`        // dns: one of DiscoveryRecords
	Servers      []string      `yaml:"servers,omitempty"`       // dns: name servers, address and port; none: those of resolv.conf
	URL          SecretURL     `yaml:"url,omitempty"`           // http: of the list; consul: of an agent; redis: as of Shared
	Tag          string        `yaml:"tag,omitempty"`           // consul: that instances must have
	Datacenter   string        `yaml:"datacenter,omitempty"`    // consul
	Cluster      string        `yaml:"cluster,omitempty"`       // redis: whose servers they are
	TokenFile    string        `yaml:"token_file,omitempty"`    // http: a file with a bearer token; consul: with an ACL token, absolute
	PasswordFile string        `yaml:"password_file,omitempty"` // redis: a file with its password, absolute
	CAFile       string        `yaml:"ca_file,omitempty"`       // roots for the source's own certificate, absolute; "": the system's
	Interval     time.Duration `yaml:"interval"`                // from one look to the next, where the source has to be asked

	// Of kubernetes.
	Service       string `yaml:"service,omitempty"`
	Namespace     string `yaml:"namespace,omitempty"`  // "": that of the service account, or of the kubeconfig's context; consul's likewise
	PortName      string `yaml:"port_name,omitempty"`  // or Port; neither: the only one
	Kubeconfig    string `yaml:"kubeconfig,omitempty"` // absolute; "": the service account of the pod
	Context       string `yaml:"context,omitempty"`    // of the kubeconfig; "": its current one
	IgnorePods    bool   `yaml:"ignore_pods,omitempty"`
	AllowLoopback bool   `yaml:"allow_loopback,omitempty"`

	// Of all that it finds.
	Scheme   string     `yaml:"scheme,omitempty"` // of addresses without one; "": http
	Port     int        `yaml:"port,omitempty"`   // of addresses without one; 0: they must have one
	Capacity Capacity   `yaml:"capacity"`         // of endpoints of which the source does not say it
	Slots    Slots      `yaml:"slots"`            // likewise
	Tier     int        `yaml:"tier"`
	TLS      *ClientTLS `yaml:"tls"` // nil: the system's roots for https

	// How far it is believed.
	Grace          time.Duration `yaml:"grace"`           // for how long a list that drops much waits for a second one
	MaxGoneRatio   float64       `yaml:"max_gone_ratio"`  // the part that may go without that
	InitialTimeout time.Duration `yaml:"initial_timeout"` // for the first list, before requests are served
	Cache          string        `yaml:"cache,omitempty"` // a file with the last list, for starts without the source; absolute, "": none
}

// DiscoveryKinds are the words that discovery.kind may have.
var DiscoveryKinds = []string{"file", "http", "kubernetes", "dns", "consul", "redis"}

func discoveryDefaults() Discovery {
	return Discovery{
		Interval: 30 * time.Second, Capacity: Capacity{Value: defaultCapacity},
		Grace: 30 * time.Second, MaxGoneRatio: 0.5, InitialTimeout: 10 * time.Second,
	}
}

// discoveryKeys are the keys of the source that each kind needs, and those that it may have.
var discoveryKeys = map[string]struct{ needs, may []string }{
	"file":       {may: []string{"path", "paths", "scheme", "port"}},
	"http":       {needs: []string{"url"}, may: []string{"scheme", "port", "token_file", "ca_file"}},
	"kubernetes": {needs: []string{"service"}, may: []string{"namespace", "port_name", "kubeconfig", "context", "ignore_pods", "allow_loopback", "scheme", "port"}},
	"dns":        {needs: []string{"name"}, may: []string{"scheme", "port", "record", "servers"}},
	"consul":     {needs: []string{"url", "name"}, may: []string{"scheme", "port", "tag", "datacenter", "namespace", "token_file", "ca_file"}},
	"redis":      {needs: []string{"url"}, may: []string{"name", "cluster", "password_file", "ca_file"}},
}

// neededKeys say what to give where a source lacks a key that it needs.
var neededKeys = map[string]string{
	"url":     "give the address that is asked, such as https://fleet.example/endpoints.json, http://127.0.0.1:8500 or redis://127.0.0.1:6379/0",
	"service": "give the name of the Service whose pods are the endpoints",
	"name":    "give the name that is looked up: in DNS such as engines.example.com, in Consul that of the service",
}

// finds says whether an upstream may have endpoints that the file does not list.
func (u *Upstream) finds() bool {
	return u.Discovery != nil || u.Scale != nil && u.Scale.Actuator != nil
}

func (d *Discovery) resolveFiles(absolute func(*string)) {
	if d == nil {
		return
	}
	absolute(&d.Path)
	for i := range d.Paths {
		absolute(&d.Paths[i])
	}
	absolute(&d.TokenFile)
	absolute(&d.CAFile)
	absolute(&d.Kubeconfig)
	absolute(&d.Cache)
	absolute(&d.PasswordFile)
	if d.TLS != nil {
		absolute(&d.TLS.CAFile)
		absolute(&d.TLS.CertFile)
		absolute(&d.TLS.KeyFile)
	}
}

func (r *report) validateDiscovery(p path, d *Discovery) {
	if d == nil {
		return
	}
	if d.Kind == "" {
		r.missing(p.key("kind"), "give one of "+strings.Join(DiscoveryKinds, ", "))
	} else if r.oneOf(p.key("kind"), d.Kind, DiscoveryKinds...); slices.Contains(DiscoveryKinds, d.Kind) {
		r.validateDiscoveryKeys(p, d)
	}
	if d.Scheme != "" {
		r.oneOf(p.key("scheme"), d.Scheme, "http", "https")
	}
	between(r, p.key("port"), d.Port, 0, 65535, "give the port of addresses that have none, or leave it out")
	between(r, p.key("interval"), d.Interval, time.Second, mostDuration, "give the time from one look to the next")
	r.validateCapacity(p.key("capacity"), d.Capacity.Value)
	between(r, p.key("slots"), d.Slots.Value, 0, mostSlots, "give how many requests a server works on at once, 0 for no limit")
	between(r, p.key("tier"), d.Tier, 0, mostTier, "give 0 to what is used first, more to backups")
	if d.TLS != nil {
		r.validateClientTLS(p.key("tls"), d.TLS)
	}
	between(r, p.key("grace"), d.Grace, 0, mostDuration, "give the time for which a list that drops much waits, 0s to believe it at once")
	r.validateRatio(p.key("max_gone_ratio"), d.MaxGoneRatio, "give the part of the endpoints that may go at once, such as 0.5; 1: all but the last")
	between(r, p.key("initial_timeout"), d.InitialTimeout, 0, time.Hour, "give how long the start waits for the first list")
	r.validateWritten(p.key("cache"), d.Cache, false)
}

// Files are the files, or patterns, that list the endpoints.
func (d *Discovery) Files() []string {
	if d.Path != "" {
		return []string{d.Path}
	}
	return d.Paths
}

// validateFiles reports files that cannot be meant.
func (r *report) validateFiles(p path, d *Discovery) {
	pattern := func(at path, file string) {
		if _, err := filepath.Match(file, ""); err != nil {
			r.add(at, "close each [, or write \\[", "is no path and no pattern: %s", quote(file))
		}
	}
	switch {
	case d.Path != "" && len(d.Paths) > 0:
		r.add(p.key("paths"), "name all in one of the two", "there is path as well")
	case r.broken[p.key("paths")]: // told already
	case d.Path == "" && len(d.Paths) == 0:
		r.missing(p.key("path"), "give the file that lists the endpoints, such as endpoints.yaml")
	case d.Path != "":
		pattern(p.key("path"), d.Path)
	}
	for i, file := range d.Paths {
		at := p.key("paths").item(i)
		if file == "" {
			r.missing(at, "give a file, or remove it")
		} else if slices.Contains(d.Paths[:i], file) {
			r.add(at, "name each once", "is there already: %s", quote(file))
		} else {
			pattern(at, file)
		}
	}
}

// reviewDiscovery notes what has no effect.
func (r *report) reviewDiscovery(p path, d *Discovery) {
	if d != nil && (d.Kind == "kubernetes" || d.Kind == "consul") && d.Interval != discoveryDefaults().Interval {
		r.note(p.key("interval"), "remove it", "has no effect with kind %s, which tells of each change at once", d.Kind)
	}
}

// validateDiscoveryKeys reports keys of the source that are missing, or that the kind does not know.
func (r *report) validateDiscoveryKeys(p path, d *Discovery) {
	of, given := discoveryKeys[d.Kind], d.given()
	for _, key := range slices.Sorted(maps.Keys(given)) {
		switch needed := slices.Contains(of.needs, key); {
		case needed && given[key] == "":
			r.missing(p.key(key), neededKeys[key])
		case !needed && given[key] != "" && !slices.Contains(of.may, key):
			r.add(p.key(key), "remove it, or choose another kind", "is not for kind %s", d.Kind)
		}
	}
	r.validateKubernetes(p, d)
	if d.Kind == "http" && d.URL != "" {
		r.validateAddress(p.key("url"), string(d.URL))
	}
	if d.TokenFile != "" {
		r.readSecret(p.key("token_file"), d.TokenFile)
	}
	if d.CAFile != "" {
		r.validateRoots(p.key("ca_file"), d.CAFile)
	}
	if d.PasswordFile != "" {
		r.readSecret(p.key("password_file"), d.PasswordFile)
	}
	switch d.Kind {
	case "file":
		r.validateFiles(p, d)
	case "dns":
		r.validateDNS(p, d)
	case "consul":
		r.validateConsul(p, d)
	case "redis":
		r.validateRegistry(p, d)
	}
}
