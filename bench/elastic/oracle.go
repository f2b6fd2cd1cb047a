// The oracle: it knows each request beforehand.

package elastic

import "math"

// planSeconds is how long the oracle keeps a number.
const planSeconds = 15

// foreseen is what the oracle knows, by second.
type foreseen struct {
	busy  []float64 // slots that would be busy if nobody waited, in the mean over the second
	comes []bool    // whether a request comes
	most  []float64 // the greatest of busy, by stretch
}

// foresee serves a course with slots for all.
func foresee(c *course) *foreseen {
	n := int(c.setup.span)
	f := &foreseen{busy: make([]float64, n+2), comes: make([]bool, n+1)}
	steps := make([]float64, n+3) // of busy, from one second to the next
	cover := func(at float64, sign float64) {
		at = min(at, float64(n)+1)
		second := int(at)
		steps[second] += sign * (1 - (at - float64(second)))
		steps[second+1] += sign * (at - float64(second))
	}
	from := c.requests()
	var open pending
	for from.next() < c.setup.span || open.next() < c.setup.span {
		if open.next() < from.next() {
			q, at := open.pop()
			from.ended(q, at)
			continue
		}
		q := from.take()
		f.comes[int(q.at)] = true
		cover(q.at, 1)
		cover(q.at+q.service, -1)
		if c.users != nil {
			open.push(q, q.at+q.service)
		}
	}
	sum := 0.0
	for i := range f.busy {
		sum += steps[i]
		f.busy[i] = max(sum, 0)
		if i%planSeconds == 0 {
			f.most = append(f.most, 0)
		}
		f.most[i/planSeconds] = max(f.most[i/planSeconds], f.busy[i])
	}
	return f
}

// Levels of what has been put off, in slot-seconds: one label is kept of each.
var putOff = [...]float64{0, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, math.MaxFloat64}

const levels = len(putOff)

func levelOf(w float64) int {
	for i, most := range putOff {
		if w <= most {
			return i
		}
	}
	return levels - 1
}

// label is the cheapest way that was found to be where it is.
type label struct {
	cost float64 // in replica-seconds
	left float64 // slot-seconds put off
}

// planFor finds how many replicas there shall be in each stretch, if a second over the objective costs so many
// replica-seconds. It goes through time once (dynamic programming): of each number of replicas and level of what has been put off, the
// cheapest way there is kept. Work is fluid within a second; a start costs its time, an end the time of a mean request.
func planFor(s *setup, f *foreseen, price, part float64) *plan {
	stretches := int(math.Ceil(s.span / planSeconds))
	states := (s.max + 1) * levels
	back := make([]int16, stretches*states)
	best := emptyLabels(states)
	for n := s.min; n <= s.max; n++ {
		best[n*levels] = label{cost: math.Abs(float64(n-s.first)) * s.start}
	}
	for i := range stretches {
		moved, from := move(s, best)
		best = emptyLabels(states)
		for at, l := range moved {
			if math.IsInf(l.cost, 1) {
				continue
			}
			n := at / levels
			left, over := f.serve(s, n, i, l.left, part)
			to := n*levels + levelOf(left)
			if cost := l.cost + float64(n*planSeconds) + price*float64(over); cost < best[to].cost {
				best[to] = label{cost, left}
				back[i*states+to] = from[at]
			}
		}
	}
	return walkBack(best, back, stretches)
}

func emptyLabels(n int) []label {
	list := make([]label, n)
	for i := range list {
		list[i].cost = math.Inf(1)
	}
	return list
}

// move changes the number of replicas at the begin of a stretch. It says where each label came from.
func move(s *setup, best []label) (moved []label, from []int16) {
	moved, from = emptyLabels(len(best)), make([]int16, len(best))
	for at, l := range best {
		if math.IsInf(l.cost, 1) {
			continue
		}
		n, level := at/levels, at%levels
		for m := s.min; m <= s.max; m++ {
			cost := l.cost
			if m > n {
				cost += float64(m-n) * s.start
			} else {
				cost += float64(n-m) * s.unit
			}
			if to := m*levels + level; cost < moved[to].cost {
				moved[to], from[to] = label{cost, l.left}, int16(at)
			}
		}
	}
	return moved, from
}

// serve lets n replicas serve a stretch. What does not fit is put off, and who comes then waits as long as it takes. More than a
// part of the target is too long.
func (f *foreseen) serve(s *setup, n, stretch int, left, part float64) (float64, int) {
	slots, over := float64(n*s.slots), 0
	if left == 0 && f.most[stretch] <= slots {
		return 0, 0
	}
	most := part * s.wait * slots
	for u := stretch * planSeconds; u < (stretch+1)*planSeconds && u < len(f.comes); u++ {
		left = max(left+f.busy[u]-slots, 0)
		if left > most && f.comes[u] {
			over++
		}
	}
	return left, over
}

// walkBack goes from the cheapest end to the begin.
func walkBack(best []label, back []int16, stretches int) *plan {
	at := 0
	for i, l := range best {
		if l.cost < best[at].cost {
			at = i
		}
	}
	p := &plan{list: make([]int, stretches), length: planSeconds}
	for i := stretches - 1; i >= 0; i-- {
		p.list[i] = at / levels
		at = int(back[i*len(best)+at])
	}
	return p
}
