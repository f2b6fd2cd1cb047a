package estimate

import (
	"container/heap"
	"math/rand/v2"
	"time"
)

// server is an inference server in virtual time: slots requests at once, each at an equal
// part of the rate, and the rest first come, first served.
type server struct {
	rate  float64 // units of work per second with all slots in use
	slots int

	working, inFlight int
	queue             []*request
}

type request struct {
	work   float64
	server int
	given  time.Duration
	among  int64 // requests in flight at its server then
	ends   time.Duration
}

// fleet gives Poisson arrivals to the server of the least (n+½)/C, as it is estimated.
type fleet struct {
	servers  []*server
	upstream *Upstream
	values   []Value
	rng      *rand.Rand
	arrivals float64                  // per second
	work     func(*rand.Rand) float64 // true work
	predict  func(work float64) float64

	now     time.Duration
	running endings
}

type endings []*request

func (e endings) Len() int           { return len(e) }
func (e endings) Less(i, j int) bool { return e[i].ends < e[j].ends }
func (e endings) Swap(i, j int)      { e[i], e[j] = e[j], e[i] }
func (e *endings) Push(r any)        { *e = append(*e, r.(*request)) }
func (e *endings) Pop() any {
	last := (*e)[len(*e)-1]
	*e = (*e)[:len(*e)-1]
	return last
}

func newFleet(seed uint64, arrivals float64, options []Options, servers ...*server) *fleet {
	f := &fleet{
		servers: servers, upstream: New(options), rng: rand.New(rand.NewPCG(seed, 1)), arrivals: arrivals,
		work:    func(r *rand.Rand) float64 { return r.ExpFloat64() },
		predict: func(float64) float64 { return 1 },
	}
	f.values = f.upstream.Tick(time.Second)
	return f
}

// run lets so many seconds pass, with a tick at the end of each.
func (f *fleet) run(seconds int) {
	for range seconds {
		f.second()
		f.values = f.upstream.Tick(time.Second)
	}
}

func (f *fleet) second() {
	end := f.now + time.Second
	arrival := f.gap()
	for {
		next := min(arrival, end)
		for len(f.running) > 0 && f.running[0].ends <= next {
			f.finish(heap.Pop(&f.running).(*request))
		}
		if f.now = next; next == end {
			return
		}
		f.arrive()
		arrival = f.gap()
	}
}

func (f *fleet) gap() time.Duration {
	return f.now + time.Duration(f.rng.ExpFloat64()/f.arrivals*float64(time.Second))
}

func (f *fleet) arrive() {
	best, least := -1, 0.0
	for i, s := range f.servers {
		if limit := f.values[i].Slots; limit > 0 && s.inFlight >= limit {
			continue
		}
		if load := (float64(s.inFlight) + 0.5) / f.values[i].Capacity; best < 0 || load < least {
			best, least = i, load
		}
	}
	if best < 0 {
		return // full: another gateway's queue is not what is tested here
	}
	r := &request{work: f.work(f.rng), server: best, given: f.now}
	s := f.servers[best]
	s.inFlight++
	r.among = int64(s.inFlight)
	if s.working < s.slots {
		f.begin(r)
	} else {
		s.queue = append(s.queue, r)
	}
}

func (f *fleet) begin(r *request) {
	s := f.servers[r.server]
	s.working++
	r.ends = f.now + time.Duration(r.work*float64(s.slots)/s.rate*float64(time.Second))
	heap.Push(&f.running, r)
}

func (f *fleet) finish(r *request) {
	f.now = r.ends
	s := f.servers[r.server]
	f.upstream.Meter(r.server).Finished(f.predict(r.work), r.ends-r.given, r.among)
	s.inFlight--
	s.working--
	if len(s.queue) > 0 {
		next := s.queue[0]
		s.queue = s.queue[1:]
		f.begin(next)
	}
}
