// Who stands apart from the others by several figures together.

package stats

import "slices"

// Apart says of each point whether it is outside the largest cluster (DBSCAN), which must have more than half of all; else nobody is.
// near is how close neighbours are, and company how many of them, itself included, make a point that others may join.
func Apart(points [][3]float64, near float64, company int) []bool {
	c := clusters{points: points, near: near, company: company, of: make([]int, len(points))}
	for i := range points {
		c.rest = append(c.rest, i)
	}
	sizes, largest := []int{0}, 0
	for i := range points {
		if c.of[i] == 0 && c.leads(i) {
			sizes = append(sizes, c.grow(i, len(sizes)))
		}
	}
	for n := 1; n < len(sizes); n++ {
		if sizes[n] > sizes[largest] {
			largest = n
		}
	}
	apart := make([]bool, len(points))
	if 2*sizes[largest] <= len(points) {
		return apart
	}
	for i := range apart {
		apart[i] = c.of[i] != largest
	}
	return apart
}

// clusters are those of some points.
type clusters struct {
	points  [][3]float64
	near    float64
	company int
	of      []int // the cluster of each; 0: none yet
	rest    []int // those of none, and some others
}

// grow gives a number to the cluster that begins at a point, and returns its size. Who belongs to a cluster is looked at no more:
// where most are of one, which is usual, it takes no longer than there are points.
func (c *clusters) grow(from, number int) (size int) {
	reached := []int{from}
	c.of[from] = number
	for ; len(reached) > 0; reached = reached[1:] {
		size++
		at := reached[0]
		if !c.leads(at) {
			continue // it belongs to it, and leads nowhere
		}
		c.rest = slices.DeleteFunc(c.rest, func(i int) bool {
			if c.of[i] == 0 && c.close(i, at) {
				c.of[i] = number
				reached = append(reached, i)
			}
			return c.of[i] != 0
		})
	}
	return size
}

// leads says whether a point has company.
func (c *clusters) leads(of int) bool {
	found := 0
	for i := range c.points {
		if c.close(i, of) {
			if found++; found >= c.company {
				return true
			}
		}
	}
	return false
}

func (c *clusters) close(one, other int) bool {
	sum := 0.0
	for d, v := range c.points[one] {
		off := v - c.points[other][d]
		sum += off * off
	}
	return sum <= c.near*c.near
}
