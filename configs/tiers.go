// Validation of what serves where an upstream's first endpoints fall short: tiers and fallbacks.

package configs

// mostTier is more tiers than anybody has sites.
const mostTier = 9

func (r *report) validateTiers(p path, u *Upstream) {
	r.validateRatio(p.key("tier_spill_ratio"), u.TierSpillRatio,
		"give the part of the capacity below which the next tier is used as well, such as 0.7; 0: only if nothing is left")
	for i := range u.Endpoints {
		between(r, p.key("endpoints").item(i).key("tier"), u.Endpoints[i].Tier, 0, mostTier, "give 0 to what is used first, more to backups")
	}
}

// validateFallbacks refuses names that are no upstream's, and circles: a request would go round in one for ever.
func (r *report) validateFallbacks(upstreams []Upstream) {
	names, next := make([]string, len(upstreams)), map[string]string{}
	for i := range upstreams {
		names[i] = upstreams[i].Name
		next[upstreams[i].Name] = upstreams[i].Fallback
	}
	for i := range upstreams {
		u, p := &upstreams[i], path("upstreams").item(i).key("fallback")
		if u.Fallback == "" {
			continue
		}
		r.validateReference(p, u.Fallback, names)
		way := quote(u.Name)
		for at, steps := u.Fallback, 0; at != "" && steps < len(upstreams); at, steps = next[at], steps+1 {
			if way += " -> " + quote(at); at == u.Name {
				r.add(p, "let one of them have none", "leads back to where it began: %s", way)
				break
			}
		}
	}
}
