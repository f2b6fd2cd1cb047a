// What becomes of recommendations.

package configs

// The words that optimise may be.
const (
	OptimiseOff   = offWord // none are made
	OptimiseShow  = "show"  // they are told, and a person decides
	OptimiseApply = "apply" // those on capacities and slots are followed by the gateway itself
)

// reviewOptimise notes what cannot do what it is meant for.
func (r *report) reviewOptimise(c *Config) {
	if c.Optimise != OptimiseApply {
		return
	}
	for i := range c.Upstreams {
		for _, e := range c.Upstreams[i].Endpoints {
			if !e.Capacity.Auto || !e.Slots.Auto && e.Slots.Value > 0 {
				return
			}
		}
	}
	r.note("optimise", "write show, or give endpoints a capacity or slots", "has no effect as apply: all capacities are measured anyway, and no endpoint has slots")
}
