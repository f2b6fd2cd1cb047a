package balancer

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestQueueFromManyGoroutines lets two pools that share their servers be used by many at
// once: requests that wait, leave and come too late, policies that panic, and in some
// rounds changes of everything that can be changed. No server may ever have more than its
// slots, nobody may be lost, and in the end all must be as in the beginning.
func TestQueueFromManyGoroutines(t *testing.T) {
	var sum [came]int64 // over all rounds: no one round must have every ending
	for _, order := range []Order{FIFO, ShortestFirst} {
		for _, maxWait := range []time.Duration{time.Hour, 100 * time.Microsecond} {
			for _, changing := range []bool{false, true} {
				t.Run(fmt.Sprintf("%v, %v, changing=%v", order, maxWait, changing), func(t *testing.T) {
					c := newCrowd(t, QueueOptions{Order: order, MaxRequests: 12, MaxWait: maxWait})
					c.run(changing)
					for i := range sum {
						sum[i] += c.endings[i].Load()
					}
				})
			}
		}
	}
	for i, n := range sum {
		assert.NotZero(t, n, "ending %d", i)
	}
}

// TestPokeInTheMomentOfBinding lets Poke and Wait meet over a slot that has just been bound: it
// is leased, or goes to the next, but never both or neither.
func TestPokeInTheMomentOfBinding(t *testing.T) {
	p := newQueuePool(t, 1, testQueue)
	load := at(p, 0).Load()
	const rounds = 20_000
	var leased int
	var w *Waiter
	var begun, ended atomic.Int64 // rounds; both sides spin, to meet within nanoseconds
	go func() {
		for round := range int64(rounds) {
			for begun.Load() <= round {
				runtime.Gosched()
			}
			for range round % 50 {
				begun.Load()
			}
			w.Poke()
			ended.Store(round + 1)
		}
	}()
	for round := range int64(rounds) {
		w = enqueue(t, p, nil)
		begun.Store(round + 1)
		for range round / 50 % 50 {
			begun.Load()
		}
		lease, err := w.Wait()
		for ended.Load() <= round {
			runtime.Gosched()
		}
		if err == nil {
			leased++
			require.Equal(t, int64(1), load.InFlight())
			lease.Release(Outcome{})
		}
		require.Zero(t, load.InFlight())
		w.Recycle()
	}
	t.Logf("%d of %d were leased, the rest handed on", leased, rounds)
	assertIdle(t, p)
}

const crowdServers, mostSlots = 3, 2

// crowd is what the goroutines of one round share.
type crowd struct {
	t       *testing.T
	options QueueOptions
	pools   []*Pool
	mu      sync.Mutex     // guards using
	using   map[string]int // requests at each server, by URL, as its users count them
	endings [came + 1]atomic.Int64
}

// How a request of the crowd may end; indexes of endings.
const (
	given = iota
	refused
	left
	late
	broke
	came // and all of them together
)

func newCrowd(t *testing.T, o QueueOptions) *crowd {
	c := &crowd{t: t, options: o, using: map[string]int{}}
	loads := NewLoads()
	for range 2 {
		p := NewPool("chat", loads)
		require.NoError(t, p.Apply(Options{Policy: stormy{turns{"stormy"}}, Queue: o}, slotted(crowdServers, mostSlots)))
		c.pools = append(c.pools, p)
	}
	return c
}

func (c *crowd) run(changing bool) {
	const workers, requests = 12, 300
	var users, changers sync.WaitGroup
	for i := range workers {
		users.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(i), 3))
			for range requests {
				c.request(c.pools[i%len(c.pools)], rng)
			}
		})
	}
	stop := make(chan struct{})
	if changing {
		for i, p := range c.pools {
			changers.Go(func() { c.change(p, rand.New(rand.NewPCG(uint64(i), 4)), stop) })
		}
	}
	ended := make(chan struct{})
	go func() { users.Wait(); close(ended) }()
	select {
	case <-ended:
	case <-time.After(2 * time.Minute):
		c.t.Fatalf("somebody was lost in %+v or %+v", c.pools[0].Queue(), c.pools[1].Queue())
	}
	close(stop)
	changers.Wait()

	sum := int64(0)
	for i := range came {
		sum += c.endings[i].Load()
	}
	assert.Equal(c.t, int64(workers*requests), c.endings[came].Load())
	assert.Equal(c.t, c.endings[came].Load(), sum, "each ends once")
	for _, p := range c.pools {
		require.NoError(c.t, p.Apply(queued(testQueue), slotted(crowdServers, mostSlots)))
		for i := range crowdServers {
			_, err := p.SetCondition(at(p, i).name, Draining, false, "")
			require.NoError(c.t, err)
		}
		assertIdle(c.t, p)
	}
	for server, n := range c.using {
		assert.Zero(c.t, n, server)
	}
}

