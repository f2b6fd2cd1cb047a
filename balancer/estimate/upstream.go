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
}

// Value is what Tick says of one endpoint.
type Value struct {
	Capacity float64
	Slots    int
}

// Upstream measures the endpoints of one upstream. Meter may be called from any
// goroutine; Tick from one at a time.
type Upstream struct {
	endpoints []*endpoint
}

type endpoint struct {
	options  Options
	meter    Meter
	capacity capacity
	slots    slots
}

// New returns an Upstream that has seen nothing.
func New(endpoints []Options) *Upstream {
	u := new(Upstream)
	for _, o := range endpoints {
		u.endpoints = append(u.endpoints, &endpoint{options: o})
	}
	return u
}

// Meter returns the meter of endpoint i, which is always the same.
func (u *Upstream) Meter(i int) *Meter { return &u.endpoints[i].meter }

// Inherit takes over what was learned of the endpoint i of another Upstream as endpoint j
// of this one, meter included. It must be called before both the first Meter and Tick.
func (u *Upstream) Inherit(j int, from *Upstream, i int) {
	options := u.endpoints[j].options
	u.endpoints[j] = from.endpoints[i]
	u.endpoints[j].options = options
}

// Tick takes in what was finished in the time since the last one, and returns what every
// endpoint can do now: as configured where it is not to be measured.
func (u *Upstream) Tick(since time.Duration) []Value {
	values := make([]Value, len(u.endpoints))
	for i, e := range u.endpoints {
		values[i] = Value{Capacity: e.options.Capacity, Slots: e.options.Slots}
		if e.options.AutoSlots {
			values[i].Slots = e.slots.tick(&e.meter)
		}
		e.capacity.tick(&e.meter, values[i].Slots, since)
	}
	u.scale(values)
	return values
}

// scale turns rates of work into capacities. The factor between them is where the rates of
// the endpoints whose capacity is configured say it is; where there are none, it lets the
// measured ones sum to what they began with. Without it predictions that learn from
// capacities, and capacities that are measured in predictions, would drift off together.
func (u *Upstream) scale(values []Value) {
	fixed, all := sum{}, sum{}
	for i, e := range u.endpoints {
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
	for i, e := range u.endpoints {
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
