// What was good and bad lately, and in calm times, by endpoint, model, user and phase.

package anomaly

import (
	"cmp"
	"slices"
)

// dimension is what excess is shared out along.
type dimension uint8

const (
	byEndpoint dimension = iota
	byModel
	byUser
	byPhase
	dimensions
)

// mostValues bounds the values of a dimension that clients choose. Endpoints come from the configuration.
const mostValues = 128

// counts are of some requests.
type counts struct {
	requests float64 // all that had to do with an endpoint
	timed    float64 // that were answered and whose time counts
	slow     float64 // sum of how much longer they took, as logarithms
	work     float64 // asked for, of refused ones too
	bad      [symptoms]float64
}

func (c *counts) add(o *counts) {
	c.requests += o.requests
	c.timed += o.timed
	c.slow += o.slow
	c.work += o.work
	for i := range c.bad {
		c.bad[i] += o.bad[i]
	}
}

func (c *counts) scale(by float64) {
	c.requests *= by
	c.timed *= by
	c.slow *= by
	c.work *= by
	for i := range c.bad {
		c.bad[i] *= by
	}
}

// value is one endpoint, model, user or phase.
type value struct {
	name   string
	recent [longest]counts // by look
	calm   counts          // of times without fault; it fades
	weight float64         // work lately, by which the least of too many is left out
}

// tally is the counts of one upstream.
type tally struct {
	values [dimensions]map[string]*value
	total  value
	asked  map[question]located // at this look
}

func newTally() *tally {
	t := &tally{asked: map[question]located{}}
	for d := range t.values {
		t.values[d] = map[string]*value{}
	}
	return t
}

// of is the value of a name; nil where there are too many and it is not among the most.
func (t *tally) of(d dimension, name string) *value {
	if name == "" {
		return nil
	}
	v := t.values[d][name]
	if v != nil {
		return v
	}
	if d != byEndpoint && len(t.values[d]) >= mostValues {
		v = t.forgetLeast(d)
		*v = value{name: name}
	} else {
		v = &value{name: name}
	}
	t.values[d][name] = v
	return v
}

// forgetLeast leaves out whoever asked for least lately.
func (t *tally) forgetLeast(d dimension) (least *value) {
	for _, v := range t.values[d] {
		if least == nil || v.weight < least.weight || v.weight == least.weight && v.name < least.name {
			least = v
		}
	}
	delete(t.values[d], least.name)
	return least
}

// add counts one request at a look.
func (t *tally) add(look int, names [dimensions]string, c *counts) {
	t.total.recent[look%longest].add(c)
	for d, name := range names {
		if v := t.of(dimension(d), name); v != nil {
			v.recent[look%longest].add(c)
			v.weight += c.work
		}
	}
}

// turn begins a look. What leaves the recent past becomes part of the calm one, where it was calm.
func (t *tally) turn(look int, calm bool) {
	const fade = 1 - 1.0/(fadeMinutes*looksPerMinute)
	clear(t.asked)
	turn := func(v *value) {
		place := &v.recent[look%longest]
		if calm {
			v.calm.scale(fade)
			v.calm.add(place)
		}
		*place = counts{}
		v.weight *= 1 - 1.0/longest
	}
	turn(&t.total)
	for _, values := range t.values {
		for _, v := range values {
			turn(v)
		}
	}
}

// gone forgets an endpoint.
func (t *tally) gone(endpoint string) { delete(t.values[byEndpoint], endpoint) }

// since sums the last looks.
func (v *value) since(look, looks int) (sum counts) {
	for i := range min(max(looks, 1), longest) {
		sum.add(&v.recent[((look-i)%longest+longest)%longest])
	}
	return sum
}

// sorted are the values of a dimension, by name.
func (t *tally) sorted(d dimension) []*value {
	list := make([]*value, 0, len(t.values[d]))
	for _, v := range t.values[d] {
		list = append(list, v)
	}
	slices.SortFunc(list, func(a, b *value) int { return cmp.Compare(a.name, b.name) })
	return list
}
