package load

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func anything(int, *rand.Rand) Request { return Request{} }

// arrivalsOf is when a generator of this rate and seed means to send, from its start.
func arrivalsOf(rate float64, seed uint64, n int) []time.Duration {
	p := newPoisson(rate, seed)
	var at time.Duration
	var all []time.Duration
	for range n {
		at += p.next()
		all = append(all, at)
	}
	return all
}

func run(t *testing.T, o Options) Results {
	t.Helper()
	g, err := New(o)
	require.NoError(t, err)
	require.NoError(t, g.Run(t.Context()))
	require.Zero(t, g.inFlight.Load())
	return g.Results()
}

// meanMilliseconds of a histogram of microseconds.
func meanMilliseconds(h interface{ Mean() float64 }) float64 { return h.Mean() / 1000 }

func TestPoissonGaps(t *testing.T) {
	const rate, n = 250.0, 200_000
	p := newPoisson(rate, 3)
	var sum, squares float64
	for range n {
		gap := p.next().Seconds()
		sum += gap
		squares += gap * gap
	}
	mean := sum / n
	require.InDelta(t, 1/rate, mean, 0.01/rate)
	deviation := math.Sqrt(squares/n - mean*mean)
	require.InDelta(t, 1, deviation/mean, 0.01, "an exponential deviates by its mean")
}

func TestSeedFixesTheTrace(t *testing.T) {
	require.Equal(t, arrivalsOf(100, 1, 50), arrivalsOf(100, 1, 50))
	require.NotEqual(t, arrivalsOf(100, 1, 50), arrivalsOf(100, 2, 50))

	// What the requests draw does not move the arrivals, nor the other way round.
	offered := func(rate float64, draw bool) (sent []time.Duration, drawn []float64) {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			run(t, Options{Rate: rate, Requests: 50, Seed: 1,
				Next: func(_ int, draws *rand.Rand) Request {
					sent = append(sent, time.Since(start))
					if draw {
						drawn = append(drawn, draws.Float64())
					}
					return Request{}
				},
				Send: func(context.Context, Request) Answer { return Answer{} }})
		})
		return sent, drawn
	}
	silent, _ := offered(100, false)
	drawing, drawn := offered(100, true)
	_, faster := offered(200, true)
	require.Equal(t, silent, drawing)
	require.Equal(t, arrivalsOf(100, 1, 50), drawing)
	require.Equal(t, drawn, faster)
}

// A server that stands still for ten seconds: every arrival of that time waits
// for its end, and the arrivals do not wait for the server.
func TestResponseCountsFromTheIntendedStart(t *testing.T) {
	const rate, seed = 50.0, 9
	synctest.Test(t, func(t *testing.T) {
		thaw := time.Now().Add(10 * time.Second)
		got := run(t, Options{Rate: rate, Seed: seed, Duration: 20 * time.Second, Next: anything,
			Send: func(context.Context, Request) Answer {
				time.Sleep(time.Until(thaw))
				time.Sleep(5 * time.Millisecond)
				return Answer{First: time.Now()}
			}})

		var want float64
		offered := 0
		for _, at := range arrivalsOf(rate, seed, 2000) {
			if at > 20*time.Second {
				break
			}
			offered++
			want += max(10*time.Second-at, 0).Seconds()*1000 + 5
		}
		require.Equal(t, int64(offered), got.Offered)
		require.Equal(t, int64(offered), got.Answered)
		require.InEpsilon(t, want/float64(offered), meanMilliseconds(got.Response), 0.002)
		require.InEpsilon(t, want/float64(offered), meanMilliseconds(got.FirstByte), 0.002)
		require.Equal(t, int64(1), got.Lag.Max(), "nothing was sent late")
	})
}

