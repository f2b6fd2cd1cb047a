// Resources: what nodes say of themselves, and who is asked.

package configs

import (
	"net/url"
	"strings"
	"time"
)

// Resources says how exporters of nodes are asked.
type Resources struct {
	Interval time.Duration `yaml:"interval"` // from one question to the next; what is older than three counts no more
	Timeout  time.Duration `yaml:"timeout"`
}

// Exporters says who tells of the machine of an endpoint, and what part of the machine it has.
type Exporters struct {
	// URLs are pages in Prometheus' text. HostWord in them stands for the endpoint's host, so that an upstream can say
	// them for endpoints that nobody has listed.
	URLs   []string `yaml:"urls"`
	GPUs   []int    `yaml:"gpus,omitempty"`   // of the endpoint, as the exporter numbers them; none: all of the machine
	Mounts []string `yaml:"mounts,omitempty"` // mount points that count; none: all
}

// HostWord stands for the host of an endpoint in the URL of an exporter.
const HostWord = "{host}"

const (
	mostExporters = 8
	mostGPU       = 1023
)

func resourcesDefaults() Resources {
	return Resources{Interval: 15 * time.Second, Timeout: 5 * time.Second}
}

func (r *report) validateResources(c *Config) {
	const p = path("resources")
	if between(r, p.key("interval"), c.Resources.Interval, time.Second, time.Hour, "give the time from one question to the next") {
		between(r, p.key("timeout"), c.Resources.Timeout, 100*time.Millisecond, c.Resources.Interval, "give how long an answer may take, at most the interval")
	}
}

// validateExporters reports what is wrong with a section of an upstream or an endpoint; e may be nil.
func (r *report) validateExporters(p path, e *Exporters) {
	if e == nil {
		return
	}
	if len(e.URLs) == 0 {
		r.missing(p.key("urls"), `list pages, such as ["http://{host}:9100/metrics"], or remove resources`)
	}
	if len(e.URLs) > mostExporters {
		r.add(p.key("urls"), "list those that tell of this machine only", "has %d pages, and no more than %d are asked", len(e.URLs), mostExporters)
	}
	listed := map[string]path{}
	for i, text := range e.URLs {
		at := p.key("urls").item(i)
		if wrong := exporterFault(text); wrong != nil {
			r.add(at, wrong.remedy, "%s", wrong.what)
			continue
		}
		if first, again := listed[text]; again {
			r.add(at, "remove one of them", "is listed twice, see %s", first)
		}
		listed[text] = at
	}
	for i, n := range e.GPUs {
		between(r, p.key("gpus").item(i), n, 0, mostGPU, "give the number of a GPU, as nvidia-smi -L lists it")
	}
	for i, m := range e.Mounts {
		if !strings.HasPrefix(m, "/") || m != "/" && strings.HasSuffix(m, "/") {
			r.add(p.key("mounts").item(i), "write it as df does, such as /models", "is no mount point: %s", quote(m))
		}
	}
}

const exporterRemedy = "write http://host:port/metrics; {host} stands for the endpoint's host"

// exporterFault is what is wrong with the URL of a page; nil where nothing is.
func exporterFault(text string) *fault {
	plain := strings.ReplaceAll(text, HostWord, "host.invalid")
	u, err := url.Parse(plain)
	switch {
	case text == "":
		return &fault{"is empty", exporterRemedy}
	case strings.ContainsAny(plain, "{}"):
		return &fault{"has a placeholder that is not known: " + quote(text), exporterRemedy}
	case !strings.Contains(text, "://"):
		return &fault{"has no scheme", exporterRemedy}
	case err != nil && strings.Contains(text, "@"):
		return &fault{"is not a URL", exporterRemedy} // what stands before an @ may be a password
	case err != nil:
		return &fault{"is not a URL: " + quote(text), exporterRemedy}
	case u.Scheme != "http" && u.Scheme != "https":
		return &fault{"has the scheme " + quote(u.Scheme), exporterRemedy}
	case u.User != nil:
		return &fault{"has a user or password in it", "remove it, and let the exporter be reached from this machine only, or over a network that is your own"}
	case u.Hostname() == "" || !validHost(u.Hostname()):
		return &fault{"has the host " + quote(u.Hostname()), exporterRemedy}
	case u.Fragment != "" || strings.Contains(text, "#"):
		return &fault{"has a fragment", "remove it and the #"}
	}
	if port := u.Port(); port != "" || strings.HasSuffix(u.Host, ":") {
		if n, err := parsePort(port); err != nil || n == 0 {
			return badPort
		}
	}
	return nil
}

// For are the pages of an endpoint: each URL with its host in it, and a path.
func (e *Exporters) For(host string) (urls []string) {
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	for _, text := range e.URLs {
		u, err := url.Parse(strings.ReplaceAll(text, HostWord, host))
		if err != nil {
			continue // it was checked; an endpoint of discovery may have an odd host
		}
		if u.Path == "" {
			u.Path = "/metrics"
		}
		urls = append(urls, u.String())
	}
	return urls
}

// reviewResources notes what has no effect.
func (r *report) reviewResources(c *Config) {
	asked := false
	for i := range c.Upstreams {
		u, p := &c.Upstreams[i], path("upstreams").item(i)
		here := u.Resources != nil
		for j := range u.Endpoints {
			here = here || u.Endpoints[j].Resources != nil
		}
		asked = asked || here
		if u.Scale != nil && len(u.Scale.Thresholds) > 0 && !here {
			r.note(p.key("scale").key("thresholds"), `give the upstream resources: {urls: ["http://{host}:9100/metrics"]}`,
				"have no effect: nobody says how its servers' machines fare")
		}
	}
	if !asked && c.Resources != resourcesDefaults() {
		r.note("resources", "give an upstream resources, or remove it", "has no effect: no upstream and no endpoint has resources")
	}
}
