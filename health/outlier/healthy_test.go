package outlier

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// fleet is endpoints that work as real ones do, in virtual time, one tick after the other.
type fleet struct {
	*rig
	random  *rand.Rand
	now     time.Time
	servers []*server
	rate    float64 // requests/s of all together
	work    func(*rand.Rand) float64
	known   bool // the work is predicted
}

// server is one of a fleet's endpoints.
type server struct {
	name           string
	capacity       float64
	slots          int
	slower         float64 // times as long as it should take
	busy           []request
	queue          []request
	failsRatio     float64 // of its requests
	abandonedRatio float64
}

type request struct {
	begun, done float64 // seconds
	work        float64
}

func newFleet(seed uint64, o Options, servers ...*server) *fleet {
	f := &fleet{random: rand.New(rand.NewPCG(seed, 1)), now: time.Unix(1e9, 0), servers: servers}
	var names []string
	for _, s := range servers {
		names = append(names, s.name)
		s.slower = 1
	}
	f.rig = newRig(o, names...)
	for _, s := range servers {
		f.readings[s.name] = Reading{Eligible: true, Capacity: s.capacity, Slots: s.slots}
	}
	return f
}

// exponential, bounded and heavy are work of mean 1.
func exponential(r *rand.Rand) float64 { return r.ExpFloat64() }

// heavy has a Pareto tail of index 1.5, cut at a hundred times the mean.
func heavy(r *rand.Rand) float64 { return min(math.Pow(1-r.Float64(), -1/1.5)/3, 100) }

// lognormal is what lengths of answers look like.
func lognormal(r *rand.Rand) float64 { return math.Exp(1.2*r.NormFloat64() - 0.72) }

// constant takes always the same time, but for a little.
func constant(r *rand.Rand) float64 { return 0.98 + 0.04*r.Float64() }

// pass lets a tick pass.
func (f *fleet) pass() {
	from := f.now.Sub(time.Unix(1e9, 0)).Seconds()
	to := from + tickEvery.Seconds()
	for at := from + f.random.ExpFloat64()/f.rate; at < to; at += f.random.ExpFloat64() / f.rate {
		s := f.pick()
		s.queue = append(s.queue, request{begun: at, work: f.work(f.random)})
	}
	for _, s := range f.servers {
		f.serve(s, to)
	}
	f.now = f.now.Add(tickEvery)
	f.tell(f.tick(f.now))
}

// pick shares by capacity among those that are not ejected.
func (f *fleet) pick() *server {
	sum := 0.0
	for _, s := range f.servers {
		if f.readings[s.name].Eligible {
			sum += s.capacity
		}
	}
	left := f.random.Float64() * sum
	for _, s := range f.servers {
		if f.readings[s.name].Eligible {
			if left -= s.capacity; left <= 0 {
				return s
			}
		}
	}
	return f.servers[0]
}

// serve lets a server work until the moment to. Requests wait at the balancer for a slot.
func (f *fleet) serve(s *server, to float64) {
	for {
		first := -1
		for i := range s.busy {
			if s.busy[i].done <= to && (first < 0 || s.busy[i].done < s.busy[first].done) {
				first = i
			}
		}
		for len(s.queue) > 0 && len(s.busy) < s.slots {
			r := s.queue[0]
			if first >= 0 && s.busy[first].done < r.begun {
				break
			}
			s.queue = s.queue[1:]
			r.done = r.begun + r.work*s.slower*float64(s.slots)/s.capacity
			s.busy = append(s.busy, r)
			first = -1
			break
		}
		if first < 0 {
			if len(s.queue) > 0 && len(s.busy) < s.slots {
				continue
			}
			if !s.anyDone(to) {
				break
			}
			continue
		}
		f.end(s, s.busy[first])
		done := s.busy[first].done
		s.busy = append(s.busy[:first], s.busy[first+1:]...)
		for i := range s.queue { // those that waited begin no earlier
			s.queue[i].begun = max(s.queue[i].begun, done)
		}
	}
	reading := f.readings[s.name]
	reading.Waiting = int64(len(s.busy))
	f.readings[s.name] = reading
}

func (s *server) anyDone(to float64) bool {
	for i := range s.busy {
		if s.busy[i].done <= to {
			return true
		}
	}
	return false
}

// end tells of a request that has ended.
func (f *fleet) end(s *server, r request) {
	took := time.Duration((r.done - r.begun) * 1e9)
	a := Attempt{Ending: Served, Held: took, Took: took, FirstByte: took}
	if f.known {
		a.Size = r.work
	}
	switch p := f.random.Float64(); {
	case p < s.failsRatio:
		a.Ending = ServerError
	case p < s.failsRatio+s.abandonedRatio:
		left := time.Duration(f.random.Float64() * float64(took))
		a = Attempt{Ending: Abandoned, Held: left, Took: left}
	}
	f.endpoints[s.name].Ended(a)
	if a.FirstByte > 0 {
		reading := f.readings[s.name]
		reading.Received += 100
		f.readings[s.name] = reading
	}
}

// unequal is n servers, of which the smallest has a tenth of the capacity of the largest.
func unequal(n int, perRequest float64) (all []*server) {
	for i := range n {
		slots := 1 + i%4*2
		slow := 1 + float64(i%3) // some GPUs are slower than others
		all = append(all, &server{
			name: string(rune('a' + i)), slots: slots, capacity: float64(slots) / (perRequest * slow),
			failsRatio: 0.0005, abandonedRatio: 0.05,
		})
	}
	return all
}

func capacityOf(servers []*server) (sum float64) {
	for _, s := range servers {
		sum += s.capacity
	}
	return sum
}

// all lets every detector eject.
func all(o Options) Options {
	for i := range o.Enforced {
		o.Enforced[i] = true
	}
	return o
}

// Up to half a virtual day of healthy fleets, small and large, busy and idle, with short and long requests
// of every kind of work: nobody is ejected, and nobody is warned of. One in two thousand requests fails,
// and one in twenty clients leaves early.
func TestHealthyFleetsAreLeftAlone(t *testing.T) {
	const seed = 7
	for name, c := range map[string]struct {
		n          int
		perRequest float64 // seconds
		load       float64 // of the capacity
		work       func(*rand.Rand) float64
		known      bool
		hours      int
	}{
		"exponential, short":    {3, 0.5, 0.7, exponential, false, 2},
		"exponential, long":     {6, 20, 0.8, exponential, false, 12},
		"exponential, idle":     {4, 5, 0.02, exponential, false, 8},
		"heavy, short":          {6, 0.5, 0.6, heavy, false, 2},
		"heavy, long":           {9, 20, 0.7, heavy, false, 4},
		"heavy, idle":           {3, 10, 0.05, heavy, false, 8},
		"lognormal, large":      {16, 5, 0.8, lognormal, false, 2},
		"lognormal, two":        {2, 2, 0.5, lognormal, false, 6},
		"constant":              {5, 1, 0.9, constant, false, 3},
		"predicted, heavy":      {8, 3, 0.8, heavy, true, 3},
		"overloaded, lognormal": {4, 2, 1.0, lognormal, false, 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			servers := unequal(c.n, c.perRequest)
			f := newFleet(seed, all(usual()), servers...)
			f.rate, f.work, f.known = c.load*capacityOf(servers), c.work, c.known
			if raceEnabled {
				c.hours = 1
			}
			for range c.hours * int(time.Hour/tickEvery) {
				f.pass()
			}
			if !assert.Empty(t, actions(f.told)) {
				for _, d := range f.told[:min(len(f.told), 5)] {
					t.Log(d.name, d.Reason, d.Evidence)
				}
			}
		})
	}
}
