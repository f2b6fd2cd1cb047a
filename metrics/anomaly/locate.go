// Where a fault is: the value that has most of the excess, and more of it than of the traffic.

package anomaly

import (
	"cmp"
	"math"
	"slices"
)

const (
	// named is the part of the excess that one value must have, and listed that of those that are told beside.
	named, listed = 0.6, 0.2
	// beyond is by how much its part of the excess must be larger than its part of the traffic.
	beyond = 0.2
	// knownCalm is how many requests a value needs for its own calm past to count; else it is that of all.
	knownCalm = 50
)

// Share is a part of what is bad beyond the usual.
type Share struct {
	Name    string
	Part    float64 // of the excess, 0 to 1 and more where others have less than usual
	Traffic float64 // of the requests, 0 to 1
}

// located is what the shares of all dimensions come to.
type located struct {
	name   [dimensions]string  // "" where none has most of it
	shares [dimensions][]Share // those with listed and more, the largest first
	main   dimension
	found  bool // one value is named
}

// question is what locate is asked for at a look.
type question struct {
	symptom Symptom
	looks   int
	ratio   float64
}

// locate shares a symptom's excess out. ratio is how many times the usual there is, of demand only. Many endpoints may have
// the same fault: what was asked once at a look is answered from memory.
func (t *tally) locate(s Symptom, look, looks int, ratio float64) located {
	if s != Demand {
		ratio = 0
	}
	asked := question{s, looks, ratio}
	l, known := t.asked[asked]
	if !known {
		l = t.located(s, look, looks, ratio)
		t.asked[asked] = l
	}
	return l
}

func (t *tally) located(s Symptom, look, looks int, ratio float64) (l located) {
	whole := t.total.since(look, looks)
	best := 0.0
	for d := range dimensions {
		if d == byPhase && s != Errors {
			continue
		}
		shares := t.shares(d, s, look, looks, &whole, ratio)
		for _, share := range shares {
			if share.Part >= listed {
				l.shares[d] = append(l.shares[d], share)
			}
		}
		if len(shares) == 0 || shares[0].Part < named {
			continue
		}
		if over := shares[0].Part - shares[0].Traffic; d == byPhase {
			l.name[d] = shares[0].Name
		} else if min(over, 1) >= beyond {
			l.name[d] = shares[0].Name
			// The order is that of dimensions: a model that only one endpoint has is that endpoint.
			if part := min(over, 1); part > best+0.05 {
				best, l.main, l.found = part, d, true
			}
		}
	}
	return l
}

// shares are the parts of all values of a dimension, the largest first.
func (t *tally) shares(d dimension, s Symptom, look, looks int, whole *counts, ratio float64) (list []Share) {
	total := excess(s, &t.total, whole, &t.total, whole, ratio)
	if !(total > 0) {
		return nil
	}
	traffic := s.traffic(whole)
	for _, v := range t.sorted(d) {
		is := v.since(look, looks)
		e := excess(s, v, &is, &t.total, whole, ratio)
		if d == byPhase { // nothing is usual of a phase but that requests do not fail in it
			e = is.bad[s]
		}
		list = append(list, Share{v.name, min(e/total, 1.5), s.traffic(&is) / max(traffic, 1e-9)})
	}
	slices.SortStableFunc(list, func(a, b Share) int { return cmp.Compare(b.Part, a.Part) })
	return list
}

// traffic is what a value's part of it is reckoned by.
func (s Symptom) traffic(c *counts) float64 {
	if s == Demand {
		return c.work
	}
	return c.requests
}

// excess is what a value has of a symptom beyond its usual.
func excess(s Symptom, v *value, is *counts, all *value, whole *counts, ratio float64) float64 {
	calm := &v.calm
	switch s {
	case Demand:
		if all.calm.work == 0 || ratio <= 0 {
			return 0
		}
		return is.work - calm.work/all.calm.work*whole.work/ratio
	case Slow, Apart:
		if calm.timed < knownCalm {
			calm = &all.calm
		}
		return is.slow - is.timed*part(calm.slow, calm.timed)
	}
	if calm.requests < knownCalm {
		calm = &all.calm
	}
	return is.bad[s] - is.requests*part(calm.bad[s], calm.requests)
}

func part(of, all float64) float64 {
	if all == 0 {
		return 0
	}
	return of / all
}

// times is how many times the usual a symptom is, of a whole upstream.
func (t *tally) times(s Symptom, look, looks int) float64 {
	is := t.total.since(look, looks)
	if s == Slow || s == Apart {
		return math.Exp(part(is.slow, is.timed) - part(t.total.calm.slow, t.total.calm.timed))
	}
	return part(is.bad[s], is.requests) / max(part(t.total.calm.bad[s], t.total.calm.requests), 1e-4)
}
