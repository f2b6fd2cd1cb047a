// Real pools and policies, in virtual time.

package sim

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/balancer/predict"
	"github.com/steelyard-proxy/steelyard/bench/trace"
)

// fleet dispatches by real pools, one for each balancer.
type fleet struct {
	loop     *loop
	work     func(trace.Request) float64 // nil: nothing is predicted, but by learners
	queues   bool                        // a request may wait
	options  balancer.Options
	told     [][]balancer.EndpointOptions // by balancer, of all endpoints
	joins    []time.Duration              // by endpoint
	follower Follower                     // nil: the policy is none
	bytes    []float64                    // by request: of its prompt; nil: there are none
	read     []int32                      // balancers of whom a prompt has just been read, while requests wait there
	blocks   bool                         // the policy goes by the blocks of prompts
	watch    watcher                      // nil, but in tests
	pools    []*balancer.Pool
	hearing  *hearing             // nil: no balancer hears of the others
	learners []*predict.Predictor // by balancer; none: nothing is learned
	held     [][]held             // by balancer: the requests that wait there, by arrival
	maxWait  time.Duration
	next     func() int       // of the balancer that the next request comes to
	request  balancer.Request // of the arrival being dealt with
	leases   []balancer.Lease // by request; the zero Lease before it is bound and after its end
	pool     []int32          // by request: its balancer
	outcome  balancer.Outcome // of every request
	err      error            // what changes met
}

// watcher hears when a request has been counted at its endpoint, and when it is done.
type watcher interface {
	began(i int32)
	finished(i int32, service time.Duration)
}

// held is one request in a pool's queue.
type held struct {
	i        int32
	waiter   *balancer.Waiter
	request  *balancer.Request
	deadline float64 // seconds
}

func newFleet(o Options, l *loop) (*fleet, error) {
	replicas, requests := max(o.Balancers, 1), len(l.trace.Requests)
	f := &fleet{
		loop: l, work: o.Work, queues: o.Queue.MaxRequests > 0, maxWait: o.Queue.MaxWait,
		held:    make([][]held, replicas),
		options: balancer.Options{Policy: o.Policy, Queue: o.Queue, Now: o.Clock.Now},
		next:    Deal(o.Seed, replicas),
		outcome: balancer.Outcome{Class: balancer.Answered, Status: cmp.Or(o.status, 200)},
		leases:  make([]balancer.Lease, requests), pool: make([]int32, requests),
	}
	if o.Hear > 0 && replicas > 1 {
		f.hearing = newHearing(o.Hear, replicas)
	}
	for replica := range replicas {
		loads := balancer.NewLoads()
		if f.hearing != nil {
			f.hearing.loads = append(f.hearing.loads, loads)
		}
		f.pools = append(f.pools, balancer.NewPool(fmt.Sprintf("balancer %d", replica+1), loads))
		f.told = append(f.told, describe(o.Endpoints))
		if o.Learn {
			f.learners = append(f.learners, newLearner(o.Seed+uint64(replica)))
		}
	}
	if f.hearing != nil {
		f.hearing.pools = f.pools
	}
	for _, e := range o.Endpoints {
		f.joins = append(f.joins, e.Joins)
	}
	f.tell()
	f.follow(o)
	return f, f.err
}

// tell lets every balancer know what it is told of the endpoints now. Some who wait may be bound by
// that.
func (f *fleet) tell() {
	for p, pool := range f.pools {
		var known []balancer.EndpointOptions
		for e, joins := range f.joins {
			if joins <= f.loop.clock.Now() {
				known = append(known, f.told[p][e])
			}
		}
		f.err = errors.Join(f.err, pool.Apply(f.options, known))
		f.collect(p)
	}
}

func (f *fleet) arrive(i int32) {
	p := f.next()
	f.pool[i] = int32(p)
	f.request = balancer.Request{Work: f.predict(p, i), Prompt: f.prompt(i)}
	lease, err := f.pools[p].Acquire(&f.request)
	switch {
	case err == nil:
		f.serve(i, lease, &f.request)
	case f.queues:
		f.enqueue(p, i)
	default:
		f.loop.results.Full++
	}
}

// predict is what balancer p takes the work of request i for.
func (f *fleet) predict(p int, i int32) float64 {
	switch {
	case f.learners != nil:
		return f.learners[p].Size(nil, features(f.loop.trace.Requests[i]))
	case f.work == nil:
		return 0
	}
	return f.work(f.loop.trace.Requests[i])
}

