// Why an endpoint was chosen, for those who ask.

package balancer

// Choice is why an endpoint was chosen for a request, by what was known at that moment.
type Choice struct {
	// InFlight is what its server had in flight before the request, and Capacity the capacity in force.
	InFlight int64
	Capacity float64

	// ByCost says that the policy went by cost, whose parts follow, in seconds.
	ByCost  bool
	Waiting float64 // until what was sent before has been read
	Reading float64 // of the request itself
	Stalls  float64 // that its reading costs those who are being answered
	Writing float64 // of its answer, with what its context costs the others
}

// Cost is the sum of the parts, in seconds.
func (w *Choice) Cost() float64 { return w.Waiting + w.Reading + w.Stalls + w.Writing }

// Explainer is a Picker that can tell the parts of a cost by which it chose.
type Explainer interface {
	// Explain fills in the parts for candidate i, which Pick has just returned for the request.
	// It is called before the request is counted there, and only where somebody asks. It must
	// not allocate or block.
	Explain(r *Request, i int, why *Choice)
}

// explain tells who asks why the seat was picked for the request.
func (s *seats) explain(r *Request, i int) {
	*r.Why = Choice{InFlight: s.endpoints[i].load.InFlight(), Capacity: s.capacity[i]}
	s.guard.explain(r, i)
}

// explain is for the policy's part of a choice.
func (g *guard) explain(r *Request, i int) {
	defer g.catch()
	if e, ok := g.picker.(Explainer); ok {
		e.Explain(r, i, r.Why)
	}
}
