package advice

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// second adds so many requests that end in one second, of which every 500th's client leaves.
func (s *stream) second(at time.Time, count int) {
	for i := range count {
		r := row(at.Add(time.Duration(i) * time.Microsecond))
		r.FirstByte, r.Response = time.Second, time.Second
		if i%500 == 499 {
			r.FirstByte, r.Status, r.Begun = 0, 499, false
		}
		s.add(&r)
	}
}

// TestBusySecondsAreThinned: what is counted comes to as much as came; work and those who left are all there.
func TestBusySecondsAreThinned(t *testing.T) {
	s := newStream(false)
	s.log.resize(Recorded)
	const perSecond, seconds = 5000, 20
	for i := range seconds {
		s.second(monday.Add(time.Duration(i)*time.Second), perSecond)
	}
	w := s.waits.view(monday.Add(seconds * time.Second))
	answered := seconds * (perSecond - perSecond/500)
	require.Equal(t, seconds*perSecond/500, w.left.n)
	require.Equal(t, w.left.n, w.left.worth())
	require.InEpsilon(t, answered, w.answered.n, 0.01)
	require.Equal(t, 9, s.thin.thinning.Every())
	require.InEpsilon(t, answered/9, w.answered.worth(), 0.15, "the first second was taken whole")
	require.Equal(t, float64(seconds*perSecond), w.work)
	require.Equal(t, float64(w.left.n), w.lost)
	require.Equal(t, seconds*perSecond, s.tries.view(monday.Add(seconds*time.Second)).requests)
	week := s.prompts.weeks[weekOf(monday)]
	require.InEpsilon(t, seconds*perSecond, week.bytes.n, 0.01)
	require.InEpsilon(t, 1000, week.bytes.quantile(0.5), 0.03)
}

// TestFewAreAllTaken: below the threshold, from a log, and after a pause.
func TestFewAreAllTaken(t *testing.T) {
	for name, c := range map[string]struct {
		log       bool
		perSecond int
		apart     time.Duration
	}{"few": {false, 2*plenty - 1, time.Second}, "a log": {true, 10 * plenty, time.Second}, "bursts": {false, 10 * plenty, 2 * time.Second}} {
		t.Run(name, func(t *testing.T) {
			s := newStream(c.log)
			s.log.resize(Recorded)
			const seconds = 5
			for i := range seconds {
				s.second(monday.Add(time.Duration(i)*c.apart), c.perSecond)
			}
			w := s.waits.view(monday.Add(time.Minute))
			require.Equal(t, seconds*c.perSecond, w.answered.n+w.left.n)
			require.Equal(t, w.answered.n, w.answered.worth())
			require.Equal(t, 1.0, w.answered.each())
		})
	}
}

// TestThinningAndClocks: requests end out of order by a little, and where the clock goes back it is begun anew.
func TestThinningAndClocks(t *testing.T) {
	var s thin
	many := func(second int64, n int) (sum int) {
		for range n {
			sum += s.weight(second)
		}
		return sum
	}
	many(100, 10*plenty)
	assert.InDelta(t, 5000, many(101, 5000), 10)
	assert.Equal(t, 10, s.thinning.Every())
	assert.InDelta(t, 10, many(99, 10), 10, "late ones count for as many")
	assert.Equal(t, 10, s.thinning.Every())
	assert.Equal(t, 10, many(50, 10), "the clock went back")
	assert.Equal(t, int64(50), s.second)
}

func TestWorthOfDrawnValues(t *testing.T) {
	var drawn, all histogram
	require.Zero(t, drawn.worth())
	for range 10 {
		drawn.add(1, 20)
		all.add(2, 1)
	}
	require.Equal(t, 200, drawn.n)
	require.Equal(t, 10, drawn.worth())
	require.Equal(t, 20.0, drawn.each())
	both := drawn.join(&all)
	require.Equal(t, 210, both.n)
	require.Equal(t, 210*210/(10*20*20+10), both.worth())
}

// TestFewDrawnClientsSayLittle: a kind of client that is rare among busy requests is not held for many.
func TestFewDrawnClientsSayLittle(t *testing.T) {
	s := newStream(false)
	for range 2000 {
		r := row(monday)
		s.waits.add(&r, 20)
	}
	for range saidLeast - 1 {
		r := row(monday)
		r.ClientTimeout = time.Millisecond
		s.waits.add(&r, 20)
	}
	v := view{now: monday, waits: s.waits.view(monday)}
	require.NotContains(t, patience(&v)[0].Evidence, "clients_that_say")
	r := row(monday)
	r.ClientTimeout = time.Millisecond
	s.waits.add(&r, 20)
	v.waits = s.waits.view(monday)
	require.Equal(t, saidLeast, patience(&v)[0].Evidence["clients_that_say"])
}
