package autoscale

import (
	"math"
	"math/rand/v2"
	"time"
)

// world is servers with slots, requests that come, and a controller that is obeyed.
type world struct {
	control *Controller
	random  *rand.Rand
	slots   int
	start   time.Duration // of a server
	mean    float64       // work of a request, in server-seconds
	rate    func(at time.Duration) float64
	even    bool // no chance: all come in equal steps, and are alike

	now      time.Time
	begun    time.Time
	servers  [][]float64 // work left of what each has in flight
	starting []time.Time // when each is ready
	draining [][]float64
	queue    []job
	credit   float64
	arrived  float64 // work, since the last look

	turns, outs, ins int
	last             Direction
	hours            float64 // of replicas
	waits            []float64
	decision         Decision
}

type job struct {
	came time.Time
	work float64
}

func newWorld(s Settings, servers int, seed uint64) *world {
	w := &world{control: New(s), random: rand.New(rand.NewPCG(seed, 1)), slots: 8, start: time.Minute, mean: 0.5}
	w.begun = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	w.now = w.begun
	w.servers = make([][]float64, servers)
	return w
}

// run lets so much time pass.
func (w *world) run(d time.Duration) {
	const tick = time.Second / 2
	for end := w.now.Add(d); w.now.Before(end); {
		w.now = w.now.Add(tick)
		w.arrive(tick.Seconds())
		w.serve(tick.Seconds())
		if w.now.Sub(w.begun)%(5*time.Second) == 0 {
			w.step()
		}
	}
}

func (w *world) arrive(passed float64) {
	w.credit += w.rate(w.now.Sub(w.begun)) * passed / w.mean // requests
	n := int(w.credit)
	if !w.even {
		n = poisson(w.random, w.credit)
		w.credit = float64(n)
	}
	w.credit -= float64(n)
	for range n {
		work := w.mean
		if !w.even {
			work *= w.random.ExpFloat64()
		}
		w.arrived += work
		w.queue = append(w.queue, job{w.now, work})
	}
}

func poisson(r *rand.Rand, mean float64) int {
	n, left := 0, math.Exp(-mean)
	for p := r.Float64(); p > left; p *= r.Float64() {
		n++
	}
	return n
}

func (w *world) serve(passed float64) {
	for len(w.starting) > 0 && !w.now.Before(w.starting[0]) {
		w.starting = w.starting[1:]
		w.servers = append(w.servers, nil)
	}
	w.hours += float64(len(w.servers)+len(w.starting)+len(w.draining)) * passed / 3600
	done := func(flight []float64) []float64 {
		left := flight[:0]
		for _, f := range flight {
			if f -= passed / float64(w.slots); f > 0 {
				left = append(left, f)
			}
		}
		return left
	}
	for i := range w.servers {
		w.servers[i] = done(w.servers[i])
	}
	drained := w.draining[:0]
	for _, d := range w.draining {
		if d = done(d); len(d) > 0 {
			drained = append(drained, d)
		}
	}
	w.draining = drained
	for len(w.queue) > 0 {
		best := -1
		for i := range w.servers {
			if len(w.servers[i]) < w.slots && (best < 0 || len(w.servers[i]) < len(w.servers[best])) {
				best = i
			}
		}
		if best < 0 {
			return
		}
		w.waits = append(w.waits, w.now.Sub(w.queue[0].came).Seconds())
		w.servers[best] = append(w.servers[best], w.queue[0].work)
		w.queue = w.queue[1:]
	}
}

func (w *world) sample() Sample {
	s := Sample{
		Ready: len(w.servers), Starting: len(w.starting), Draining: len(w.draining), Capacity: 1, Lead: w.start, Slots: w.slots * len(w.servers),
		Arriving: w.arrived / 5, WaitingRequests: len(w.queue), Forecast: math.NaN(),
	}
	w.arrived = 0
	for _, flight := range w.servers {
		s.InFlight += len(flight)
	}
	for _, j := range w.queue {
		s.Waiting += j.work
	}
	if len(w.queue) > 0 {
		s.OldestWait = w.now.Sub(w.queue[0].came)
	}
	return s
}

func (w *world) step() {
	d := w.control.Step(w.now, w.sample())
	w.decision = d
	for range d.Wanted - d.Now {
		if n := len(w.draining); n > 0 { // it need not go
			w.servers = append(w.servers, w.draining[n-1])
			w.draining = w.draining[:n-1]
			continue
		}
		w.starting = append(w.starting, w.now.Add(w.start))
	}
	for range d.Now - d.Wanted {
		if n := len(w.starting); n > 0 {
			w.starting = w.starting[:n-1]
			continue
		}
		n := len(w.servers) - 1
		w.draining = append(w.draining, w.servers[n])
		w.servers = w.servers[:n]
	}
	if d.Direction == Stay {
		return
	}
	if w.last != Stay && d.Direction != w.last {
		w.turns++
	}
	if w.last = d.Direction; d.Direction == Out {
		w.outs++
	} else {
		w.ins++
	}
}

// late is the part of the requests that waited for longer.
func (w *world) late(than float64) float64 {
	n := 0
	for _, wait := range w.waits {
		if wait > than {
			n++
		}
	}
	return float64(n) / float64(max(len(w.waits), 1))
}
