package sim

import (
	"math"

	"github.com/steelyard-proxy/steelyard/bench/trace"
)

// Discipline is how an engine divides its speed among what it works on.
type Discipline uint8

const (
	// FirstCome gives each slot its fixed part of the capacity, C/slots, in the order of
	// arrival; requests beyond the slots wait inside the engine.
	FirstCome Discipline = iota
	// Sharing serves all requests at once, n of them at C/max(n, slots) each. With one slot
	// it is processor sharing.
	Sharing
)

// Endpoint is one simulated engine, and what the balancer is told of it.
type Endpoint struct {
	Name       string  // unique; "endpoint 1" and so on when empty
	Capacity   float64 // units of work per second with all slots busy; positive
	Slots      int     // how many requests it takes to keep all of it busy; 0 is one
	Discipline Discipline
	Batch      *Batch  // nil: prompts take no time, and slots do not slow each other
	Limit      int     // slots told to the balancer; 0: none
	Told       float64 // capacity told to the balancer; 0: the true one
}

// Batch makes of a first-come engine one that first reads the prompt of each request in a
// slot and then decodes its answer, together with those of the other slots. The law of its
// speeds is the caller's, so that it can be the very one of the servers that are measured.
// The capacity is that of slots that all decode, prompts apart.
type Batch struct {
	// Prompt is how long it takes to read a request's prompt while no other is read, in
	// seconds; nil: no time.
	Prompt func(trace.Request) float64
	// Speeds is how fast each of so many prompts is read and each of so many answers is
	// decoded, 1 being the speed of a request that is alone. Both are positive wherever
	// there is somebody to have them.
	Speeds func(reading, decoding int) (prompt, decode float64)
}

// engine serves requests in virtual time. All that are in one phase have one speed, so
// neither arrivals nor changes of speed touch the others: see phase.
type engine struct {
	requests   []trace.Request // of the whole run, by number
	discipline Discipline
	batch      *Batch
	capacity   float64 // as it is now
	nominal    float64 // as it was in the beginning
	streams    float64 // how many times the speed of one answer alone a full batch has
	slots      int
	at         float64 // until when the phases have been served, in seconds
	reading    phase   // in seconds of a prompt that is read alone
	decoding   phase   // in units of work; without a batch it is all of the service
	waiting    []int32 // requests beyond the slots, first come first
	due        float64 // when the next phase of a request ends; +Inf when idle
	reads      bool    // that phase is reading
}

func newEngine(e Endpoint, requests []trace.Request) engine {
	made := engine{
		requests: requests, discipline: e.Discipline, batch: e.Batch,
		capacity: e.Capacity, nominal: e.Capacity, slots: max(e.Slots, 1), due: math.Inf(1),
	}
	if e.Batch != nil {
		_, decode := e.Batch.Speeds(0, made.slots)
		made.streams = float64(made.slots) * decode
	}
	return made
}

// inService is how many requests are read or decoded.
func (e *engine) inService() int { return len(e.reading.requests) + len(e.decoding.requests) }

// load is how many requests are there, in service or waiting.
func (e *engine) load() int { return e.inService() + len(e.waiting) }

// speeds are what each request is given per second, of reading and of decoding. A change
// of the capacity is one of both.
func (e *engine) speeds() (prompt, decode float64) {
	if e.batch == nil {
		return 0, e.capacity / float64(max(e.inService(), e.slots))
	}
	prompt, decode = e.batch.Speeds(len(e.reading.requests), len(e.decoding.requests))
	return prompt * (e.capacity / e.nominal), decode * (e.capacity / e.streams)
}

// advance serves up to now.
func (e *engine) advance(now float64) {
	prompt, decode := e.speeds()
	e.reading.advance(prompt * (now - e.at))
	e.decoding.advance(decode * (now - e.at))
	e.at = now
}

// begin puts request i in service, or in line for a slot. The caller has advanced the engine.
func (e *engine) begin(i int32) {
	if e.discipline == FirstCome && e.inService() >= e.slots {
		e.waiting = append(e.waiting, i)
		return
	}
	if e.batch != nil && e.batch.Prompt != nil {
		if prompt := e.batch.Prompt(e.requests[i]); prompt > 0 {
			e.reading.begin(i, prompt)
			return
		}
	}
	e.decoding.begin(i, e.requests[i].Work)
}

// end ends the phase that is due now. It returns the request that is done by that, whose
// slot has gone to the next in line; or None, where a prompt has been read and its answer
// begins.
func (e *engine) end() (done int32) {
	e.advance(e.due)
	e.due = math.Inf(1) // until it is reckoned anew; the next may be due at the same instant
	if e.reads {
		i := e.reading.end()
		e.decoding.begin(i, e.requests[i].Work)
		return None
	}
	done = e.decoding.end()
	if len(e.waiting) > 0 {
		next := e.waiting[0]
		e.waiting = e.waiting[1:]
		e.begin(next)
	}
	return done
}

// reckon sets what is due next, and when.
func (e *engine) reckon() {
	prompt, decode := e.speeds()
	read, decoded := e.reading.left(prompt), e.decoding.left(decode)
	e.reads = read < decoded
	e.due = e.at + min(read, decoded)
}

// phase is what requests go through at one speed, each with work of its own in it. What
// each in it has been given since it was last empty is one number, served: a request that
// came when it was s is through when it is s + work.
type phase struct {
	served   float64
	requests heap // by what served is when they are through
}

func (p *phase) begin(i int32, work float64) {
	if len(p.requests) == 0 {
		p.served = 0 // small numbers are exact
	}
	p.requests.push(p.served+work, i)
}

func (p *phase) advance(by float64) {
	if len(p.requests) > 0 {
		p.served += by
	}
}

// left is the time until the next request is through, in seconds; +Inf with none.
func (p *phase) left(speed float64) float64 {
	if len(p.requests) == 0 {
		return math.Inf(1)
	}
	return max(p.requests[0].key-p.served, 0) / speed
}

// end takes out the request that is through now. There must be one.
func (p *phase) end() (i int32) {
	through := p.requests.pop()
	p.served = through.key // exactly, whatever was rounded on the way
	return through.id
}
