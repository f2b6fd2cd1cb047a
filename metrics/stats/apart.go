// Who stands apart from the others by several figures together.

package stats

import "math"

// Apart says of each point whether it is outside the largest cluster (DBSCAN), which must have more than half of all; else nobody is.
// near is how close neighbours are, and company how many of them, itself included, make a point that others may join.
func Apart(points [][3]float64, near float64, company int) []bool {
	c := clusters{points: points, near: near, company: company, of: make([]int, len(points))}
	sizes, largest := []int{0}, 0
	for i := range points {
		if c.of[i] == 0 && len(c.around(i)) >= company {
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
}

// grow gives a number to the cluster that begins at a point, and returns its size.
func (c *clusters) grow(from, number int) (size int) {
	reached := []int{from}
	c.of[from] = number
	for ; len(reached) > 0; reached = reached[1:] {
		size++
		around := c.around(reached[0])
		if len(around) < c.company {
			continue // it belongs to it, and leads nowhere
		}
		for _, i := range around {
			if c.of[i] == 0 {
				c.of[i] = number
				reached = append(reached, i)
			}
		}
	}
	return size
}

// around are the points near to one, itself included.
func (c *clusters) around(of int) (found []int) {
	for i, p := range c.points {
		sum := 0.0
		for d := range p {
			sum += (p[d] - c.points[of][d]) * (p[d] - c.points[of][d])
		}
		if math.Sqrt(sum) <= c.near {
			found = append(found, i)
		}
	}
	return found
}
