// A world of rows: who asks, which servers answer, and how long that takes.

package faults

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/steelyard-proxy/steelyard/metrics/usage"
)

// work is how the work of requests is spread, and how much of it is predicted.
type work string

const (
	predicted   work = "predicted"   // log-normal, of which the gateway predicts all but a factor of σ 0.5
	exponential work = "exponential" // nothing is predicted
	heavy       work = "heavy"       // one request in ten is 25 times as long, and nothing is predicted
)

const (
	tick     = 10 * time.Second // rows come in by this
	pending  = 400              // ticks that a request may take
	upstream = "chat"
)

// monday is when all worlds begin.
var monday = time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)

var (
	modelShares = []float64{0.5, 0.3, 0.2}
	modelNames  = []string{"large", "small", "code"}
)

// fleet is what a world is made of.
type fleet struct {
	endpoints int
	rate      float64 // requests per second at each endpoint, in the mean
	season    float64 // how far the rate swings over the day, 0 to 1
	work      work
}

// server is one endpoint.
type server struct {
	name   string
	quirk  float64 // a factor that its declared capacity does not tell
	wander float64 // a slow change of its speed, as a logarithm
	paused float64 // seconds that requests of this tick wait beside
}

// world makes rows.
type world struct {
	fleet
	chance  *rand.Rand
	now     time.Time
	servers []*server
	users   []float64 // cumulative shares
	common  float64   // a slow change of all
	day     float64   // how busy this day is
	queue   [pending][]usage.Row
	at      int
	script  []*incident
}

func newWorld(f fleet, seed uint64, script []*incident) *world {
	w := &world{fleet: f, chance: rand.New(rand.NewPCG(seed, 77)), now: monday, day: 1, script: script}
	for i := range f.endpoints {
		w.servers = append(w.servers, &server{name: fmt.Sprintf("gpu%d", i+1), quirk: math.Exp(0.2 * w.chance.NormFloat64())})
	}
	sum := 0.0
	for i := range 200 {
		sum += 1 / math.Pow(float64(i+1), 0.9)
		w.users = append(w.users, sum)
	}
	return w
}

// next goes on by a tick, and returns the rows that end in it. They are good until the call after.
func (w *world) next() []usage.Row {
	w.drift()
	w.arrive()
	w.now = w.now.Add(tick)
	place := &w.queue[w.at%pending]
	rows := *place
	*place = (*place)[:0]
	w.at++
	return rows
}

// drift lets servers wander, pause and recover, and days differ.
func (w *world) drift() {
	keep := math.Exp(-float64(tick) / float64(10*time.Minute))
	fresh := math.Sqrt(1 - keep*keep)
	w.common = keep*w.common + fresh*0.03*w.chance.NormFloat64()
	for _, s := range w.servers {
		s.wander = keep*s.wander + fresh*0.05*w.chance.NormFloat64()
		s.paused = 0
		if w.chance.Float64() < float64(tick)/float64(3*time.Hour) {
			s.paused = 3
		}
	}
	if w.at%int(24*time.Hour/tick) == 0 {
		w.day = math.Exp(0.05 * w.chance.NormFloat64())
		if d := w.now.Weekday(); d == time.Saturday || d == time.Sunday {
			w.day *= 0.7
		}
	}
}

// busy is how busy the hour is, 1 in the mean: the peak is at three in the afternoon.
func (w *world) busy() float64 {
	hours := w.now.Sub(w.now.Truncate(24 * time.Hour)).Hours()
	return w.day * (1 + w.season*math.Cos(2*math.Pi*(hours-15)/24))
}

// arrive draws the requests of a tick.
func (w *world) arrive() {
	mean := w.rate * float64(w.endpoints) * w.busy() * tick.Seconds()
	for range w.poisson(mean) {
		w.request(fmt.Sprintf("user-%d", w.user()), 1)
	}
	for _, f := range w.script {
		if f.active(w.now) && f.extra > 0 {
			for range w.poisson(mean * f.extra) {
				w.request(f.user, f.size)
			}
		}
	}
}

