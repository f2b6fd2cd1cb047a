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
