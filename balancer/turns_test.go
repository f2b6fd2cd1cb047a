package balancer

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// turns is a plain policy for the tests of this room: each candidate in turn.
type turns struct{ name string }

func (b turns) Name() string { return b.name }
func (b turns) Build(candidates []Candidate) Picker {
	return &turnsPicker{candidates: candidates}
}

type turnsPicker struct {
	candidates  []Candidate
	next        int
	predecessor Picker // as given to Inherit
	inherited   int    // calls of Inherit
	picks       int
	closed      map[int]bool
	poison      *Request // makes Pick panic
}

func (p *turnsPicker) Open(i int, open bool) {
	if p.closed == nil {
		p.closed = map[int]bool{}
	}
	if p.closed[i] == !open {
		panic("BUG: told twice")
	}
	p.closed[i] = !open
}

func (p *turnsPicker) Pick(r *Request) (int, bool) {
	p.picks++
	if r != nil && r == p.poison {
		panic("BUG: poisoned")
	}
	for range p.candidates {
		i := p.next % len(p.candidates)
		p.next++
		if p.closed[i] {
			continue
		}
		if r == nil || !slices.Contains(r.Exclude, p.candidates[i].Endpoint) {
			return i, true
		}
	}
	return 0, false
}

func (p *turnsPicker) Inherit(predecessor Picker) {
	p.predecessor = predecessor
	p.inherited++
}

// endpoints makes options for e0, e1, ... of capacity 100.
func endpoints(n int) []EndpointOptions {
	list := make([]EndpointOptions, n)
	for i := range list {
		list[i] = EndpointOptions{Name: fmt.Sprintf("e%d", i), URL: fmt.Sprintf("http://127.0.0.1:%d", 9001+i), Capacity: 100}
	}
	return list
}

func newTestPool(t testing.TB, n int) *Pool {
	t.Helper()
	p := NewPool("chat", NewLoads())
	require.NoError(t, p.Apply(Options{Policy: turns{"turns"}}, endpoints(n)))
	return p
}

// at returns the pool's i-th endpoint.
func at(p *Pool, i int) *Endpoint { return p.Snapshot().Endpoints[i].Endpoint }

// moody is turns, but panics when it would place a poisoned request.
type moody struct {
	turns
	poisoned map[*Request]bool
}

func (b moody) Build(candidates []Candidate) Picker {
	return &moodyPicker{turnsPicker{candidates: candidates}, b.poisoned}
}

type moodyPicker struct {
	turnsPicker
	poisoned map[*Request]bool
}

func (p *moodyPicker) Pick(r *Request) (int, bool) {
	i, ok := p.turnsPicker.Pick(r)
	if ok && p.poisoned[r] {
		panic("BUG: poisoned")
	}
	return i, ok
}
