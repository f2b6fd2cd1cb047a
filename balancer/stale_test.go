package balancer

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/balancer/dispatch"
)

// inOrder picks the first candidate that is open.
type inOrder struct{ turns }

func (b inOrder) Build(candidates []Candidate) Picker {
	return &inOrderPicker{turnsPicker{candidates: candidates}}
}

type inOrderPicker struct{ turnsPicker }

func (p *inOrderPicker) Pick(r *Request) (int, bool) {
	p.next = 0
	return p.turnsPicker.Pick(r)
}

// TestASlowSlotIsTriedBesideAnother slow one that is free, but not stale.
func TestASlowSlotIsTriedBesideAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newTimedPool(t, patientQueue, 0.1, 2, 2)
		endpoints := slotted(3, 1)
		endpoints[1].Slots = 2
		require.NoError(t, p.Apply(Options{Policy: inOrder{turns{"in_order"}}, Queue: patientQueue}, endpoints))
		acquireOnly(t, p, 0)
		time.Sleep(61 * time.Second)
		for _, i := range []int{0, 1} {
			at(p, i).service.Touch(p.queue.now())
		}
		require.Equal(t, "e2", acquire(t, p, 0).Endpoint().Name())
		_, err := p.Acquire(nil)
		require.ErrorIs(t, err, ErrFull)
		require.Equal(t, 1, p.snapshot.Load().seats.open)
	})
}

// TestAColdStartAfterIdleness is not believed at once; a request that is faster than before is.
func TestAColdStartAfterIdleness(t *testing.T) {
	for took, want := range map[time.Duration]float64{time.Minute: 0.114, 50 * time.Millisecond: 0.079} {
		synctest.Test(t, func(t *testing.T) {
			p := newTimedPool(t, patientQueue, 0.1)
			for range dispatch.Tuned.ServiceHorizon {
				at(p, 0).service.Learn(100*time.Millisecond, 1, false)
			}
			time.Sleep(4 * time.Second)
			lease := acquire(t, p, 0)
			time.Sleep(took)
			lease.Release(Outcome{Class: Answered, Status: 200})
			assert.InDelta(t, want, at(p, 0).service.Seconds(false), 0.001)
		})
	}
}

// TestASlowSlotIsTriedAgain: clients that ask again at once would leave it for the fast one for
// ever, even when it has recovered. While it is as slow as before the trials cost little.
func TestASlowSlotIsTriedAgain(t *testing.T) {
	for name, c := range map[string]struct {
		truth        time.Duration
		fewest, most int // requests that it has in the last minute
	}{
		"that has recovered": {truth: 100 * time.Millisecond, fewest: 500, most: 610},
		"that is as slow":    {truth: 2 * time.Second, fewest: 1, most: 2},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newTimedPool(t, patientQueue, 0.1, 2)
				require.NoError(t, p.Apply(Options{Policy: inOrder{turns{"in_order"}}, Queue: patientQueue}, slotted(2, 1)))
				fast, slow := at(p, 0), at(p, 1)
				takes := map[*Endpoint]time.Duration{fast: 100 * time.Millisecond, slow: c.truth}
				served, end := 0, time.Now().Add(6*time.Minute)
				for range 5 {
					go func() {
						for time.Now().Before(end) {
							lease, err := p.Acquire(nil)
							if err != nil {
								lease, err = enqueue(t, p, nil).Wait()
							}
							if !assert.NoError(t, err) {
								return
							}
							time.Sleep(takes[lease.Endpoint()])
							if lease.Endpoint() == slow && time.Until(end) < time.Minute {
								served++
							}
							lease.Release(Outcome{Class: Answered, Status: 200})
						}
					}()
				}
				time.Sleep(7 * time.Minute)
				synctest.Wait()
				assert.GreaterOrEqual(t, served, c.fewest)
				assert.LessOrEqual(t, served, c.most)
			})
		})
	}
}
