package usage

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// waits are requests of clients who leave after an exponential time with the mean patience, and are answered after one with the
// mean service, whichever comes first.
func waits(n int, patience, service float64) (u *Use, naive float64) {
	random := rand.New(rand.NewPCG(3, 5))
	u = newUse(true)
	left := 0
	for range n {
		leaves, answered := patience*random.ExpFloat64(), service*random.ExpFloat64()
		r := Row{Status: 200, Phase: "stream", Upstream: "chat"}
		if leaves < answered {
			r.Status, r.Phase, r.Response = statusGone, "first_byte", time.Duration(leaves*float64(time.Second))
			left++
		} else {
			r.FirstByte = time.Duration(answered * float64(time.Second))
			r.Response = r.FirstByte + time.Second
		}
		c, m := r.counts(), r.marks()
		u.add(&c, &m)
	}
	return u, float64(left) / float64(n)
}

// TestPatience is found where most are answered long before they would leave: the plain part of those who left says nothing of it.
func TestPatience(t *testing.T) {
	const patience = 12.0
	u, naive := waits(40_000, patience, 3)
	require.InDelta(t, 0.2, naive, 0.02)
	p := u.patience()
	require.NotNil(t, p.MedianSeconds)
	require.InEpsilon(t, patience*math.Ln2, *p.MedianSeconds, 0.1)
	require.EqualValues(t, 40_000, p.Waited)
	for _, l := range p.Leaving {
		if l.Waiting >= 1000 {
			require.InDelta(t, 1-math.Exp(-leavingWithin/patience), l.Ratio, 0.05, "after %g s", l.After)
		}
	}
	few, _ := waits(30, patience, 3)
	require.Nil(t, few.patience().MedianSeconds, "too few have left")

	var sending Use
	r := Row{Status: statusGone, Phase: "read", Response: time.Minute}
	c, m := r.counts(), r.marks()
	sending.add(&c, &m)
	require.Zero(t, sending.Left.N, "who leaves while it sends has not waited for us")
}

// TestStorms: 1.3 times as many requests as tries, of the last five minutes.
func TestStorms(t *testing.T) {
	b := Open(Options{})
	for i := range 100 {
		r := rowAt(noon.Add(time.Duration(i)*time.Second), "user:a")
		r.Upstream = "calm"
		put(b, r)
		r.Upstream = "storm"
		if i%2 == 0 {
			r.Retry = 1
		}
		put(b, r)
	}
	now := noon.Add(2 * time.Minute)
	storms := b.Storms(now)
	require.Len(t, storms, 1)
	require.Equal(t, Storm{Upstream: "storm", Since: noon.Add(-3 * time.Minute), Requests: 100, Tries: 50, Amplification: 2}, storms[0])
	require.Empty(t, b.Storms(now.Add(time.Hour)), "it is over")
	require.Len(t, b.Minutes("storm", noon.Add(-time.Minute), now), 2)
	require.Len(t, b.Hourly("storm", noon.Add(-time.Hour), now), 1)
	require.EqualValues(t, 50, b.Hourly("storm", noon.Add(-time.Hour), now)[0].Retries)
	require.Equal(t, []string{"calm", "storm"}, b.Upstreams())
}

// TestTrends: the exact chances of small samples, from the tables.
func TestTrends(t *testing.T) {
	require.InDelta(t, 2.0/120, trendChance([]float64{1, 2, 3, 4, 5}), 1e-9)
	require.InDelta(t, 2.0/120, trendChance([]float64{5, 4, 3, 2, 1}), 1e-9)
	require.InDelta(t, 2*5.0/120, trendChance([]float64{2, 1, 3, 4, 5}), 1e-9)
	require.InDelta(t, 2.0/720, trendChance([]float64{1, 2, 3, 4, 5, 6}), 1e-9)
	require.Equal(t, 1.0, trendChance([]float64{3, 3, 3, 3, 3}))
}

// TestGrowth is told where prompts grow from week to week, not where they only vary, and not for the week under way.
func TestGrowth(t *testing.T) {
	b := Open(Options{})
	now := noon
	for week := range 8 {
		for i := range 60 {
			r := rowAt(noon.AddDate(0, 0, 7*week).Add(time.Duration(i)*time.Second), "user:a")
			now = r.End()
			r.Model, r.PromptTokens = "grows", 500+100*week+i
			put(b, r)
			r.Model, r.PromptTokens = "varies", 500+300*(week%2)+i
			put(b, r)
			r.Model, r.PromptTokens = "unknown", 0
			put(b, r)
		}
	}
	report, err := b.Report(Question{By: ByModel, Now: now})
	require.NoError(t, err)
	require.Len(t, report.Growth, 1)
	g := report.Growth[0]
	require.Equal(t, "grows", g.Model)
	require.Equal(t, 7, g.Weeks)
	require.InEpsilon(t, 530, g.FirstMedian, 0.06)
	require.InEpsilon(t, 1130, g.LastMedian, 0.06)
	require.Less(t, g.Chance, 0.001)
}

// TestPeaks: the hours of the week in words, once a whole week was seen.
func TestPeaks(t *testing.T) {
	b := Open(Options{})
	monday := time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC)
	ask := func(hour, n int) {
		for range n {
			put(b, rowAt(monday.Add(time.Duration(hour)*time.Hour+time.Minute), "user:a"))
		}
	}
	for hour := range 7 * 24 {
		switch {
		case hour/24 < 5 && hour%24 >= 9 && hour%24 < 12:
			ask(hour, 30)
		case hour%24 >= 2 && hour%24 < 4:
			ask(hour, 1)
		default:
			ask(hour, 10)
		}
	}
	require.Empty(t, b.series.peaks(monday.AddDate(0, 0, 6)))
	var texts []string
	for _, p := range b.series.peaks(monday.AddDate(0, 0, 7).Add(time.Hour)) {
		texts = append(texts, p.Text)
	}
	require.Equal(t, []string{"weekdays 9:00 to 12:00 UTC, 3.0 times the median", "every day 2:00 to 4:00 UTC, 0.1 times the median"}, texts)
}

// TestMemoryIsBounded, whatever clients call themselves and their models.
func TestMemoryIsBounded(t *testing.T) {
	b := Open(Options{})
	for i := range 30_000 {
		r := rowAt(noon.Add(time.Duration(i)*time.Second), UserID(fmt.Sprintf("user:%d", i)))
		r.Upstream, r.Model = "chat", fmt.Sprintf("model %d", i)
		put(b, r)
	}
	require.LessOrEqual(t, len(b.panes), panesKept+1)
	for _, p := range b.panes {
		require.LessOrEqual(t, len(p.Users.List), mostUsers)
		require.LessOrEqual(t, len(p.Served), mostServed+1)
	}
	require.LessOrEqual(t, len(b.series.Prompts), mostServed)
}

// TestWhatIsAFailure, and what is the client's own doing.
func TestWhatIsAFailure(t *testing.T) {
	for _, c := range []struct {
		status  int
		failure string
		failed  bool
	}{
		{200, "", false}, {200, "truncated_answer", true}, {400, "", false}, {413, "body_too_large", false}, {404, "", false},
		{429, "queue_full", true}, {408, "body_silent", true}, {499, "client_gone", false}, {500, "", true}, {503, "no_endpoint", true}, {0, "", true}, {101, "", false},
	} {
		r := Row{Status: c.status, Failure: c.failure}
		require.Equal(t, c.failed, r.Failed(), "%+v", c)
		require.Equal(t, c.status == 499, r.Aborted())
	}
}
