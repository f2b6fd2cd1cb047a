// An outage of the whole group: whoever is back first speaks for the others.

package outlier

import (
	"slices"
	"time"
)

// fleetPasses is how many requests in a row, wherever, must be served well in spite of ejections for
// a dark group to be well again. It has no tick to wait for: until then the few that are used carry
// everything.
const fleetPasses = 10

// judgeDark ends the ejections of a group that was dark, that is, of which all that were used failed,
// once one of them serves again: what they had in common is over. Most of them are not used, and so
// could not show it, while the first that came back would carry the load of all. They are on trial,
// where one failure ejects again. The caller holds mu.
func (g *Group) judgeDark(now time.Time) {
	dawns := g.dawn || g.pleas.Load() >= fleetPasses
	g.dawn = false
	someOut := slices.ContainsFunc(g.members, func(e *Endpoint) bool { return e.out })
	switch {
	case !someOut:
		g.dark = false
	case !g.dark:
		g.dark = !slices.ContainsFunc(g.members, (*Endpoint).serves)
	case dawns:
		g.dark = false
		for _, e := range g.members {
			if e.out && e.failing() {
				g.restore(e, now, "all were ejected, and one of them serves well again")
			}
		}
	}
}

// serves reports whether the endpoint may be used and is not ejected. One of which nothing was read
// yet may be.
func (e *Endpoint) serves() bool {
	return !e.out && (e.reading.Eligible || e.reading.Capacity == 0)
}
