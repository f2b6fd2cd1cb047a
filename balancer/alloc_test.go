//go:build !race

package balancer

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestNothingIsAllocatedPerRequest; the race detector lets sync.Pool forget on purpose.
func TestNothingIsAllocatedPerRequest(t *testing.T) {
	for name, p := range map[string]*Pool{"no slots": newTestPool(t, 3), "slots": newQueuePool(t, 3, testQueue)} {
		assert.Zero(t, testing.AllocsPerRun(1000, func() {
			lease, err := p.Acquire(nil)
			require.NoError(t, err)
			lease.Release(Outcome{Class: Answered})
		}), name)
	}
	for order := range orderCount {
		o := testQueue
		o.Order = order
		p := newQueuePool(t, 1, o)
		lease := fill(t, p)[0]
		failed := &Request{Exclude: []*Endpoint{at(p, 0)}, Work: 1}
		require.NoError(t, p.Apply(queued(o), slotted(2, 1)))
		fill(t, p)
		enqueue(t, p, failed) // is set aside by each hand-over
		r := &Request{Work: 3}
		assert.Zero(t, testing.AllocsPerRun(1000, func() {
			*r = Request{Work: 3}
			w := enqueue(t, p, r)
			lease.Release(Outcome{})
			lease = wait(t, w)
			w.Recycle()
		}), order)
	}
}
