// The fleet and its queue: each request is served by itself, as the engine of slots does.

package elastic

import (
	"math"

	"github.com/steelyard-proxy/steelyard/bench/heap"
)

// setup is what the replicas of a fleet and the queue before them are like. Times are in seconds.
type setup struct {
	slots    int     // of a replica; each serves one request at its own speed
	unit     float64 // what a request of work 1 takes in a slot
	start    float64 // from the order until a replica serves
	min, max int     // replicas
	first    int     // that serve at the beginning
	wait     float64 // objective: how long a request may wait for a slot
	most     float64 // how long it waits at most; then it is refused
	queue    int     // how many may wait
	from     float64 // what came before is not judged
	span     float64 // the end
	revives  bool    // a replica that drains may be taken back
	interval float64 // from one decision of steelyard's to the next; 0: 5 s
	keep     float64 // for how long fewer must suffice for it; 0: 5 min
	charge   float64 // added for each start, for who starts without waiting for it
}

// capacity is how much work a replica does per second.
func (s *setup) capacity() float64 { return float64(s.slots) / s.unit }

// phase is how far a replica is.
type phase uint8

const (
	starting phase = iota
	serving
	draining
)

// replica is one server.
type replica struct {
	phase   phase
	ready   float64 // when it serves, or has served first
	busy    int
	ordinal int // the order in which they were ordered
}

// request is one that came.
type request struct {
	at, service float64
	user        int32 // of a closed loop
}

// served is one that holds a slot.
type served struct {
	request
	replica *replica
	began   float64
}

// fleet serves requests. All changes happen at now.
type fleet struct {
	setup
	source source
	now    float64

	replicas []*replica // that are not gone, oldest first
	counts   [3]int     // of them, by phase
	ordered  int        // so many were ordered, ever
	free     int        // slots of those that serve
	running  int        // requests in slots
	ends     heap.Heap  // of jobs, by their end
	jobs     []served
	unused   []int32 // places in jobs
	waiting  []request
	head     int // of waiting

	// What rules see, since the begin.
	arrived              float64 // work
	arrivals             int
	together, queued, on float64 // ∫ of requests that are in, that wait, and that run

	figures Figures
	over    []bool // by second: a request that came in it waited too long
	last    int    // direction of the last change
}

// Figures are what came of a run.
type Figures struct {
	Hours    float64 // replica-hours
	Over     int     // seconds over the objective
	Seconds  int     // judged
	Response float64 // mean, in seconds
	Turns    int     // changes of direction
	Starts   int
	Refused  int
	Requests int
	Peak     int // replicas at once
}

func newFleet(s setup, from source) *fleet {
	f := &fleet{setup: s, source: from, over: make([]bool, int(s.span)+1)}
	for range min(max(s.first, s.min, 1), s.max) {
		f.order(0)
	}
	f.figures.Starts = 0
	f.promote()
	return f
}

// order starts a replica.
func (f *fleet) order(takes float64) {
	f.replicas = append(f.replicas, &replica{ready: f.now + takes, ordinal: f.ordered})
	f.ordered++
	f.counts[starting]++
	if f.now >= f.from {
		f.figures.Starts++
		f.figures.Hours += f.charge / 3600
	}
}

// promote lets those serve whose start is over.
func (f *fleet) promote() {
	for _, r := range f.replicas {
		if r.phase == starting && r.ready <= f.now {
			r.phase = serving
			f.counts[starting]--
			f.counts[serving]++
			f.free += f.slots
		}
	}
	f.dispatch()
}

// nextReady is when the next start is over.
func (f *fleet) nextReady() float64 {
	next := math.Inf(1)
	if f.counts[starting] == 0 {
		return next
	}
	for _, r := range f.replicas {
		if r.phase == starting {
			next = min(next, r.ready)
		}
	}
	return next
}

// arrive takes in one request.
func (f *fleet) arrive(q request) {
	f.arrived += q.service / f.unit
	f.arrivals++
	if q.at >= f.from {
		f.figures.Requests++
	}
	switch {
	case f.free > 0 && f.held() == 0:
		f.serve(q)
	case f.held() < f.queue:
		f.waiting = append(f.waiting, q)
	default:
		f.refuse(q)
	}
}

// held is how many wait.
func (f *fleet) held() int { return len(f.waiting) - f.head }

func (f *fleet) refuse(q request) {
	f.mark(q.at)
	if q.at >= f.from {
		f.figures.Refused++
	}
	f.source.ended(q, f.now)
}

// mark says that a request of a second waited too long.
func (f *fleet) mark(at float64) { f.over[min(int(at), len(f.over)-1)] = true }

// dispatch serves those who wait, as far as there are slots.
func (f *fleet) dispatch() {
	for f.held() > 0 {
		q := f.waiting[f.head]
		late := f.now-q.at > f.most
		if !late && f.free == 0 {
			break
		}
		if f.head++; f.head > 1024 && 2*f.head > len(f.waiting) {
			f.waiting = append(f.waiting[:0], f.waiting[f.head:]...)
			f.head = 0
		}
		if late {
			f.refuse(q)
			continue
		}
		f.serve(q)
	}
}

// serve gives a request to the replica with the least in flight, the oldest of equal ones. There must be a free slot.
func (f *fleet) serve(q request) {
	var to *replica
	for _, r := range f.replicas {
		if r.phase == serving && r.busy < f.slots && (to == nil || r.busy < to.busy) {
			to = r
		}
	}
	if f.now-q.at > f.wait {
		f.mark(q.at)
	}
	to.busy++
	f.free--
	f.running++
	place := int32(len(f.jobs))
	if n := len(f.unused); n > 0 {
		place, f.unused = f.unused[n-1], f.unused[:n-1]
	} else {
		f.jobs = append(f.jobs, served{})
	}
	f.jobs[place] = served{request: q, replica: to, began: f.now}
	f.ends.Push(f.now+q.service, place)
}

// finish ends the request that is done first.
func (f *fleet) finish() {
	place := f.ends.Pop().ID
	j := f.jobs[place]
	f.unused = append(f.unused, place)
	f.running--
	j.replica.busy--
	if j.at >= f.from {
		f.figures.Response += f.now - j.at
	}
	switch j.replica.phase {
	case serving:
		f.free++
	case draining:
		if j.replica.busy == 0 {
			f.remove(j.replica)
		}
	}
	f.dispatch()
	f.source.ended(j.request, f.now)
}

// advance lets time pass.
func (f *fleet) advance(to float64) {
	dt := to - f.now
	f.on += dt * float64(f.running)
	f.queued += dt * float64(f.held())
	f.together += dt * float64(f.running+f.held())
	if to > f.from {
		f.figures.Hours += (to - max(f.now, f.from)) * float64(len(f.replicas)) / 3600
	}
	f.now = to
}
