package policy

import (
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/balancer"
)

// newcomer is a fleet of four equal endpoints, the last of which joins the others and ramps.
type newcomer struct {
	pool    *balancer.Pool
	service time.Duration // of a request, in the mean
	pass    func(time.Duration)
	windows [rampWindows]atomic.Int64
	before  time.Duration // in which requests come to the others alone
	joined  time.Time
	asked   sync.WaitGroup
	share   func(ramp float64) float64 // of all requests that the newcomer should have
}

const (
	rampTime, rampWindows = 30 * time.Second, 5
	rampRate              = 400 // requests/s
)

// inProportion gives the newcomer what each of the others has, times its ramp.
func inProportion(ramp float64) float64 { return ramp / (3 + ramp) }

// optimal gives the newcomer what the least mean response time asks for, where each sustains half of all requests, but no less
// than a hundredth of its part.
func optimal(ramp float64) float64 {
	const each, all = rampRate / 2.0, float64(rampRate)
	c := ramp * each
	a := (3*each + c - all) / (3*math.Sqrt(each) + math.Sqrt(c))
	return max(c-math.Sqrt(c)*a, all*inProportion(ramp)/100) / all
}

// expected is how many requests the newcomer should have in a window.
func (n *newcomer) expected(window int) (requests float64) {
	const steps = 20 // snapshots of a ramp
	each := rampTime.Seconds() / steps * rampRate
	for step := window * steps / rampWindows; step < (window+1)*steps/rampWindows; step++ {
		ramp := max(0.1, float64(step)/steps)
		requests += each * n.share(ramp)
	}
	return requests
}

// run has requests come for so long.
func (n *newcomer) run(t *testing.T, chance *rand.Rand, d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end); {
		n.pass(time.Duration(chance.ExpFloat64() / rampRate * float64(time.Second)))
		service := time.Duration(chance.ExpFloat64() * float64(n.service))
		n.asked.Go(func() { n.serve(t, service) })
	}
}

func (n *newcomer) serve(t *testing.T, service time.Duration) {
	r := &balancer.Request{Prompt: balancer.Prompt{Bytes: 400, Streams: true}}
	lease, err := n.pool.Acquire(r)
	if err != nil {
		w, err := n.pool.Enqueue(r)
		if !assert.NoError(t, err) {
			return
		}
		if lease, err = w.Wait(); !assert.NoError(t, err) {
			return
		}
	}
	if lease.Endpoint().Name() == "3" {
		n.windows[min(int(time.Since(n.joined)*rampWindows/rampTime), rampWindows-1)].Add(1)
	}
	n.pass(service / 2)
	lease.Token(1)
	n.pass(service / 2)
	lease.Release(balancer.Outcome{Class: balancer.Answered, Status: 200})
}

// TestRampedShare: under every policy an endpoint that is on its way back gets its part, whether the others have much to do or
// little, and with slots or without. With slots it gets a little less where they are few: a tenth of eight is one.
func TestRampedShare(t *testing.T) {
	skipUnderRace(t)
	for _, name := range Names() {
		for load, service := range map[string]time.Duration{"idle": 2 * time.Millisecond, "busy": 50 * time.Millisecond} {
			for _, slots := range []int{0, 16} {
				t.Run(fmt.Sprintf("%s, %s, %d slots", name, load, slots), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						b, err := Lookup(name)
						require.NoError(t, err)
						n := &newcomer{service: service, pass: func(d time.Duration) { time.Sleep(d) }, before: 2 * time.Second, share: inProportion}
						n.ramps(t, b, slots)
					})
				})
			}
		}
	}
}

// TestRampedOptimalShare: where it is known what a unit of capacity sustains, less than a proportional part is optimal for who ramps.
func TestRampedOptimalShare(t *testing.T) {
	skipUnderRace(t)
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		b := OptimalSplit(OptimalSplitOptions{Scale: rampRate / 200.0, Now: func() time.Duration { return time.Since(begun) }})
		n := &newcomer{service: 2 * time.Millisecond, pass: func(d time.Duration) { time.Sleep(d) }, before: 12 * time.Second, share: optimal} // T is measured over 10 s
		n.ramps(t, b, 0)
	})
}

func (n *newcomer) ramps(t *testing.T, b balancer.Builder, slots int) {
	chance := rand.New(rand.NewPCG(1, 2))
	n.pool = balancer.NewPool("test", balancer.NewLoads())
	o := balancer.Options{Policy: b, SlowStart: rampTime, PanicRatio: 0.5, Queue: balancer.QueueOptions{MaxRequests: 1000, MaxWait: time.Minute}}
	fleet := options(group(4, 100))
	for i := range fleet {
		fleet[i].Slots = slots
	}
	require.NoError(t, n.pool.Apply(o, fleet[:3]))
	n.run(t, chance, n.before)
	n.joined = time.Now()
	require.NoError(t, n.pool.Apply(o, fleet))
	require.InDelta(t, 0.1, n.pool.Snapshot().Endpoints[3].Ramp, 1e-9)
	n.run(t, chance, rampTime)
	n.asked.Wait()
	for i := range n.windows {
		want, had := n.expected(i), float64(n.windows[i].Load())
		noise := 3 * math.Sqrt(want)
		assert.LessOrEqual(t, had, 1.1*want+noise, "window %d", i)
		assert.GreaterOrEqual(t, had, 0.75*want-noise, "window %d", i)
	}
}
