// An engine at work: who is served, who waits, and what happens next.

package engine

import (
	"math"
	"slices"
)

// Job is what one request asks of an engine.
type Job struct {
	PromptTokens int
	Work         float64 // units
	Tokens       int     // the parts of the answer that are told one by one; 0 and 1: its end only
}

// Kind is what happened to a request.
type Kind uint8

const (
	Began Kind = iota // its service
	Token             // one more of its tokens is made, and not the last
	Done              // its last token is made, and it has left
)

// Event is something that happened to one request, at the time of the engine.
type Event struct {
	Kind Kind
	ID   int32
	Made int // tokens so far, for Token and Done
}

// Engine is one engine at work. It has no clock: its owner says what time it is, in seconds, and time does not go back.
// When Due has come the owner calls Next, before anything that happens later. A method returns the events that it
// caused, in order, in memory that the next call overwrites.
type Engine struct {
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

// New returns an idle engine at time 0. The options must pass Check.
func New(o Options) *Engine {
	return &Engine{options: o, streams: o.streams(), capacity: o.Capacity, stretch: 1, jobs: map[int32]job{}, due: math.Inf(1)}
}

// Due is when something happens next, if nobody interferes; +Inf: never.
func (e *Engine) Due() float64 { return e.due }

// Capacity is what SetCapacity made it.
func (e *Engine) Capacity() float64 { return e.capacity }

// Waiting is how many requests are beyond the slots.
func (e *Engine) Waiting() int { return len(e.waiting) }

// Load is how many requests are in, in service or waiting.
func (e *Engine) Load() int { return len(e.jobs) }

func (e *Engine) inService() int { return len(e.reading.requests) + len(e.decoding.requests) }

// free says whether one more can be served.
func (e *Engine) free() bool {
	return e.options.Discipline == Sharing || e.inService() < e.options.slots()
}

// Enter lets a request in, under a number that no other request in the engine has.
func (e *Engine) Enter(now float64, id int32, j Job) []Event {
	e.advance(now)
	e.jobs[id] = job{Job: j}
	e.waiting = append(e.waiting, id)
	e.admit()
	e.reckon()
	return e.events
}

// Leave takes a request out, whether it is served or waits.
func (e *Engine) Leave(now float64, id int32) []Event {
	e.advance(now)
	delete(e.jobs, id)
	e.waiting = slices.DeleteFunc(e.waiting, func(other int32) bool { return other == id })
	e.reading.requests.Remove(id)
	e.decoding.requests.Remove(id)
	e.admit()
	e.reckon()
	return e.events
}

// SetCapacity changes the speed, of reading and decoding, also for those in service. With 0 nothing moves.
func (e *Engine) SetCapacity(now, capacity float64) {
	e.advance(now)
	e.capacity = capacity
	e.reckon()
}

// SetStretch makes requests whose service begins from now on take so many times as long.
func (e *Engine) SetStretch(factor float64) { e.stretch = factor }

// Next serves until Due, which must be finite. Then a prompt has been read, of which nobody is told, or a token is
// made. If it is a request's last, its slot goes to the next in line. More may be due at the same instant.
func (e *Engine) Next() []Event {
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
func (e *Engine) speeds() (prompt, decode float64) {
	prompt, decode = e.options.Speeds(len(e.reading.requests), len(e.decoding.requests))
	return prompt * (e.capacity / e.options.Capacity), decode * (e.capacity / e.streams)
}

// advance serves up to now, or not at all where that has passed.
func (e *Engine) advance(now float64) {
	e.events = e.events[:0]
	prompt, decode := e.speeds()
	passed := max(now-e.at, 0)
	e.reading.advance(prompt * passed)
	e.decoding.advance(decode * passed)
	e.at = max(e.at, now)
}

// admit begins to serve those who wait, as far as there is room.
func (e *Engine) admit() {
	for len(e.waiting) > 0 && e.free() {
		id := e.waiting[0]
		e.waiting = e.waiting[1:]
		e.begin(id)
	}
}

func (e *Engine) begin(id int32) {
	j := e.jobs[id]
	prompt, _ := e.options.Alone(j.PromptTokens)
	if e.options.FirstToken > 0 {
		j.Work *= 1 - e.options.FirstToken.Seconds()*e.options.Capacity/e.streams
	}
	j.Work *= e.stretch
	e.jobs[id] = j
	e.events = append(e.events, Event{Kind: Began, ID: id})
	if prompt > 0 {
		e.reading.requests.Push(e.reading.begin()+prompt.Seconds()*e.stretch, id)
		return
	}
	e.decode(id)
}

// decode begins the answer.
func (e *Engine) decode(id int32) {
	j := e.jobs[id]
	j.began = e.decoding.begin()
	e.await(id, j)
}

// token makes one more token.
func (e *Engine) token(id int32) {
	j := e.jobs[id]
	j.made++
	if j.made >= j.Tokens {
		delete(e.jobs, id)
		e.events = append(e.events, Event{Kind: Done, ID: id, Made: j.made})
		return
	}
	e.events = append(e.events, Event{Kind: Token, ID: id, Made: j.made})
	e.await(id, j)
}

// await waits for the next token.
func (e *Engine) await(id int32, j job) {
	e.jobs[id] = j
	part := 1.0
	if j.Tokens > 1 {
		part = float64(j.made+1) / float64(j.Tokens)
	}
	e.decoding.requests.Push(j.began+j.Work*part, id)
}

// reckon sets what is due next, and when.
func (e *Engine) reckon() {
	prompt, decode := e.speeds()
	read, decoded := e.reading.left(prompt), e.decoding.left(decode)
	e.reads = read < decoded
	e.due = e.at + min(read, decoded)
}