// Deal returns which balancer each request comes to, one after the other.
func Deal(seed uint64, balancers int) (next func() int) {
	if balancers == 1 {
		return func() int { return 0 }
	}
	chance := rand.New(rand.NewPCG(seed, 0))
	return func() int { return chance.IntN(balancers) }
}

func (f *fleet) serve(i int32, lease balancer.Lease, r *balancer.Request) {
	f.leases[i] = lease
	f.hearing.changed(f.loop.now)
	f.loop.results.Expected[i] = float64(r.Prompt.Cached) / bytesPerToken
	if f.follower != nil {
		f.loop.results.Expected[i] = f.follower.Sent(int(f.pool[i]), i)
	}
	if f.watch != nil {
		f.watch.began(i)
	}
	f.loop.serve(i, lease.Endpoint().Via().(int))
}

func (f *fleet) enqueue(p int, i int32) {
	request := &balancer.Request{Work: f.request.Work, Prompt: f.request.Prompt}
	waiter, err := f.pools[p].Enqueue(request)
	if err != nil {
		f.loop.results.Full++
		return
	}
	deadline := (f.loop.clock.Now() + f.maxWait).Seconds() // as the pool reckons
	f.hearing.changed(f.loop.now)
	f.held[p] = append(f.held[p], held{i: i, waiter: waiter, request: request, deadline: deadline})
	f.collect(p)
}

func (f *fleet) finish(i int32) {
	wait, response := f.loop.results.Wait[i], f.loop.results.Response[i]
	if f.learners != nil && response != Unserved {
		f.learn(i, response-wait)
	}
	if f.follower != nil {
		f.follower.Ended(int(f.pool[i]), i)
	}
	f.leases[i].Release(f.ended(i))
	f.leases[i] = balancer.Lease{}
	f.hearing.changed(f.loop.now)
	if f.watch != nil {
		f.watch.finished(i, response-wait)
	}
	f.collect(int(f.pool[i]))
}

// collect serves those who wait at a balancer and were bound.
func (f *fleet) collect(p int) {
	if len(f.held[p]) == 0 {
		return
	}
	bound := len(f.held[p]) - f.pools[p].Queue().Waiting
	for at := 0; bound > 0; bound-- {
		for !f.held[p][at].waiter.Bound() {
			at++
		}
		f.release(p, at)
	}
}

// release takes one who is bound, or whose time is over, from those who wait.
func (f *fleet) release(p, at int) {
	h := f.held[p][at]
	f.held[p] = slices.Delete(f.held[p], at, at+1)
	lease, err := h.waiter.Wait() // comes at once
	h.waiter.Recycle()
	var late *balancer.WaitedTooLong
	switch {
	case err == nil:
		f.serve(h.i, lease, h.request)
	case errors.As(err, &late):
		f.loop.results.TimedOut++
	default:
		panic("BUG: wait in virtual time: " + err.Error())
	}
}

func (f *fleet) deadline() float64 {
	next := f.hearing.due()
	for p, waiting := range f.held {
		if len(waiting) == 0 {
			continue
		}
		next = min(next, waiting[0].deadline)
		if look := f.pools[p].Queue().HeldUntil; look > 0 {
			next = min(next, max(look.Seconds(), f.loop.now))
		}
	}
	return next
}

// expire lets those go whose time is over, and has pools look again at those who were held back for
// long enough.
func (f *fleet) expire() {
	if f.hearing.due() <= f.loop.now {
		f.collect(f.hearing.hear(f.loop.clock.Now()))
	}
	for p := range f.held {
		if look := f.pools[p].Queue().HeldUntil; look > 0 && look.Seconds() <= f.loop.now {
			f.pools[p].Recheck()
			f.collect(p)
		}
		for len(f.held[p]) > 0 && f.held[p][0].deadline <= f.loop.now {
			f.release(p, 0)
		}
	}
}

// change sets the speed of an engine, and tells the balancers if they are to know.
func (f *fleet) change(c Change) {
	if c.Restart {
		f.loop.restart(c.Endpoint)
		return
	}
	if c.Fails || c.Recovers {
		for p, pool := range f.pools {
			_, err := pool.SetCondition(f.told[p][c.Endpoint].Name, balancer.ProbeFailed, c.Fails, "a change of the simulation")
			f.err = errors.Join(f.err, err)
			f.collect(p)
		}
		return
	}
	f.loop.speed(c.Endpoint, c.Capacity)
	if c.Told == 0 {
		return
	}
	for p := range f.told {
		f.told[p][c.Endpoint].Capacity = c.Told
	}
	f.tell()
}
