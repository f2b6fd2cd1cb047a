// Filling in what depends on other keys.

package configs

import (
	"path/filepath"
	"strings"
)

// resolve fills in what follows from the rest of the configuration. It reports nothing: validate does, for whatever
// could not be resolved.
func (c *Config) resolve(folder string, from places) {
	if c.Listen == nil {
		c.Listen = []Listen{{Address: defaultListen}}
	}
	c.resolveFiles(folder)
	c.Alerts.resolve("alerts", from)
	if c.Resources.Interval > 0 && !from.given("resources.timeout") {
		c.Resources.Timeout = min(c.Resources.Timeout, c.Resources.Interval)
	}
	if !from.given("limits.replay_bytes") {
		c.Limits.ReplayBytes = max(0, min(defaultReplay, c.Limits.BodyBytes, c.Limits.BodyMemory))
	}
	if len(c.Upstreams) == 1 && c.Upstreams[0].Name == "" {
		c.Upstreams[0].Name = defaultUpstream
	}
	for i := range c.Upstreams {
		c.Upstreams[i].resolve(path("upstreams").item(i), from)
	}
	if c.Routes == nil {
		c.Routes = []Route{{Path: "/", Priority: DefaultPriority}}
	}
	for i := range c.Routes {
		route := &c.Routes[i]
		route.Host = strings.TrimSuffix(strings.ToLower(route.Host), ".")
		if route.Upstream == "" && len(c.Upstreams) > 0 {
			route.Upstream = c.Upstreams[0].Name
		}
	}
}

func (u *Upstream) resolve(p path, from places) {
	if u.Health.Interval > 0 && !from.given(p.key("health").key("timeout")) {
		u.Health.Timeout = min(defaultProbe, u.Health.Interval)
	}
	u.Outlier.resolve(p.key("outlier"), from)
	if u.Discovery != nil {
		u.Discovery.resolve(p.key("discovery"), from, u.Name)
	}
	if u.Scale != nil {
		u.Scale.resolve(p.key("scale"), from)
	}
	for i := range u.Endpoints {
		endpoint := &u.Endpoints[i]
		parsed, fault := parseURL(endpoint.URL)
		if fault != nil {
			continue
		}
		endpoint.URL = parsed.String()
		if endpoint.Name == "" {
			endpoint.Name = parsed.Host
		}
	}
}

// resolveFiles makes file names absolute. Relative ones start at the configuration file's folder, not at the program's.
func (c *Config) resolveFiles(folder string) {
	absolute := func(name *string) {
		if *name != "" && !filepath.IsAbs(*name) {
			*name = filepath.Join(folder, *name)
		}
	}
	socket := func(address *string) {
		if name, isSocket := strings.CutPrefix(*address, socketPrefix); isSocket {
			absolute(&name)
			*address = socketPrefix + name
		}
	}
	absolute(&c.Log.Requests)
	absolute(&c.Usage.Dir)
	absolute(&c.Alerts.StateFile)
	socket(&c.Admin.Address)
	absolute(&c.Admin.TokenFile)
	absolute(&c.Shared.PasswordFile)
	absolute(&c.Shared.SecretFile)
	c.Scaler.resolveFiles(absolute)
	for i := range c.Webhooks {
		absolute(&c.Webhooks[i].URLFile)
		absolute(&c.Webhooks[i].SecretFile)
	}
	program := func(command []string) {
		if len(command) > 0 && strings.ContainsRune(command[0], filepath.Separator) {
			absolute(&command[0])
		}
	}
	for i := range c.Notify {
		absolute(&c.Notify[i].URLFile)
		absolute(&c.Notify[i].SecretFile)
		program(c.Notify[i].Command)
	}
	for i := range c.Listen {
		socket(&c.Listen[i].Address)
		if files := c.Listen[i].TLS; files != nil {
			absolute(&files.CertFile)
			absolute(&files.KeyFile)
		}
	}
	for i := range c.Upstreams {
		absolute(&c.Upstreams[i].Predict.File)
		c.Upstreams[i].Discovery.resolveFiles(absolute)
		if recovery := c.Upstreams[i].Recovery; recovery != nil {
			absolute(&recovery.WebhookFile)
			absolute(&recovery.SecretFile)
			program(recovery.Command)
		}
		if scale := c.Upstreams[i].Scale; scale != nil && scale.Actuator != nil {
			a := scale.Actuator
			for _, name := range []*string{&a.Dir, &a.Logs, &a.URLFile, &a.SecretFile, &a.Kubeconfig} {
				absolute(name)
			}
			if a.Kind != ActuateDocker { // there it is a program of the image
				program(a.Command)
			}
			program(a.CountCommand)
		}
		for _, endpoint := range c.Upstreams[i].Endpoints {
			if files := endpoint.TLS; files != nil {
				absolute(&files.CAFile)
				absolute(&files.CertFile)
				absolute(&files.KeyFile)
			}
		}
	}
}
