package backend

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/bench/alarm"
)

const ms = time.Millisecond

// bare is an engine whose time is the test's.
type bare struct {
	*engine
	t *testing.T
}

func newBare(t *testing.T, o Options) *bare {
	o = o.withDefaults()
	require.NoError(t, o.check())
	e := &engine{options: o, epoch: time.Now(), alarm: alarm.Plain(), speed: 1}
	t.Cleanup(e.alarm.Close)
	return &bare{engine: e, t: t}
}

// look is what a timer or anybody else makes the engine do.
func (m *bare) look(at time.Duration) { m.set(at, func() {}) }

func (m *bare) set(at time.Duration, to func()) { m.change(m.epoch.Add(at), to) }

// arrive lets a request of so many units in.
func (m *bare) arrive(at time.Duration, units float64, promptTokens int) *job {
	j := newWorkload(m.options).job(units, 0, promptTokens)
	m.enter(j, m.epoch.Add(at))
	return j
}

// requireDone holds a job to end at an instant, by looking a nanosecond before and then.
func (m *bare) requireDone(j *job, at time.Duration) {
	m.t.Helper()
	m.look(at - time.Nanosecond)
	require.False(m.t, j.done(), "done before %v", at)
	m.look(at)
	require.True(m.t, j.done(), "not done at %v", at)
}

// ends rehearses arrivals and returns each one's end.
func (m *bare) ends(arrivals []time.Duration, units []float64) []time.Duration {
	requests := make([]Asked, len(arrivals))
	for i, at := range arrivals {
		requests[i] = Asked{At: at, Units: units[i]}
	}
	ends, err := Rehearse(m.options, requests)
	require.NoError(m.t, err)
	return ends
}

// draw makes Poisson arrivals at a rate, of exponential work.
func draw(n int, rate float64) (arrivals []time.Duration, units []float64) {
	draws := rand.New(rand.NewPCG(1, 1))
	at := 0.0
	for range n {
		at += draws.ExpFloat64() / rate * 1e9
		arrivals = append(arrivals, time.Duration(at))
		units = append(units, draws.ExpFloat64())
	}
	return arrivals, units
}

// First come is the recursion of Kiefer and Wolfowitz: each request begins on
// the slot that is free first, and not before it came.
func TestFirstComeIsTheRecursion(t *testing.T) {
	for _, slots := range []int{1, 3} {
		m := newBare(t, Options{Capacity: 100, Slots: slots})
		arrivals, units := draw(2000, 90)
		free := make([]time.Duration, slots)
		for i, end := range m.ends(arrivals, units) {
			slices.Sort(free)
			free[0] = max(free[0], arrivals[i]) + time.Duration(units[i]*float64(m.options.unitService()))
			require.InDelta(t, free[0], end, float64(2*time.Microsecond), "request %d", i) // roundings to whole nanoseconds add up
		}
	}
}

// Nobody looks for a while: what was due happens when it was due, and a server
// that was idle stays idle.
func TestLateTimersNeitherLoseNorLendWork(t *testing.T) {
	m := newBare(t, Options{Capacity: 100, Slots: 1})
	first, second := m.arrive(0, 1, 0), m.arrive(2*ms, 1, 0)
	third := m.arrive(25*ms, 1, 0) // nobody has looked since, and the server has been idle for 5 ms
	require.True(t, first.done() && second.done())
	m.requireDone(third, 35*ms)

	early := m.arrive(30*ms, 1, 0) // stamped before the last look
	m.requireDone(early, 45*ms)
}

func TestSharingDividesTheServer(t *testing.T) {
	m := newBare(t, Options{Capacity: 10, Slots: 1, Discipline: Sharing})
	first, second := m.arrive(0, 1, 0), m.arrive(50*ms, 1, 0)
	m.requireDone(first, 150*ms)  // 50 ms alone, then half of it for 100 ms
	m.requireDone(second, 200*ms) // 50 ms done by then, then alone

	m = newBare(t, Options{Capacity: 20, Slots: 2, Discipline: Sharing})
	first, second = m.arrive(0, 1, 0), m.arrive(0, 1, 0)
	require.Zero(t, m.queued())
	m.requireDone(first, 100*ms) // a slot's part each, together as alone
	require.True(t, second.done())
	for range 4 {
		first = m.arrive(100*ms, 1, 0)
	}
	m.requireDone(first, 300*ms)
}

// In the mean, sharing is as good as first come for exponential work, though not
// request by request: both are 1/(C − T).
func TestSharingHasTheMeanOfTheoryAndKeepsNobodyWaiting(t *testing.T) {
	m := newBare(t, Options{Capacity: 100, Slots: 1, Discipline: Sharing})
	arrivals, units := draw(20_000, 67)
	sum := time.Duration(0)
	for i, end := range m.ends(arrivals, units) {
		sum += end - arrivals[i]
	}
	require.InEpsilon(t, 1/(100-67.0), sum.Seconds()/float64(len(arrivals)), 0.1)
}