// request is the life of one request.
func (c *crowd) request(p *Pool, rng *rand.Rand) {
	c.endings[came].Add(1)
	defer func() {
		if recover() != nil {
			c.endings[broke].Add(1)
		}
	}()
	r := &Request{Work: rng.Float64()}
	if rng.IntN(8) == 0 {
		r.Exclude = []*Endpoint{at(p, 0)}
	}
	lease, err := p.Acquire(r)
	if errors.Is(err, ErrFull) {
		lease, err = c.wait(p, r, rng)
	}
	switch {
	case err == nil:
		c.use(lease, rng)
		c.endings[given].Add(1)
	case errors.Is(err, ErrPoked):
		c.endings[left].Add(1)
	case errors.As(err, new(*WaitedTooLong)):
		c.endings[late].Add(1)
	default:
		c.endings[refused].Add(1)
	}
}

// wait goes through the queue. Some are poked, at any moment of it.
func (c *crowd) wait(p *Pool, r *Request, rng *rand.Rand) (Lease, error) {
	w, err := p.Enqueue(r)
	if err != nil {
		return Lease{}, err
	}
	var poking sync.WaitGroup
	defer func() {
		poking.Wait()
		assert.Empty(c.t, w.done)
		w.Recycle()
	}()
	if patience := rng.IntN(60); patience < 20 {
		poking.Go(func() {
			for range patience {
				runtime.Gosched()
			}
			w.Poke()
		})
	}
	return w.Wait()
}

// use works at the leased endpoint for a while.
func (c *crowd) use(lease Lease, rng *rand.Rand) {
	server := lease.Endpoint().URL()
	count := func(n int) {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.using[server] += n; c.using[server] > mostSlots {
			c.t.Errorf("%d requests at %s", c.using[server], server)
		}
	}
	count(1)
	for range rng.IntN(10) {
		runtime.Gosched()
	}
	count(-1)
	lease.Release(Outcome{Class: Answered})
}

// change changes the pool until it is told to stop.
func (c *crowd) change(p *Pool, rng *rand.Rand, stop chan struct{}) {
	for {
		select {
		case <-stop:
			return
		default:
		}
		if rng.IntN(3) > 0 {
			_, _ = p.SetCondition(fmt.Sprintf("e%d", rng.IntN(crowdServers)), Draining, rng.IntN(3) == 0, "")
			continue
		}
		list := slotted(1+rng.IntN(crowdServers), 0)
		for i := range list {
			list[i].Slots = 1 + rng.IntN(mostSlots)
		}
		o := Options{Policy: stormy{turns{fmt.Sprint("stormy", rng.IntN(2))}}, Queue: c.options}
		o.Queue.MaxRequests = rng.IntN(2 * c.options.MaxRequests)
		o.Queue.Order = Order(rng.IntN(2))
		assert.NoError(c.t, p.Apply(o, list))
	}
}

// stormy is turns, but panics at every fortieth pick.
type stormy struct{ turns }

func (stormy) Build(candidates []Candidate) Picker {
	return &stormyPicker{turnsPicker{candidates: candidates}}
}

type stormyPicker struct{ turnsPicker }

func (p *stormyPicker) Pick(r *Request) (int, bool) {
	i, ok := p.turnsPicker.Pick(r)
	if p.picks%40 == 0 {
		panic("BUG: stormy")
	}
	return i, ok
}
