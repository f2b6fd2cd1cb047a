// The engine that batches: it goes from iteration to iteration, and all that run take part in each.

package engine

import (
	"cmp"
	"math"
	"slices"
)

// defaultSequences is how many requests may run at once.
const defaultSequences = 256

// batch is an engine of a Kind. At the start of an iteration it plans what is computed; at its end all of it is there at once.
type batch struct {
	Batch
	slots    int     // requests that may run at once
	nominal  float64 // capacity
	capacity float64 // as it is now
	stretch  float64

	at      float64 // until when it has served
	under   bool    // an iteration is under way
	left    float64 // seconds of it, at the nominal speed
	due     float64 // its end; +Inf with none, or at no speed
	memory  *memory
	jobs    map[int32]*sequence
	waiting []*sequence // first come first; who was thrown back stands before
	running []*sequence // by admission
	events  []Event
	sums    State // its sums only
}

// sequence is a request in the engine.
type sequence struct {
	Job
	id      int32
	chain   []uint64 // of its prompt
	held    int      // how many of these, from the first, it holds in memory
	own     int      // tokens that it holds beside them
	there   int      // tokens computed: read, remembered or written
	goal    int      // at how many of these there is a token of the answer
	part    int      // tokens computed in the iteration under way
	made    int      // tokens of the answer
	writes  bool     // its prompt is read
	started bool     // Began has been told
}

func newBatch(o Options) *batch {
	b := o.batch()
	nominal := cmp.Or(o.Capacity, 1)
	return &batch{
		Batch: b, slots: cmp.Or(o.Slots, defaultSequences), nominal: nominal, capacity: nominal, stretch: 1,
		due: math.Inf(1), memory: newMemory(b.Memory), jobs: map[int32]*sequence{},
	}
}

func (e *batch) Due() float64 { return e.due }

func (e *batch) Capacity() float64 { return e.capacity }

func (e *batch) SetStretch(factor float64) { e.stretch = factor }

func (e *batch) State() State {
	s := e.sums
	s.Running, s.Waiting = len(e.running), len(e.waiting)
	for _, q := range e.running {
		if !q.writes {
			s.Reading++
		}
	}
	s.TotalTokens, s.UsedTokens, s.KeptTokens = e.Memory, e.memory.held(), e.memory.rests*BlockTokens
	return s
}

// Enter: an iteration begins at once where none is under way. What can never fit is refused.
func (e *batch) Enter(now float64, id int32, j Job) []Event {
	e.advance(now)
	j.PromptTokens, j.Tokens = max(j.PromptTokens, 1), max(j.Tokens, 1)
	if !e.memory.fits(j.PromptTokens + j.Tokens) {
		e.events = append(e.events, Event{What: Refused, ID: id})
		return e.events
	}
	q := &sequence{Job: j, id: id, chain: chain(j.Prefix, j.PromptTokens)}
	e.jobs[id] = q
	e.waiting = append(e.waiting, q)
	e.resume()
	return e.events
}

// Leave: the iteration under way goes on as it was planned.
func (e *batch) Leave(now float64, id int32) []Event {
	e.advance(now)
	q := e.jobs[id]
	if q == nil {
		return e.events
	}
	delete(e.jobs, id)
	same := func(other *sequence) bool { return other == q }
	e.waiting = slices.DeleteFunc(e.waiting, same)
	e.running = slices.DeleteFunc(e.running, same)
	e.release(q)
	return e.events
}

func (e *batch) SetCapacity(now, capacity float64) {
	e.advance(now)
	e.capacity = capacity
	e.reckon()
}

// Restart: the iteration under way is lost, and all who ran wait again, in the order that they had.
func (e *batch) Restart(now float64) []Event {
	e.advance(now)
	for _, q := range e.running {
		e.release(q)
	}
	e.waiting = slices.Insert(e.waiting, 0, e.running...)
	clear(e.running)
	e.running = e.running[:0]
	e.memory, e.sums, e.under = newMemory(e.Memory), State{}, false
	e.resume()
	return e.events
}

// Next ends the iteration, and begins another if there is anything to do.
func (e *batch) Next() []Event {
	e.events = e.events[:0]
	e.at, e.left, e.under = e.due, 0, false
	running := e.running
	e.running = running[:0]
	for _, q := range running {
		if e.finish(q) {
			e.running = append(e.running, q)
		}
	}
	clear(running[len(e.running):])
	e.resume()
	return e.events
}

// finish gives a request what the iteration has computed for it, and says whether it goes on.
func (e *batch) finish(q *sequence) bool {
	q.there += q.part
	if !q.writes {
		e.sums.ComputedTokens += int64(q.part)
	}
	for q.held < len(q.chain) && (q.held+1)*BlockTokens <= q.there {
		e.memory.publish(q.chain[q.held])
		q.held++
		q.own -= BlockTokens
	}
	if q.there < q.goal {
		return true
	}
	q.writes = true
	q.made++
	q.goal = q.there + 1
	e.sums.MadeTokens++
	if q.made < q.Tokens {
		e.events = append(e.events, Event{What: Token, ID: q.id, Made: q.made})
		return true
	}
	e.release(q)
	delete(e.jobs, q.id)
	e.events = append(e.events, Event{What: Done, ID: q.id, Made: q.made})
	return false
}

// release takes from a request all that it holds.
func (e *batch) release(q *sequence) {
	e.memory.release(q.chain[:q.held], q.own)
	q.held, q.own, q.there, q.part, q.writes = 0, 0, 0, 0, false
}

// advance serves up to now, or not at all where that has passed.
func (e *batch) advance(now float64) {
	e.events = e.events[:0]
	if e.under {
		e.left = max(e.left-max(now-e.at, 0)*e.speed(), 0)
	}
	e.at = max(e.at, now)
}

func (e *batch) speed() float64 { return e.capacity / e.nominal }

// resume begins an iteration where none is under way and somebody is in, and sets when it ends.
func (e *batch) resume() {
	if !e.under && len(e.running)+len(e.waiting) > 0 {
		e.left = e.plan() * e.stretch
		e.under = true
	}
	e.reckon()
}

func (e *batch) reckon() {
	e.due = math.Inf(1)
	if e.under && e.speed() > 0 {
		e.due = e.at + e.left/e.speed()
	}
}
