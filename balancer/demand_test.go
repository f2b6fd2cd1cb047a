package balancer

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// TestDemandCountsEachRequestOnce, those that are turned away included.
func TestDemandCountsEachRequestOnce(t *testing.T) {
	p, c := newClockedPool(t, 1, QueueOptions{MaxRequests: 2, MaxWait: time.Minute})
	lease := fill(t, p)[0]
	before := p.Demand()
	first := &Request{Work: 2.5}
	_, err := p.Acquire(first)
	assert.ErrorIs(t, err, ErrFull)
	w := enqueue(t, p, first)
	c.at += 3 * time.Second
	second := &Request{}
	_, err = p.Acquire(second)
	assert.ErrorIs(t, err, ErrFull)
	other := enqueue(t, p, second)
	third := &Request{Work: 1}
	_, err = p.Acquire(third)
	assert.ErrorIs(t, err, ErrFull)
	d := p.Demand()
	assert.EqualValues(t, 3, d.Requests-before.Requests)
	assert.InDelta(t, 4.5, d.Work-before.Work, 1e-9)
	assert.Equal(t, 2, d.Waiting)
	assert.InDelta(t, 3.5, d.WaitingWork, 1e-9)
	assert.Equal(t, 3*time.Second, d.Oldest)

	lease.Release(Outcome{})
	lease = wait(t, w)
	_, err = p.Acquire(first) // once more, as after a failure
	assert.ErrorIs(t, err, ErrFull)
	lease.Release(Outcome{})
	wait(t, other).Release(Outcome{})
	d = p.Demand()
	assert.EqualValues(t, 3, d.Requests-before.Requests)
	assert.Zero(t, d.Waiting)
	assert.Zero(t, d.WaitingWork)
	assert.Zero(t, d.Oldest)
}
