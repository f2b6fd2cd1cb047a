// Advice on limits: slots that an engine does not have, and a queue that is too short.

package advice

import (
	"fmt"
	"math"
	"strconv"
)

const (
	// levelLeast is how many requests a level must have had for its speed to count.
	levelLeast = 100
	// kneeFit is the part of the squared error that is left where there is a knee.
	kneeFit = 0.3
	// flatter is how much slower, at most, requests may be with as many at once as the engine has slots, than alone.
	flatter = 1.25
	// levelsAbove is how many levels above the knee must be known: one alone may be chance.
	levelsAbove = 2
	// refusedMuch is the part of requests that are refused for want of a slot where the queue may be too short.
	refusedMuch = 0.01
	// longestQueue is how many times as long a queue is tried.
	longestQueue = 8
)

func limits(v *view) []Advice {
	var all []Advice
	n := 0
	var found []knee
	for _, e := range v.setup.inUse() {
		p := v.places[e.Name]
		if e.AutoSlots {
			continue
		}
		seen := 0
		for i := range p.levels {
			seen += int(p.levels[i].requests)
		}
		n += seen
		if k, ok := kneeOf(&p.levels); ok && (e.Slots == 0 || k < e.Slots) {
			found = append(found, knee{e, k, seen})
		}
	}
	if found != nil {
		all = append(all, v.slots(found))
	}
	all = append(all, v.queue()...)
	if all != nil {
		return all
	}
	if n < levelLeast && len(v.log) < leastReplay {
		return v.unsure(Limits, n, "too few requests were seen to tell how many an endpoint works on at once", nil)
	}
	text := "no endpoint was seen to have fewer slots than it is said to"
	if v.ofLog {
		return v.well(Limits, n, text+"; a request log does not have those that were refused for want of one", nil)
	}
	return v.well(Limits, n, text+", and few requests are refused for want of one", nil)
}

// kneeOf finds the number of requests from which on more at once only wait for each other: up to it the time for a unit of work is
// about the same, and beyond it the time grows in proportion. It must have been seen up to twice that number.
func kneeOf(levels *[levelCount]level) (knee int, ok bool) {
	known, top := []int(nil), 0
	for i := range levels {
		if levels[i].requests >= levelLeast && levels[i].size > 0 && levels[i].service > 0 {
			known, top = append(known, i), i
		}
	}
	if len(known) < levelsAbove {
		return 0, false
	}
	flat, _ := misfit(levels, known, math.MaxInt)
	best := flat * kneeFit
	for _, i := range known {
		k := slotsOf(i)
		if 2*k > slotsOf(top) || known[len(known)-levelsAbove] <= i {
			break
		}
		if off, rise := misfit(levels, known, k); off < best && rise <= math.Log(flatter) {
			best, knee, ok = off, k, true
		}
	}
	return knee, ok
}

// misfit is how badly an engine of so many slots explains the times, and how much they rise up to there, as a logarithm.
func misfit(levels *[levelCount]level, known []int, slots int) (sum, rise float64) {
	mean, weight := 0.0, 0.0
	expected := func(i int) float64 {
		l := &levels[i]
		return math.Max(math.Log(l.inFlight/l.requests/float64(slots)), 0)
	}
	for _, i := range known {
		mean += levels[i].requests * (levels[i].perWork() - expected(i))
		weight += levels[i].requests
	}
	mean /= max(weight, 1)
	first := math.NaN()
	for _, i := range known {
		off := levels[i].perWork() - expected(i) - mean
		sum += levels[i].requests * off * off
		if slotsOf(i) <= slots {
			if math.IsNaN(first) {
				first = levels[i].perWork()
			}
			rise = levels[i].perWork() - first
		}
	}
	return sum, rise
}

// knee is an endpoint that works on fewer requests at once than it is said to.
type knee struct {
	Endpoint
	slots    int
	requests int // that this is from
}

// slots advises to give endpoints the slots that they have: all of them, as those without a limit would get what others do not take.
func (v *view) slots(found []knee) Advice {
	var names, counts []string
	evidence, n := map[string]any{}, 0
	for _, k := range found {
		said := "no limit"
		if k.Endpoint.Slots > 0 {
			said = fmt.Sprintf("%d slots", k.Endpoint.Slots)
		}
		names, counts = append(names, k.Name), append(counts, fmt.Sprintf("%d (with %s)", k.slots, said))
		evidence[k.Name] = k.slots
		n += k.requests
	}
	a := v.told(Limits, Advised, n, fmt.Sprintf("%s was seen to work on about %s requests at once: with more they wait in it, where no other endpoint can take them",
		list(names), list(counts)), evidence)
	if len(found) > 1 {
		a.Text = fmt.Sprintf("%s were seen to work on about %s requests at once: with more they wait there, where no other endpoint can take them", list(names), list(counts))
	} else {
		a.Endpoint = found[0].Name
	}
	level := levelOf(found[0].slots)
	a.Interval = &[2]float64{float64(slotsOf(max(level-1, 0))), float64(slotsOf(level + 1))}
	for _, k := range found {
		a.Changes = append(a.Changes, Change{v.setup.Name, k.Name, "slots", strconv.Itoa(k.slots)})
	}
	d := v.try(&a, 1, v.setup.with(func(u *Upstream) {
		for _, k := range found {
			u.find(k.Name).Slots = k.slots
		}
	}))
	return v.settle(a, d, d.gains())
}

// queue advises to let more requests wait, where some were refused that a longer queue would have served.
func (v *view) queue() []Advice {
	refused := 0
	for i := range v.log {
		if v.log[i].Endpoint == "" {
			refused++
		}
	}
	part := float64(refused) / float64(max(len(v.log), 1))
	if !v.setup.queues() || len(v.log) < leastReplay || part < refusedMuch {
		return nil
	}
	low, high := wilson(refused, len(v.log))
	text := fmt.Sprintf("%s of the requests were refused for want of a slot, with a queue of %d and a longest wait of %s", percent(part), v.setup.Queue.MaxRequests, v.setup.Queue.MaxWait)
	var a Advice
	var d verdict
	for times := 2; times <= longestQueue; times *= 2 {
		longer := v.setup.Queue.MaxRequests * times
		a = v.told(Limits, Advised, len(v.log), text, map[string]any{"refused": refused, "refused_ratio": part, "max_requests": v.setup.Queue.MaxRequests})
		a.Changes = []Change{{v.setup.Name, "", "queue.max_requests", strconv.Itoa(longer)}}
		d = v.try(&a, 1, v.setup.with(func(u *Upstream) { u.Queue.MaxRequests = longer }))
		if d.problem != "" || d.unserved[1] < refusedMuch/2 {
			break
		}
	}
	a.Interval = &[2]float64{low, high}
	a.Evidence["refused_ratio_before"], a.Evidence["refused_ratio_after"] = d.unserved[0], d.unserved[1]
	return []Advice{v.settle(a, d, d.unserved[1] <= d.unserved[0]/2 && d.effect.Ratio <= 1+slower)}
}