func (w *world) poisson(mean float64) int {
	if mean > 500 {
		return max(int(math.Round(mean+math.Sqrt(mean)*w.chance.NormFloat64())), 0)
	}
	n, p, limit := 0, w.chance.Float64(), math.Exp(-mean)
	for p > limit {
		p *= w.chance.Float64()
		n++
	}
	return n
}

func (w *world) user() int {
	x := w.chance.Float64() * w.users[len(w.users)-1]
	low, high := 0, len(w.users)-1
	for low < high {
		if middle := (low + high) / 2; w.users[middle] < x {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low
}

func (w *world) model() string {
	x := w.chance.Float64()
	for i, share := range modelShares {
		if x < share {
			return modelNames[i]
		}
		x -= share
	}
	return modelNames[0]
}

// amount draws the work of a request, in means, and what is predicted of it.
func (w *world) amount() (real, foretold float64) {
	switch w.work {
	case exponential:
		return w.chance.ExpFloat64() + 1e-3, 0
	case heavy:
		if w.chance.Float64() < 0.1 {
			return 7.364*w.chance.ExpFloat64() + 1e-3, 0
		}
		return 0.293*w.chance.ExpFloat64() + 1e-3, 0
	}
	foretold = math.Exp(0.8*w.chance.NormFloat64() - 0.32)
	return foretold * math.Exp(0.5*w.chance.NormFloat64()-0.125), foretold
}

// slots and capacity are declared of each endpoint: a unit of work takes two seconds.
const slots, capacity = 8, 4.0

// request makes one row, which comes when the request has ended.
func (w *world) request(user string, size float64) {
	s := w.servers[w.chance.IntN(len(w.servers))]
	real, foretold := w.amount()
	real, foretold = real*size, foretold*size
	r := usage.Row{
		At: w.now.Add(time.Duration(w.chance.Float64() * float64(tick))), Upstream: upstream, Endpoint: s.name, Model: w.model(),
		User: usage.UserID(user), Status: 200, Phase: "stream", Stream: true, Attempts: 1, Begun: true,
		Capacity: capacity, Slots: slots, Work: foretold,
	}
	// Engines are slower when they have more to do: all alike, as load is shared.
	factor := s.quirk * math.Exp(s.wander+w.common) * (1 + 0.15*(w.busy()-1))
	e := effects{factor: factor, failing: 0.0005, cut: 0.0001}
	for _, f := range w.script {
		if f.active(w.now) {
			f.apply(f, w.now, s.name, &r, &e)
		}
	}
	seconds := real*float64(slots)/capacity*e.factor + s.paused
	w.end(&r, seconds, &e)
}

// effects are what becomes of a request.
type effects struct {
	factor                       float64
	failing, cut, stall, refused float64 // chances
}

// end draws how a request ends, and puts its row where it ends.
func (w *world) end(r *usage.Row, seconds float64, e *effects) {
	switch x := w.chance.Float64(); {
	case x < e.refused:
		seconds, r.Status, r.Failure, r.Phase, r.Begun = 0.002, 502, "connect_failed", "connect", false
	case x < e.refused+e.failing:
		seconds, r.Status, r.Phase = 0.01+0.1*w.chance.Float64(), 500, "first_byte"
	case x < e.refused+e.failing+e.cut:
		seconds, r.Failure = seconds*w.chance.Float64()+0.01, "truncated_answer"
	case x < e.refused+e.failing+e.cut+e.stall:
		seconds += 40 + 40*w.chance.Float64()
		if w.chance.Float64() < 0.5 { // half of the clients do not wait
			r.Status, r.Failure, r.Phase = 499, "client_gone", "first_byte"
		}
	case x > 0.99: // some clients leave, and some ask for what there is not
		seconds *= w.chance.Float64()
		r.Status, r.Failure = 499, "client_gone"
	case x > 0.98:
		seconds, r.Status = 0.005, 404
	}
	r.Service = time.Duration(seconds * float64(time.Second))
	r.FirstByte = r.Service / 4
	r.Response = r.Service
	r.Overhead = time.Duration(80+20*w.chance.NormFloat64()) * time.Microsecond
	ticks := int(r.At.Add(r.Response).Sub(w.now) / tick)
	at := (w.at + min(ticks, pending-1)) % pending
	w.queue[at] = append(w.queue[at], *r)
}
