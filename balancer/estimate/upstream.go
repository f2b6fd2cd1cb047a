// The endpoints of an upstream, measured together once a second.

package estimate

import "time"

// Options say of one endpoint what is known and what is to be measured.
type Options struct {
	// Capacity is the configured one, > 0; with AutoCapacity what the estimate begins with.
	Capacity     float64
	AutoCapacity bool
	// Slots is the configured number, 0 for no limit; it is not read with AutoSlots.
	Slots     int
	AutoSlots bool
	// Meter is told of the endpoint's finished requests; nil for a new one.
	Meter *Meter
}

// Value is what an endpoint can do.
type Value struct {
	Capacity float64
	// Slots is the limit for the next second, 0 for none.
	Slots int
	// AtOnce is how many requests the endpoint works on at once, as far as is known. It stays
	// the same while Slots tries one step more or less, so that work can be computed from it.
	AtOnce int
}

// Endpoint measures one endpoint. It lives as long as the endpoint does; Upstreams come and go.
type Endpoint struct {
	options  Options
	capacity capacity
	slots    slots
	value    Value // as Values found it last
}

// NewEndpoint returns an Endpoint that has seen nothing.
func NewEndpoint(o Options) *Endpoint {
	if o.Meter == nil {
		o.Meter = new(Meter)
	}
	return &Endpoint{options: o, slots: newSlots()}
}

// Configure changes what is known and what is to be measured. What was measured before stays,
// if it is possible. It must not be called while a Tick runs.
func (e *Endpoint) Configure(o Options) {
	if o.Meter == nil {
		o.Meter = e.options.Meter
	}
	if o == e.options {
		return
	}
	e.options = o
	if !e.capacity.sound() {
		e.capacity = capacity{}
	}
	if !e.slots.sound() {
		e.slots = newSlots()
	}
}

// Meter returns the one that is told of the endpoint's finished requests.
func (e *Endpoint) Meter() *Meter { return e.options.Meter }

// Value returns what the endpoint can do, as its Upstream found it in the last Tick or Values.
func (e *Endpoint) Value() Value { return e.value }

// Requests is of how many requests the capacity was measured, older ones counting for less; 0: it was not yet.
func (e *Endpoint) Requests() float64 {
	if e.capacity.rate == 0 {
		return 0
	}
	return e.capacity.memory.requests
}

// Upstream measures the endpoints of one upstream, whose capacities have one unit. Meters may
// be told from any goroutine; the rest is for one at a time.
type Upstream struct {
	endpoints []*Endpoint
}

// Of returns an Upstream of endpoints, which go on from what was measured of each. They belong
// to one Upstream at a time.
func Of(endpoints ...*Endpoint) *Upstream { return &Upstream{endpoints} }

// New returns an Upstream of endpoints that have seen nothing.
func New(options []Options) *Upstream {
	u := new(Upstream)
	for _, o := range options {
		u.endpoints = append(u.endpoints, NewEndpoint(o))
	}
	return u
}

// Meter returns the meter of endpoint i.
func (u *Upstream) Meter(i int) *Meter { return u.endpoints[i].Meter() }

// Tick learns from what was finished in the time since the last one, and returns Values.
func (u *Upstream) Tick(since time.Duration) []Value {
	for i := range u.endpoints {
		e := u.endpoints[i]
		e.slots.tick(e.options.Meter)
		e.capacity.tick(e.options.Meter, e.busyAt(), since)
	}
	return u.Values()
}

// Values returns what every endpoint can do, as far as is known: as configured where it is
// not to be measured, or nothing was seen yet.
func (u *Upstream) Values() []Value {
	values := make([]Value, len(u.endpoints))
	for i := range u.endpoints {
		e := u.endpoints[i]
		values[i] = Value{Capacity: e.options.Capacity, Slots: e.options.Slots, AtOnce: e.atOnce()}
		if e.options.AutoSlots {
			values[i].Slots = e.slots.limit
		}
	}
	u.scale(values)
	for i, e := range u.endpoints {
		e.value = values[i]
	}
	return values
}

// Scale returns how many requests/s one unit of capacity sustains, by the endpoints that
// were seen busy; 0 while none was.
func (u *Upstream) Scale() float64 {
	capacity, served := 0.0, 0.0
	for i, v := range u.Values() {
		if s := u.endpoints[i].capacity.served; s > 0 {
			capacity += v.Capacity
			served += s
		}
	}
	if capacity == 0 {
		return 0
	}
	return served / capacity
}

// atOnce is how many requests the endpoint works on at once, 0 where it has no limit.
func (e *Endpoint) atOnce() int {
	if e.options.AutoSlots {
		return e.slots.atKnee
	}
	return e.options.Slots
}

// busyAt is how many requests at once keep the endpoint busy, 0 where that is not known: a knee that
// batches have says nothing of it.
func (e *Endpoint) busyAt() int {
	if e.options.AutoSlots && !e.slots.slotted {
		return 0
	}
	return e.atOnce()
}

// scale turns rates of work into capacities. The factor between them comes from the endpoints
// whose capacity is configured. Where there are none, it is such that the measured capacities
// sum to what they began with. Predictions learn from capacities, and capacities are measured
// in predictions: without a fixed factor both would drift off together.
func (u *Upstream) scale(values []Value) {
	fixed, all := sum{}, sum{}
	for i := range u.endpoints {
		e := u.endpoints[i]
		if e.capacity.rate == 0 {
			continue
		}
		all.add(values[i].Capacity, e.capacity.rate)
		if !e.options.AutoCapacity {
			fixed.add(values[i].Capacity, e.capacity.rate)
		}
	}
	known := all
	if fixed.rate > 0 {
		known = fixed
	}
	for i := range u.endpoints {
		e := u.endpoints[i]
		if e.options.AutoCapacity && e.capacity.rate > 0 {
			values[i].Capacity = e.capacity.rate * known.capacity / known.rate
		}
	}
}

// sum is of configured capacities and of the rates measured for them.
type sum struct{ capacity, rate float64 }

func (s *sum) add(capacity, rate float64) {
	s.capacity += capacity
	s.rate += rate
}
