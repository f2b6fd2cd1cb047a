package balancer

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestRepeatKeepsItsPlace: a request that failed at one endpoint and must wait for another
// is served before those who came after it, may wait though the queue is full, and gives
// up when its first MaxWait is over.
func TestRepeatKeepsItsPlace(t *testing.T) {
	for name, waits := range map[string]bool{"waited": true, "did not wait": false} {
		t.Run(name, func(t *testing.T) {
			c := new(clock)
			o := Options{Policy: turns{"turns"}, Queue: QueueOptions{MaxRequests: 2, MaxWait: 20 * time.Second}, Now: c.now}
			p := NewPool("chat", NewLoads())
			require.NoError(t, p.Apply(o, slotted(2, 1)))
			r := new(Request)
			var dead Lease
			if waits {
				leases := fill(t, p)
				w := enqueue(t, p, r)
				c.at += 15 * time.Second
				leases[0].Release(Outcome{})
				dead = wait(t, w)
			} else {
				var err error
				dead, err = p.Acquire(r)
				require.NoError(t, err)
				fill(t, p)
			}
			require.Same(t, at(p, 0), dead.Endpoint())
			later := enqueueMany(t, p, 2)

			dead.Release(Outcome{Class: Failed}) // the first of the later ones gets the slot
			require.True(t, later[0].Bound())
			enqueue(t, p, nil)
			r.Exclude = []*Endpoint{at(p, 0)}
			again := enqueue(t, p, r)
			assert.Equal(t, 3, p.Queue().Waiting)
			_, err := p.Enqueue(nil)
			assert.ErrorIs(t, err, ErrQueueFull)
			assert.Same(t, again, p.queue.oldest)
			assert.Same(t, again, p.queue.first())
			if waits {
				assert.Equal(t, 20*time.Second, again.until)
			}
			again.Poke()
			_, err = again.Wait()
			require.ErrorIs(t, err, ErrPoked)
		})
	}
}

// TestRepeatAfterItsWait fails as one that has waited all the time.
func TestRepeatAfterItsWait(t *testing.T) {
	c := new(clock)
	p := NewPool("chat", NewLoads())
	require.NoError(t, p.Apply(Options{Policy: turns{"turns"}, Queue: QueueOptions{MaxRequests: 2, MaxWait: 20 * time.Second}, Now: c.now}, slotted(2, 1)))
	leases, r := fill(t, p), new(Request)
	w := enqueue(t, p, r)
	c.at += 15 * time.Second
	leases[0].Release(Outcome{})
	wait(t, w).Release(Outcome{Class: Failed})
	fill(t, p)
	c.at += 6 * time.Second
	_, err := enqueue(t, p, r).Wait()
	var late *WaitedTooLong
	require.ErrorAs(t, err, &late)
	assert.Equal(t, 20*time.Second, late.Limit)
}
