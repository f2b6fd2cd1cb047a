// The engine of slots: requests side by side, each of which makes its tokens evenly.

package engine

import (
	"math"
	"slices"
)

// slotted is an engine of slots. It moves all requests of a phase at once.
type slotted struct {
	options  Options
	streams  float64 // the speed of all slots together, in that of one answer alone
	capacity float64 // as it is now
	stretch  float64 // how many times as long a request takes that begins now
	at       float64 // until when it has served
	jobs     map[int32]job
	waiting  []int32 // requests beyond the slots, first come first
	reading  phase   // in seconds of a prompt that is read alone
	decoding phase   // in units of work
	due      float64 // when the next event is; +Inf when nothing is served
	reads    bool    // that is the end of a prompt
	events   []Event
}

// job is a Job in the engine.
type job struct {
	Job
	began float64 // what decoding had served when it came there
	made  int
}

func newSlotted(o Options) *slotted {
	return &slotted{options: o, streams: o.streams(), capacity: o.Capacity, stretch: 1, jobs: map[int32]job{}, due: math.Inf(1)}
}

func (e *slotted) Due() float64 { return e.due }

func (e *slotted) Capacity() float64 { return e.capacity }

func (e *slotted) State() State {
	return State{Running: e.inService(), Waiting: len(e.waiting), Reading: len(e.reading.requests)}
}

// Restart does nothing: it has no memory but of its requests, and these go on.
func (e *slotted) Restart(float64) []Event { return nil }

func (e *slotted) inService() int { return len(e.reading.requests) + len(e.decoding.requests) }

// free says whether one more can be served.
func (e *slotted) free() bool {
	return e.options.Discipline == Sharing || e.inService() < e.options.slots()
}

func (e *slotted) Enter(now float64, id int32, j Job) []Event {
	e.advance(now)
	e.jobs[id] = job{Job: j}
	e.waiting = append(e.waiting, id)
	e.admit()
	e.reckon()
	return e.events
}

func (e *slotted) Leave(now float64, id int32) []Event {
	e.advance(now)
	delete(e.jobs, id)
	e.waiting = slices.DeleteFunc(e.waiting, func(other int32) bool { return other == id })
	e.reading.requests.Remove(id)
	e.decoding.requests.Remove(id)
	e.admit()
	e.reckon()
	return e.events
}

func (e *slotted) SetCapacity(now, capacity float64) {
	e.advance(now)
	e.capacity = capacity
	e.reckon()
}

func (e *slotted) SetStretch(factor float64) { e.stretch = factor }

// Next: a prompt has been read, of which nobody is told, or a token is made. If it is a request's last, its slot goes to
// the next in line. More may be due at the same instant.
func (e *slotted) Next() []Event {
	e.advance(e.due)
	if e.reads {
		e.decode(e.reading.next())
	} else {
		e.token(e.decoding.next())
	}
	e.admit()
	e.reckon()
	return e.events
}

// speeds are what each request is given per second, of reading and of decoding.
func (e *slotted) speeds() (prompt, decode float64) {
	prompt, decode = e.options.Speeds(len(e.reading.requests), len(e.decoding.requests))
	return prompt * (e.capacity / e.options.Capacity), decode * (e.capacity / e.streams)
}

// advance serves up to now, or not at all where that has passed.
func (e *slotted) advance(now float64) {
	e.events = e.events[:0]
	prompt, decode := e.speeds()
	passed := max(now-e.at, 0)
	e.reading.advance(prompt * passed)
	e.decoding.advance(decode * passed)
	e.at = max(e.at, now)
}

// admit begins to serve those who wait, as far as there is room.
func (e *slotted) admit() {
	for len(e.waiting) > 0 && e.free() {
		id := e.waiting[0]
		e.waiting = e.waiting[1:]
		e.begin(id)
	}
}

func (e *slotted) begin(id int32) {
	j := e.jobs[id]
	prompt, _ := e.options.Alone(j.PromptTokens)
	if e.options.FirstToken > 0 {
		j.Work *= 1 - e.options.FirstToken.Seconds()*e.options.Capacity/e.streams
	}
	j.Work *= e.stretch
	e.jobs[id] = j
	e.events = append(e.events, Event{What: Began, ID: id})
	if prompt > 0 {
		e.reading.requests.Push(e.reading.begin()+prompt.Seconds()*e.stretch, id)
		return
	}
	e.decode(id)
}

// decode begins the answer.
func (e *slotted) decode(id int32) {
	j := e.jobs[id]
	j.began = e.decoding.begin()
	e.await(id, j)
}

// token makes one more token.
func (e *slotted) token(id int32) {
	j := e.jobs[id]
	j.made++
	if j.made >= j.Tokens {
		delete(e.jobs, id)
		e.events = append(e.events, Event{What: Done, ID: id, Made: j.made})
		return
	}
	e.events = append(e.events, Event{What: Token, ID: id, Made: j.made})
	e.await(id, j)
}

// await waits for the next token.
func (e *slotted) await(id int32, j job) {
	e.jobs[id] = j
	part := 1.0
	if j.Tokens > 1 {
		part = float64(j.made+1) / float64(j.Tokens)
	}
	e.decoding.requests.Push(j.began+j.Work*part, id)
}

// reckon sets what is due next, and when.
func (e *slotted) reckon() {
	prompt, decode := e.speeds()
	read, decoded := e.reading.left(prompt), e.decoding.left(decode)
	e.reads = read < decoded
	e.due = e.at + min(read, decoded)
}
