// Large fleets: which endpoints stand apart by several figures together (DBSCAN).

package anomaly

import (
	"math"

	"github.com/steelyard-proxy/steelyard/metrics/stats"
)

const (
	// clusterOf is how many endpoints a fleet must have, clusterEvery how many looks lie between two of its own, and
	// apartTimes in how many of those in a row an endpoint must stand apart.
	clusterOf, clusterEvery, apartTimes = 8, 3, 6
	// near is how close neighbours are, and company how many make a core: the two parameters of DBSCAN.
	near, company = 4.0, 3
	// leastTimed is how many requests an endpoint needs in the ten minutes.
	leastTimed = 100
)

// spot is where an endpoint stands: deviations to the wrong side of the middle, by time, failures, stalls.
type spot struct {
	e  *endpoint
	at [3]float64
}

// smallest are differences that are chance in any case: of a time, and of parts stretched by angles.
var smallest = [3]float64{0.12, 0.05, 0.05}

// judgeCluster counts for each endpoint in how many looks in a row it stands apart.
func (u *upstream) judgeCluster(look int) {
	if look%clusterEvery != 0 {
		return
	}
	spots := u.spots(look)
	if len(spots) < clusterOf {
		for _, e := range u.list {
			e.apart = 0
		}
		return
	}
	points := make([][3]float64, len(spots))
	for i := range spots {
		points[i] = spots[i].at
	}
	for i, apart := range stats.Apart(points, near, company) {
		if e := spots[i].e; apart {
			e.apart++
		} else {
			e.apart = 0
		}
	}
}

func (u *upstream) spots(look int) (list []spot) {
	for _, e := range u.list {
		v := u.tally.values[byEndpoint][e.name]
		if v == nil {
			continue
		}
		c := v.since(look, longest)
		if c.timed < leastTimed || e.Minutes < offsetKnown+longest/looksPerMinute { // times in the window need its measure
			continue
		}
		list = append(list, spot{e, [3]float64{
			part(c.slow, c.timed), stats.Angle(part(c.bad[Errors]+c.bad[Truncated], c.requests)), stats.Angle(part(c.bad[Stalls], c.requests)),
		}})
	}
	for i := range smallest {
		values := make([]float64, len(list))
		for j := range list {
			values[j] = list[j].at[i]
		}
		centre := stats.Median(values)
		for j := range list {
			values[j] = math.Abs(list[j].at[i] - centre)
		}
		scale := max(1.4826*stats.Median(values), smallest[i])
		for j := range list {
			list[j].at[i] = max((list[j].at[i]-centre)/scale, 0)
		}
	}
	return list
}
