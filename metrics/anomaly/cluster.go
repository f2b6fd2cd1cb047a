// Large fleets: which endpoints stand apart by several figures together (DBSCAN).

package anomaly

import "math"

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
	for i, apart := range outside(spots) {
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
		if c.timed < leastTimed || e.minutes < offsetKnown+longest/looksPerMinute { // times in the window need its measure
			continue
		}
		list = append(list, spot{e, [3]float64{
			part(c.slow, c.timed), angle(part(c.bad[Errors]+c.bad[Truncated], c.requests)), angle(part(c.bad[Stalls], c.requests)),
		}})
	}
	for i := range smallest {
		values := make([]float64, len(list))
		for j := range list {
			values[j] = list[j].at[i]
		}
		centre := middle(values)
		for j := range list {
			values[j] = math.Abs(list[j].at[i] - centre)
		}
		scale := max(1.4826*middle(values), smallest[i])
		for j := range list {
			list[j].at[i] = max((list[j].at[i]-centre)/scale, 0)
		}
	}
	return list
}

// angle stretches a part such that chance scatters it equally everywhere.
func angle(part float64) float64 { return math.Asin(math.Sqrt(min(max(part, 0), 1))) }

// outside says of each spot whether it is out of the largest cluster, which must have more than half of all.
func outside(list []spot) []bool {
	cluster, sizes := make([]int, len(list)), []int{0}
	for i := range list {
		if cluster[i] == 0 && len(around(list, i)) >= company {
			sizes = append(sizes, grow(list, cluster, i, len(sizes)))
		}
	}
	largest := 0
	for c := range sizes {
		if c > 0 && sizes[c] > sizes[largest] {
			largest = c
		}
	}
	apart := make([]bool, len(list))
	if largest == 0 || 2*sizes[largest] <= len(list) {
		return apart
	}
	for i := range list {
		apart[i] = cluster[i] != largest
	}
	return apart
}

// grow gives a number to the cluster that begins at a spot, and returns its size.
func grow(list []spot, cluster []int, from, number int) (size int) {
	reached := []int{from}
	cluster[from] = number
	for ; len(reached) > 0; reached = reached[1:] {
		size++
		neighbours := around(list, reached[0])
		if len(neighbours) < company {
			continue // it belongs to it, and leads nowhere
		}
		for _, j := range neighbours {
			if cluster[j] == 0 {
				cluster[j] = number
				reached = append(reached, j)
			}
		}
	}
	return size
}

// around are the spots near to one, itself included.
func around(list []spot, of int) (found []int) {
	for i := range list {
		sum := 0.0
		for d := range list[i].at {
			sum += (list[i].at[d] - list[of].at[d]) * (list[i].at[d] - list[of].at[d])
		}
		if math.Sqrt(sum) <= near {
			found = append(found, i)
		}
	}
	return found
}
