// The loop over all events, in the order of their time.

package sim

import (
	"math"
	"time"

	"github.com/steelyard-proxy/steelyard/bench/engine"
	"github.com/steelyard-proxy/steelyard/bench/heap"
	"github.com/steelyard-proxy/steelyard/bench/trace"
)

// dispatcher decides where requests are served. It calls loop.serve for each, once.
type dispatcher interface {
	arrive(i int32)
	finish(i int32) // its engine has let it go already
	// deadline is when expire must be called next, in seconds; +Inf: not.
	deadline() float64
	expire()
}

// loop has the engines and the time, and calls whoever dispatches. Of what happens at one
// instant, changes come first, then ends, then deadlines, then arrivals.
type loop struct {
	clock   *Clock
	now     float64 // seconds
	trace   trace.Trace
	engines []engine.Engine
	prompt  func(trace.Request) int // nil: there are none
	agenda  heap.Heap               // engines by due; entries whose key is no longer due are void
	done    []int32                 // left their engine, and nobody has been told
	passed  func(i int32, made int) // hears each token; nil: nobody does
	after   func()                  // is called when all of that has happened; nil: nobody is
	before  func(at float64)        // hears when something is about to happen; nil: nobody does
	results Results
}

func newLoop(endpoints []Endpoint, prompt func(trace.Request) int, t trace.Trace, clock *Clock) *loop {
	l := &loop{clock: clock, trace: t, prompt: prompt, results: newResults(len(endpoints), len(t.Requests))}
	for _, e := range endpoints {
		l.engines = append(l.engines, engine.New(e.Engine))
	}
	return l
}

// run goes through the trace, and on until all requests that were served are done.
func (l *loop) run(d dispatcher, changes []change) {
	for next := int32(0); ; {
		arrival, changed := math.Inf(1), math.Inf(1)
		if int(next) < len(l.trace.Requests) {
			arrival = l.trace.Requests[next].At.Seconds()
		}
		if len(changes) > 0 {
			changed = changes[0].at
		}
		done, deadline := l.due(), d.deadline()
		at := min(arrival, changed, done, deadline)
		if math.IsInf(at, 1) || math.IsInf(min(arrival, done, deadline), 1) {
			for _, e := range l.engines {
				l.results.Engines = append(l.results.Engines, e.State())
			}
			return
		}
		if l.before != nil {
			l.before(at)
		}
		l.now = at
		l.clock.set(at)
		switch at {
		case changed:
			changes[0].make()
			changes = changes[1:]
		case done:
			l.next()
		case deadline:
			d.expire()
		default:
			d.arrive(next)
			next++
		}
		l.finish(d)
	}
}

// finish tells who has left an engine. Others may be served by that, and leave at once.
func (l *loop) finish(d dispatcher) {
	for k := 0; k < len(l.done); k++ {
		d.finish(l.done[k])
	}
	l.done = l.done[:0]
	if l.after != nil {
		l.after()
	}
}

// change is something to be done at a time.
type change struct {
	at   float64
	make func()
}

// due is when the next request is done, or has its prompt read.
func (l *loop) due() float64 {
	for len(l.agenda) > 0 {
		if first := l.agenda[0]; first.Key == l.engines[first.ID].Due() {
			return first.Key
		}
		l.agenda.Pop()
	}
	return math.Inf(1)
}

// serve gives request i to engine e now.
func (l *loop) serve(i int32, e int) {
	r := l.trace.Requests[i]
	job := engine.Job{Work: r.Work}
	if l.prompt != nil {
		job.PromptTokens = l.prompt(r)
	}
	if r.PromptTokens > 0 {
		job.PromptTokens, job.Tokens, job.Prefix = r.PromptTokens, r.AnswerTokens, r.Prefix
	}
	l.results.Served[i] = e
	l.results.Wait[i] = l.since(i)
	before := l.engines[e].Due()
	l.hear(l.engines[e].Enter(l.now, i, job))
	l.expect(e, before)
}

// next makes the event happen that is due now.
func (l *loop) next() {
	e := int(l.agenda.Pop().ID)
	l.hear(l.engines[e].Next())
	l.expect(e, math.Inf(1)) // the next may be due at the same instant
}

// hear notes what happened in an engine.
func (l *loop) hear(events []engine.Event) {
	for _, event := range events {
		i := event.ID
		switch event.What {
		case engine.Began:
			l.results.Cached[i] = event.Cached
		case engine.Token:
			l.made(i, event.Made)
		case engine.Done:
			l.made(i, event.Made)
			l.results.Response[i] = l.since(i)
			l.done = append(l.done, i)
		case engine.Refused:
			l.results.Refused++
			l.results.Served[i] = None
			l.done = append(l.done, i)
		}
	}
}

// made notes a token.
func (l *loop) made(i int32, made int) {
	if l.results.First[i] == Unserved {
		l.results.First[i] = l.since(i)
	}
	if l.passed != nil {
		l.passed(i, made)
	}
}

// speed changes what an engine can do.
func (l *loop) speed(e int, capacity float64) {
	before := l.engines[e].Due()
	l.engines[e].SetCapacity(l.now, capacity)
	l.expect(e, before)
}

// restart empties an engine's memory.
func (l *loop) restart(e int) {
	before := l.engines[e].Due()
	l.hear(l.engines[e].Restart(l.now))
	l.expect(e, before)
}

// State and Cached implement Engines.
func (l *loop) State(e int) engine.State         { return l.engines[e].State() }
func (l *loop) Cached(e int, chain []uint64) int { return l.engines[e].Known(chain) }

// expect puts an engine on the agenda, if it is due at another time than before.
func (l *loop) expect(e int, before float64) {
	if due := l.engines[e].Due(); due != before && !math.IsInf(due, 1) {
		l.agenda.Push(due, int32(e))
	}
}

// since is the time since request i arrived.
func (l *loop) since(i int32) time.Duration {
	return max(time.Duration(math.Round(l.now*second))-l.trace.Requests[i].At, 0)
}
