package predict

import (
	"context"
	"fmt"
	"math"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestCleaning(t *testing.T) {
	good := Row{Model: "m", Features: Features{PromptBytes: 10, MaxTokens: 10}, Work: 1, Class: "answered", Status: 200}
	for _, c := range []struct {
		change func(*Row)
		want   Reason
	}{
		{func(*Row) {}, Kept},
		{func(r *Row) { r.Status = 206 }, Kept},
		{func(r *Row) { r.PromptBytes, r.MaxTokens = 0, 0 }, Kept},
		{func(r *Row) { r.Class = "client_gone" }, Aborted},
		{func(r *Row) { r.Class = "truncated" }, Aborted},
		{func(r *Row) { r.Class = "timed_out" }, Aborted},
		{func(r *Row) { r.Class = "refused" }, Aborted},
		{func(r *Row) { r.Class = "failed" }, Errored},
		{func(r *Row) { r.Class = "connect_failed" }, Errored},
		{func(r *Row) { r.Class = "unknown" }, Errored},
		{func(r *Row) { r.Class = "" }, Errored},
		{func(r *Row) { r.Status = 500 }, Errored},
		{func(r *Row) { r.Status = 0 }, Errored},
		{func(r *Row) { r.Status = 304 }, Errored},
		{func(r *Row) { r.Work = 0 }, Impossible},
		{func(r *Row) { r.Work = -1 }, Impossible},
		{func(r *Row) { r.Work = math.NaN() }, Impossible},
		{func(r *Row) { r.Work = math.Inf(1) }, Impossible},
		{func(r *Row) { r.PromptBytes = -1 }, Impossible},
		{func(r *Row) { r.MaxTokens = -1 }, Impossible},
		{func(r *Row) { r.Service = -1 }, Impossible},
		{func(r *Row) { r.Service = 25 * time.Hour }, OutOfRange},
		{func(r *Row) { r.Work = 1e22 }, OutOfRange},
		{func(r *Row) { r.Work = 1e-22 }, OutOfRange},
	} {
		row := good
		c.change(&row)
		require.Equal(t, c.want, row.Clean(), "%+v", row)
	}
}

func TestDroppedRowsAreCountedByReason(t *testing.T) {
	p, now := New(Options{}), time.Now()
	for range admitRows - 1 {
		p.take(good("m", Features{}, 1), now)
	}
	for i, class := range []string{"answered", "client_gone", "failed", "answered", "answered"} {
		p.take(&Row{Model: "m", Work: float64(3 - i), Class: class, Status: 200}, now)
	}
	p.take(&Row{Model: "only errors", Class: "failed"}, now)
	p.publish()
	s := p.State()
	require.Len(t, s.Models, 2, "a row that is no good makes no model")
	require.Equal(t, Counts{Kept: admitRows, Aborted: 1, Errored: 2, Impossible: 2}, s.Models[0].Cleaned)
	require.Equal(t, Counts{Kept: 1, Aborted: 1, Errored: 1, Impossible: 2}, s.Models[1].Cleaned)
	require.EqualValues(t, admitRows, s.Models[1].Rows)
}

func TestRowsAreBounded(t *testing.T) {
	p := New(Options{MaxRows: 10})
	for range 1000 {
		p.take(good("m", Features{}, 1), time.Now())
	}
	require.EqualValues(t, 1000, p.overall.rows)
	for _, l := range []*learner{p.overall, p.models["m"]} {
		require.Equal(t, 10, len(l.train.samples)+len(l.tune.samples)+len(l.test.samples))
	}
}

func TestRunTakesLearnsAndEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(Options{})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- p.Run(ctx) }()
		random := newRandom(1)
		finish := func(n int) {
			for range n {
				f, work := linear(0.1)(random)
				p.Finished(Row{Model: "m", Features: f, Work: work, Class: "answered", Status: 200})
			}
		}
		finish(1000)
		time.Sleep(learnEvery - 1)
		synctest.Wait()
		require.False(t, p.stateOf("").Ready)
		time.Sleep(learnEvery/2 + 1) // the search rests in between
		synctest.Wait()
		require.True(t, p.stateOf("").Ready)
		require.EqualValues(t, 1000, p.stateOf("").Rows)

		finish(5000) // more than may wait
		time.Sleep(learnEvery)
		synctest.Wait()
		require.EqualValues(t, 5000-4096, p.State().Dropped)
		require.EqualValues(t, 1000+4096, p.stateOf("").Rows)
		require.False(t, p.stateOf("m").Ready)
		time.Sleep(searchGap)
		finish(10)
		time.Sleep(2 * learnEvery)
		synctest.Wait()
		require.True(t, p.stateOf("m").Ready, "some seconds later its search had its turn")

		finish(10)
		cancel()
		require.NoError(t, <-ended)
		for _, model := range []string{"", "m"} {
			require.EqualValues(t, 1000+4096+10+10, p.stateOf(model).Rows, "what waits at the end is not lost")
		}
	})
}

