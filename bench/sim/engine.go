package sim

import "math"

// Discipline is how an engine divides its speed among what it works on.
type Discipline uint8

const (
	// FirstCome gives each slot its fixed part of the capacity, C/slots, in the order of arrival.
	FirstCome Discipline = iota
	// Sharing divides the whole capacity equally among the requests in the slots. With slots
	// for all it is processor sharing.
	Sharing
)

// Endpoint is one simulated engine, and what the balancer is told of it.
type Endpoint struct {
	Name     string  // unique; "endpoint 1" and so on when empty
	Capacity float64 // units of work per second with all slots busy; positive
	// Slots is how many requests it works on at once, the others wait inside: 0 is one for
	// FirstCome and no limit for Sharing.
	Slots      int
	Discipline Discipline
	Limit      int     // slots told to the balancer; 0: none
	Told       float64 // capacity told to the balancer; 0: the true one
}

// engine serves requests in virtual time. What every request in a slot has been given
// since the engine was last idle is one number, served: a request that came when it was s
// is done when it is s + work. So neither arrivals nor changes of speed touch the others.
type engine struct {
	discipline Discipline
	capacity   float64
	slots      int
	served     float64 // units of work
	at         float64 // the time that served is of, in seconds
	inSlots    heap    // requests by what served is when they are done
	waiting    line    // requests beyond the slots
	due        float64 // when the next request is done; +Inf when idle
}

func newEngine(e Endpoint) engine {
	slots := e.Slots
	switch {
	case slots == 0 && e.Discipline == Sharing:
		slots = math.MaxInt
	case slots == 0:
		slots = 1
	}
	return engine{discipline: e.Discipline, capacity: e.Capacity, slots: slots, due: math.Inf(1)}
}

// load is how many requests are there, in slots or waiting.
func (e *engine) load() int { return len(e.inSlots) + e.waiting.len() }

// speed is what each request in a slot is given per second.
func (e *engine) speed() float64 {
	if e.discipline == Sharing {
		return e.capacity / float64(len(e.inSlots))
	}
	return e.capacity / float64(e.slots)
}

// advance brings served up to now.
func (e *engine) advance(now float64) {
	if len(e.inSlots) > 0 {
		e.served += e.speed() * (now - e.at)
	}
	e.at = now
}

// begin puts request i in a slot, or in line for one. The caller has advanced the engine.
func (e *engine) begin(i int32, work float64) {
	if len(e.inSlots) >= e.slots {
		e.waiting.push(i)
		return
	}
	if len(e.inSlots) == 0 {
		e.served = 0 // small numbers are exact
	}
	e.inSlots.push(e.served+work, i)
}

// end takes out the request that is done now, at the time due.
func (e *engine) end() (i int32) {
	e.advance(e.due)
	e.due = math.Inf(1) // until it is reckoned anew; the next may be done at the same instant
	done := e.inSlots.pop()
	e.served = done.key // exactly, whatever was rounded on the way
	return done.id
}

// reckon sets when the next request is done.
func (e *engine) reckon() {
	e.due = math.Inf(1)
	if len(e.inSlots) > 0 {
		e.due = e.at + max(e.inSlots[0].key-e.served, 0)/e.speed()
	}
}
