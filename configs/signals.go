// Signals: what engines say of themselves.

package configs

import "time"

// Signals says how the endpoints of an upstream are asked what their engines say of themselves.
type Signals struct {
	Engine   string        `yaml:"engine"`         // "off": nobody is asked; or one of Engines
	Path     string        `yaml:"path,omitempty"` // "": where the engine publishes
	Port     int           `yaml:"port,omitempty"` // 0: the engine's own, or else the endpoint's
	Interval time.Duration `yaml:"interval"`
}

// Engines are the words that signals.engine may have besides off.
var Engines = []string{"auto", "vllm", "sglang", "tgi", "llamacpp", "triton", "trtllm", "ollama", "orca"}

func (r *report) validateSignals(p path, s *Signals) {
	r.oneOf(p.key("engine"), s.Engine, append([]string{offWord}, Engines...)...)
	r.validateProbePath(p.key("path"), s.Path)
	between(r, p.key("port"), s.Port, 0, 65535, "give the port on which the engine publishes, 0 for the usual one")
	between(r, p.key("interval"), s.Interval, 100*time.Millisecond, time.Hour, "give the time from one question to the next")
}

func (r *report) reviewSignals(p path, s *Signals) {
	usual := upstreamDefaults().Signals
	unused := func(key, why string, differs bool) {
		if differs {
			r.note(p.key(key), "remove it", "has no effect: %s", why)
		}
	}
	switch s.Engine {
	case offWord:
		const why = "with signals.engine off no endpoint is asked"
		unused("path", why, s.Path != "")
		unused("port", why, s.Port != 0)
		unused("interval", why, s.Interval != usual.Interval)
	case "orca":
		const why = "with orca the load comes with the answers, and no page is asked for"
		unused("path", why, s.Path != "")
		unused("port", why, s.Port != 0)
	}
}