// A generator that was itself held up sends late, and the requests pay for it
// in their response times: nothing is forgiven.
func TestLateSendingIsPartOfTheResponse(t *testing.T) {
	const rate, seed, held = 100.0, 4, 3 * time.Second
	synctest.Test(t, func(t *testing.T) {
		var wentOn time.Duration
		start := time.Now()
		got := run(t, Options{Rate: rate, Seed: seed, Requests: 1000,
			Next: func(n int, _ *rand.Rand) Request {
				if n == 100 {
					time.Sleep(held)
					wentOn = time.Since(start)
				}
				return Request{}
			},
			Send: func(context.Context, Request) Answer { return Answer{} }})
		var want float64
		for n, at := range arrivalsOf(rate, seed, 1000) {
			if n >= 100 {
				want += max(wentOn-at, 0).Seconds() * 1000
			}
		}
		require.InEpsilon(t, want/1000, meanMilliseconds(got.Response), 0.01)
		require.InDelta(t, held.Microseconds(), got.Lag.Max(), 3000)
		require.Equal(t, int64(1000), got.Answered)
	})
}

func TestTooManyInFlightOverflow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got := run(t, Options{Rate: 1000, Requests: 100, MaxInFlight: 3, Next: anything,
			Send: func(context.Context, Request) Answer {
				time.Sleep(time.Hour)
				return Answer{}
			}})
		require.Equal(t, int64(100), got.Offered)
		require.Equal(t, int64(97), got.Overflow)
		require.Equal(t, int64(3), got.Answered)
	})
}

func TestRunStopsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		g, err := New(Options{Rate: 10, Next: anything,
			Send: func(ctx context.Context, _ Request) Answer {
				<-ctx.Done()
				return Answer{Failure: Broken, Err: ctx.Err()}
			}})
		require.NoError(t, err)
		require.Zero(t, g.Results().Elapsed)
		began := time.Now()
		go func() {
			time.Sleep(5 * time.Second)
			if elapsed := g.Results().Elapsed; elapsed != 5*time.Second {
				t.Errorf("elapsed %v while running", elapsed)
			}
		}()
		require.NoError(t, g.Run(ctx))
		require.Equal(t, 10*time.Second, time.Since(began))
		got := g.Results()
		require.Equal(t, map[Failure]int64{Abandoned: got.Offered}, got.Failed)
		require.ErrorIs(t, got.LastError, context.DeadlineExceeded)
		require.Equal(t, 10*time.Second, got.Elapsed)
		require.Zero(t, got.Response.TotalCount(), "what was abandoned has no response time")
	})
}

func TestOptionsThatCannotWorkAreRefused(t *testing.T) {
	send := func(context.Context, Request) Answer { return Answer{} }
	for want, o := range map[string]Options{
		"rate 0: must be a positive number":          {Next: anything, Send: send},
		"rate NaN: must be a positive number":        {Rate: math.NaN(), Next: anything, Send: send},
		"requests -1: must not be negative":          {Rate: 1, Requests: -1, Next: anything, Send: send},
		"duration -1s: must not be negative":         {Rate: 1, Duration: -time.Second, Next: anything, Send: send},
		"max in flight -1: must not be negative":     {Rate: 1, MaxInFlight: -1, Next: anything, Send: send},
		"load: Next and Send: both must be given":    {Rate: 1, Next: anything},
		"load: rate 0: must be a positive number of": {},
	} {
		_, err := New(o)
		require.ErrorContains(t, err, want)
	}
}

func TestResultsAreACopy(t *testing.T) {
	r := newRecorder()
	before := r.results()
	r.settle(Answer{ServedBy: "small"}, time.Now(), time.Now().Add(24*time.Hour))
	r.settle(Answer{Failure: BadStatus, Err: errors.New("x")}, time.Now(), time.Now())
	require.Zero(t, before.Answered)
	require.Empty(t, before.Failed)
	require.Empty(t, before.ServedBy)
	require.Zero(t, before.Response.TotalCount())
	after := r.results()
	require.Equal(t, map[string]int64{"small": 1}, after.ServedBy)
	require.InEpsilon(t, longest, after.Response.Max(), 0.001, "beyond the range counts as its end")
}