// Where one model has all the traffic the first search is for all together, whichever of
// the two happens to have more that is new.
func TestAllTogetherAreReadyFirst(t *testing.T) {
	for seed := range uint64(8) {
		synctest.Test(t, func(t *testing.T) {
			p := New(Options{Seed: seed})
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- p.Run(ctx) }()
			random := newRandom(seed)
			for range 1000 {
				f, work := linear(0.1)(random)
				p.Finished(*good("m", f, work))
			}
			time.Sleep(2 * learnEvery) // the search rests in between
			synctest.Wait()
			require.True(t, p.stateOf("").Ready, "seed %d", seed)
			require.False(t, p.stateOf("m").Ready, "seed %d", seed)
			cancel()
			require.NoError(t, <-ended)
		})
	}
}

// TestManyRowsAreThinned offers ten times what is learned from, and then few again.
func TestManyRowsAreThinned(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and in one goroutine")
	}
	synctest.Test(t, func(t *testing.T) {
		p := New(Options{MaxRate: 200})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- p.Run(ctx) }()
		random := newRandom(1)
		finish := func(seconds, rate int) uint64 {
			before := p.stateOf("").Rows
			for range seconds * 10 {
				for i := range rate / 10 {
					f, work := linear(0.1)(random)
					p.Finished(*good([]string{"a", "b"}[i%2], f, work))
				}
				time.Sleep(time.Second / 10)
			}
			time.Sleep(2 * learnEvery)
			synctest.Wait()
			return p.stateOf("").Rows - before
		}
		require.EqualValues(t, 100*100, finish(100, 100))
		require.Zero(t, p.State().Dropped)
		const risen = 2000 - 200 // more than MaxRate, in the second before the rise is known
		// Each is kept by chance, with 1/10: 20000 give or take 134. The bounds below are more than six times that far away.
		require.InEpsilon(t, 100*200+risen, finish(100, 2000), 0.04)
		require.InEpsilon(t, 100*1800, p.State().Dropped, 0.02)
		require.InEpsilon(t, p.stateOf("a").Rows, p.stateOf("b").Rows, 0.06, "clients that take turns are all heard")
		dropped := p.State().Dropped
		require.EqualValues(t, 100*100, finish(100, 100))
		require.Equal(t, dropped, p.State().Dropped)
		cancel()
		require.NoError(t, <-ended)
	})
}

func TestSearchesAreApart(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and in one goroutine")
	}
	p, random, now := New(Options{MinRows: 50}), newRandom(3), time.Now()
	var searches []time.Time
	for range 1000 {
		for range 200 {
			f, work := linear(0.1)(random)
			p.take(good("", f, work), now)
		}
		p.learn(now)
		if last := p.overall.searched; len(searches) == 0 || searches[len(searches)-1] != last {
			searches = append(searches, last)
		}
		now = now.Add(learnEvery)
	}
	require.Greater(t, len(searches), 5)
	require.Less(t, len(searches), 10, "by rows, once they are many")
	for i, at := range searches[1:] {
		require.GreaterOrEqual(t, at.Sub(searches[i]), searchEvery)
	}
	require.Greater(t, p.overall.score.Rules[Regression].R2, 0.9)
}

func TestEveryModelGetsItsSearch(t *testing.T) {
	p := New(Options{MaxRows: 500, MinRows: 50})
	random := newRandom(2)
	for range 30 {
		for m := range 20 {
			p.feed(fmt.Sprint("model ", m), linear(0.1), 20, random)
		}
	}
	for _, m := range p.State().Models {
		require.True(t, m.Ready, m.Model)
		require.Greater(t, m.Rate, 0.0, m.Model)
	}
}

func TestConcurrentUse(t *testing.T) {
	p := New(Options{MaxModels: 4, MinRows: 50, MaxRows: 200})
	ctx, cancel := context.WithCancel(t.Context())
	learning := make(chan error)
	go func() { learning <- p.Run(ctx) }()
	var callers sync.WaitGroup
	for caller := range 4 {
		callers.Go(func() {
			random := newRandom(uint64(caller))
			for i := range 20_000 {
				model := fmt.Sprint("model ", (caller+i)%6)
				f, work := linear(0.1)(random)
				p.Finished(Row{Model: model, Features: f, Work: work, Class: "answered", Status: 200})
				if got := p.Work([]byte(model), f); !(got > 0) || math.IsInf(got, 1) {
					t.Errorf("work of %+v is %v", f, got)
				}
				if i%1000 == 0 {
					p.State()
				}
			}
		})
	}
	callers.Wait()
	cancel()
	require.NoError(t, <-learning)
	s := p.State()
	require.EqualValues(t, 80_000, s.Models[0].Rows+s.Dropped)
}
