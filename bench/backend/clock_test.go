package backend

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/bench/alarm"
	"github.com/steelyard-proxy/steelyard/bench/engine"
)

const ms = time.Millisecond

// bare is a clock whose time is the test's, of one slot in which a unit takes 10 ms.
type bare struct {
	*clock
	t *testing.T
}

func newBare(t *testing.T) *bare {
	c := newClock(engine.Options{Capacity: 100, Slots: 1}, alarm.Plain())
	t.Cleanup(c.alarm.Close)
	return &bare{clock: c, t: t}
}

// look is what a timer or anybody else makes the clock do.
func (b *bare) look(at time.Duration) { b.change(b.epoch.Add(at), func(float64) {}) }

// arrive lets a request of one unit in.
func (b *bare) arrive(at time.Duration) *job {
	j := newJob(engine.Job{Work: 1}, 8)
	b.enter(j, b.epoch.Add(at))
	return j
}

// requireDone holds a job to end at an instant, by looking a nanosecond before and then.
func (b *bare) requireDone(j *job, at time.Duration) {
	b.t.Helper()
	b.look(at - time.Nanosecond)
	require.False(b.t, j.done(), "done before %v", at)
	b.look(at)
	require.True(b.t, j.done(), "not done at %v", at)
}

// Nobody looks for a while: what was due happens when it was due, and a server
// that was idle stays idle.
func TestLateTimersNeitherLoseNorLendWork(t *testing.T) {
	b := newBare(t)
	first, second := b.arrive(0), b.arrive(2*ms)
	third := b.arrive(25 * ms) // nobody has looked since, and the server has been idle for 5 ms
	require.True(t, first.done() && second.done())
	b.requireDone(third, 35*ms)

	early := b.arrive(30 * ms) // stamped before the last look
	b.requireDone(early, 45*ms)

	// A month later a nanosecond is still one.
	b.requireDone(b.arrive(30*24*time.Hour), 30*24*time.Hour+10*ms)
}

func TestSpeedChangesAtOnce(t *testing.T) {
	b := newBare(t)
	set := func(at time.Duration, factor float64, hung bool) {
		b.change(b.epoch.Add(at), func(now float64) { b.setSpeed(now, factor, hung) })
	}
	j, next := b.arrive(0), b.arrive(0)
	set(5*ms, 0.5, false)
	b.requireDone(j, 15*ms)
	set(20*ms, 0.5, true)
	b.look(time.Hour)
	require.False(t, next.done())
	set(time.Hour, 1, false)
	b.requireDone(next, time.Hour+7500*time.Microsecond)
}

func TestStreamsHearOfEachToken(t *testing.T) {
	b := newBare(t)
	j := newJob(engine.Job{Work: 1}, 10)
	j.stream()
	b.enter(j, b.epoch)
	for made := range int64(10) {
		require.Equal(t, made, j.made.Load())
		b.look(time.Duration(made+1)*ms - 1)
		require.Equal(t, made, j.made.Load())
		b.look(time.Duration(made+1) * ms)
	}
	require.True(t, j.done())
}

func TestWhoLeavesMakesRoom(t *testing.T) {
	b := newBare(t)
	served, queued, last := b.arrive(0), b.arrive(0), b.arrive(0)
	require.Equal(t, 2, b.signals().Waiting)
	b.epoch = time.Now() // leave goes by the time of day
	b.leave(queued)
	require.Equal(t, 1, b.signals().Waiting)
	require.Equal(t, int64(waits), last.made.Load())
	b.leave(served)
	require.Zero(t, b.signals().Waiting)
	require.Zero(t, last.made.Load())
	b.leave(last)
	b.leave(last)
	require.Zero(t, b.engine.State().Load())
	require.Empty(t, b.jobs)
}
