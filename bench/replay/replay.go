// From a log to engines and a trace, and back to response times.

package replay

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/steelyard-proxy/steelyard/bench/trace"
	"github.com/steelyard-proxy/steelyard/metrics/advice"
)

const (
	// visitsLeast is how many requests an endpoint must have had for its speed to be known by them. The others are taken
	// for as fast as their capacity says, among those that are known.
	visitsLeast = 50
	// mostBackups is the part of the requests that backups may have served.
	mostBackups = 0.01
	// sized is the part of the requests whose work must have been predicted for the predictions to be used.
	sized = 0.9
)

// replay is a log made ready.
type replay struct {
	requests []trace.Request // at the speed at which they came; Session is the place in sizes, counted from 1
	sizes    []float64       // as they were predicted; nil: they were not
	engines  map[string]engine
	unit     float64 // true capacity by one that is told
	law      law     // of an engine that nothing is known of
	mean     float64 // of the work of requests
}

// engine is one endpoint as it must have been.
type engine struct {
	law   law
	speed float64 // units of work per second that one request gets which is alone
	slots int     // requests that it works on at once: by its law, as was said, or as many as it ever had
}

// capacity is the work per second that it does with all of them in use.
func (e engine) capacity() float64 { return e.speed * float64(e.slots) * e.law.speed(e.slots) }

// New implements advice.Replay.
func New(log []advice.Request, present advice.Upstream) (advice.Serve, error) {
	if len(log) == 0 {
		return nil, errors.New("there are none")
	}
	r := &replay{engines: map[string]engine{}}
	if err := backups(log, &present); err != nil {
		return nil, err
	}
	if known := countSized(log); float64(known) >= sized*float64(len(log)) {
		r.sizes = make([]float64, len(log))
		for i := range log {
			r.sizes[i] = log[i].Size
		}
	}
	work := r.learn(log, &present)
	if len(r.engines) == 0 {
		return nil, fmt.Errorf("no endpoint has served %d of them", visitsLeast)
	}
	r.ask(log, work)
	return r.serve, nil
}

func countSized(log []advice.Request) (n int) {
	for i := range log {
		if log[i].Size > 0 {
			n++
		}
	}
	return n
}

func backups(log []advice.Request, present *advice.Upstream) error {
	n := 0
	for i := range log {
		for _, e := range present.Endpoints {
			if e.Name == log[i].Endpoint && e.Tier > 0 {
				n++
			}
		}
	}
	if float64(n) > mostBackups*float64(len(log)) {
		return errors.New("backups have served some of them, and when backups are used is not simulated")
	}
	return nil
}

// learn finds out what the engines are, and the work of each request; 0 where it is not known.
func (r *replay) learn(log []advice.Request, present *advice.Upstream) (work []float64) {
	work = make([]float64, len(log))
	var units []float64
	var laws []law
	all := timelines(log)
	for _, e := range present.Endpoints { // in their order: equal logs give equal replays
		t := all[e.Name]
		if t == nil || len(t.visits) < visitsLeast {
			continue
		}
		learned := engine{law: t.law(), slots: max(e.Slots, t.most)}
		if learned.law.slots > 0 {
			learned.slots = learned.law.slots
		}
		alone := t.alone(learned.law)
		seconds, done := 0.0, 0.0
		for i, v := range t.visits {
			seconds += alone[i]
			done += r.size(v.log)
		}
		learned.speed = done / seconds
		for i, v := range t.visits {
			work[v.log] = alone[i] * learned.speed
		}
		r.engines[e.Name] = learned
		units = append(units, learned.capacity()/e.Capacity)
		laws = append(laws, learned.law)
	}
	if len(units) > 0 {
		slices.Sort(units)
		r.unit, r.law = units[len(units)/2], laws[len(laws)/2]
	}
	return work
}

// size is the predicted work of a request, or 1.
func (r *replay) size(i int) float64 {
	if r.sizes == nil || r.sizes[i] <= 0 {
		return 1
	}
	return r.sizes[i]
}

// ask makes the trace. What is not known of a request is that of another, drawn by lot.
func (r *replay) ask(log []advice.Request, work []float64) {
	known := make([]float64, 0, len(work))
	for _, w := range work {
		if w > 0 {
			known = append(known, w)
			r.mean += w
		}
	}
	r.mean /= math.Max(float64(len(known)), 1)
	draws := rand.New(rand.NewPCG(1, 0))
	r.requests = make([]trace.Request, len(log))
	for i := range log {
		q := &log[i]
		if work[i] <= 0 {
			work[i] = known[draws.IntN(len(known))]
		}
		r.requests[i] = trace.Request{
			At: q.At.Sub(log[0].At), Work: work[i], PromptBytes: q.PromptBytes, MaxTokens: q.MaxTokens, Stream: q.Stream, Session: i + 1,
		}
	}
}

// faster is the trace, with requests that come so many times as fast.
func (r *replay) faster(speed float64) []trace.Request {
	if speed == 1 {
		return r.requests
	}
	requests := slices.Clone(r.requests)
	for i := range requests {
		requests[i].At = time.Duration(float64(requests[i].At) / speed)
	}
	return requests
}
