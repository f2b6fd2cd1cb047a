package sim

import "math"

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
	Limit      int     // slots told to the balancer; 0: none
	Told       float64 // capacity told to the balancer; 0: the true one
	// AutoCapacity and AutoSlots let the balancer measure them, beginning with what it was
	// told, by the code of balancer/estimate; each balancer from what it serves itself.
	AutoCapacity, AutoSlots bool
}

// engine serves requests in virtual time. What every request in service has been given
// since the engine was last idle is one number, served: a request that came when it was s
// is done when it is s + work. So neither arrivals nor changes of speed touch the others.
type engine struct {
	discipline Discipline
	capacity   float64
	slots      int
	served     float64 // units of work
	at         float64 // the time that served is of, in seconds
	inService  heap    // requests by what served is when they are done
	waiting    line    // requests beyond the slots
	due        float64 // when the next request is done; +Inf when idle
}

func newEngine(e Endpoint) engine {
	return engine{discipline: e.Discipline, capacity: e.Capacity, slots: max(e.Slots, 1), due: math.Inf(1)}
}

// load is how many requests are there, in service or waiting.
func (e *engine) load() int { return len(e.inService) + e.waiting.len() }

// speed is what each request in service is given per second.
func (e *engine) speed() float64 { return e.capacity / float64(max(len(e.inService), e.slots)) }

// advance brings served up to now.
func (e *engine) advance(now float64) {
	if len(e.inService) > 0 {
		e.served += e.speed() * (now - e.at)
	}
	e.at = now
}

// begin puts request i in service, or in line for a slot. The caller has advanced the engine.
func (e *engine) begin(i int32, work float64) {
	if e.discipline == FirstCome && len(e.inService) >= e.slots {
		e.waiting.push(i)
		return
	}
	if len(e.inService) == 0 {
		e.served = 0 // small numbers are exact
	}
	e.inService.push(e.served+work, i)
}

// end takes out the request that is done now, at the time due.
func (e *engine) end() (i int32) {
	e.advance(e.due)
	e.due = math.Inf(1) // until it is reckoned anew; the next may be done at the same instant
	done := e.inService.pop()
	e.served = done.key // exactly, whatever was rounded on the way
	return done.id
}

// reckon sets when the next request is done.
func (e *engine) reckon() {
	e.due = math.Inf(1)
	if len(e.inService) > 0 {
		e.due = e.at + max(e.inService[0].key-e.served, 0)/e.speed()
	}
}