func TestSpeedChangesAtOnce(t *testing.T) {
	m := newBare(t, Options{Capacity: 100, Slots: 1})
	j, next := m.arrive(0, 1, 0), m.arrive(0, 1, 0)
	m.set(5*ms, func() { m.speed = 0.5 })
	m.requireDone(j, 15*ms)
	m.set(20*ms, func() { m.hung = true })
	m.look(time.Hour)
	m.set(time.Hour, func() { m.hung = false; m.slow = true; m.speed = 1 })
	m.requireDone(next, time.Hour+7500*time.Microsecond) // slow is for what begins now
	m.requireDone(m.arrive(2*time.Hour, 1, 0), 2*time.Hour+100*ms)
}

func TestWhoLeavesMakesRoom(t *testing.T) {
	m := newBare(t, Options{Capacity: 1, Slots: 1})
	served, waiting, last := m.arrive(0, 1000, 0), m.arrive(0, 1000, 0), m.arrive(0, 1000, 0)
	require.Equal(t, 2, m.queued())
	m.leave(waiting)
	require.Equal(t, 1, m.queued())
	require.Equal(t, int64(waits), last.made.Load())
	m.leave(served)
	require.Zero(t, m.queued())
	require.Zero(t, last.made.Load())
	m.leave(last)
	require.Empty(t, m.serving)
}

// A batch of two decodes at 100/(1+0.25) = 80 tokens/s each, and prompts share
// 1000 tokens/s.
func TestTokenSpeeds(t *testing.T) {
	o := Options{Slots: 2, UnitTokens: 100, PrefillTokensPerSecond: 1000, DecodeTokensPerSecond: 100, DecodeSlowing: 0.25}
	m := newBare(t, o)
	first, second := m.arrive(0, 1, 100), m.arrive(0, 1, 200)
	third := m.arrive(0, 1, 0)
	first.stream = true
	m.look(200*ms - 1)
	require.Zero(t, first.made.Load())
	require.Positive(t, first.prompt)
	// 200 ms: the first is read (half the speed) and decodes alone while the second has 100 ms left to read.
	m.look(300 * ms)
	require.Equal(t, int64(10), first.made.Load())
	require.LessOrEqual(t, second.prompt, 0.0)
	// Together for 90 tokens at 80/s; then the third, without a prompt, joins the second's last ten.
	m.requireDone(first, 1425*ms)
	require.Zero(t, third.made.Load())
	m.requireDone(second, 1550*ms)
	m.requireDone(third, 1550*ms+900*ms)

	ends, err := Rehearse(o, []Asked{{Units: 1, PromptTokens: 100}, {Units: 1, PromptTokens: 200}, {Units: 1}})
	require.NoError(t, err)
	require.Equal(t, []time.Duration{1425 * ms, 1550 * ms, 2450 * ms}, ends)

	require.Equal(t, 1.6, o.withDefaults().Capacity) // two streams of 80/s, 100 tokens each
	require.Equal(t, 1.6, o.Sustains(0))
}

// What Sustains says is what the model does when it is never idle, however
// lengths are spread.
func TestSustainsIsTheThroughputOfABusyServer(t *testing.T) {
	o := Options{Slots: 8, UnitTokens: 200, PrefillTokensPerSecond: 8000, DecodeTokensPerSecond: 157, DecodeSlowing: 0.055}
	draws := rand.New(rand.NewPCG(1, 2))
	for name, length := range map[string]func() float64{
		"uniform":     func() float64 { return 2 * draws.Float64() },
		"exponential": draws.ExpFloat64,
	} {
		for _, prompt := range []float64{10, 1000} {
			m := newBare(t, o)
			const requests = 30_000
			for range requests {
				m.waiting = append(m.waiting, newWorkload(m.options).job(length(), 0, int(prompt*length())))
			}
			m.look(0)
			for m.queued() > 0 {
				m.look(m.next((*job).left))
			}
			require.InEpsilon(t, o.Sustains(prompt), requests/m.at.Seconds(), 0.03, "%s, prompts of %v tokens", name, prompt)
		}
	}
	require.Equal(t, 100.0, Options{}.Sustains(1000))
	o.Slots, o.PrefillTokensPerSecond = 4000, 1e9
	require.False(t, math.IsNaN(o.Sustains(1)))
	require.InEpsilon(t, o.withDefaults().Capacity, o.Sustains(1), 0.01)
}

func TestRehearseRefuses(t *testing.T) {
	for _, requests := range [][]Asked{
		{{At: -1, Units: 1}}, {{At: 2, Units: 1}, {At: 1, Units: 1}}, {{}}, {{Units: math.Inf(1)}}, {{Units: math.NaN()}}, {{Units: 1, PromptTokens: -1}},
	} {
		_, err := Rehearse(Options{}, requests)
		require.ErrorContains(t, err, "rehearse simulated server", "%v", requests)
	}
	_, err := Rehearse(Options{Slots: -1}, nil)
	require.ErrorContains(t, err, "must be at least 1")
}
