package chaos

import (
	"math"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/bench/backend"
	"github.com/steelyard-proxy/steelyard/bench/load"
	"github.com/steelyard-proxy/steelyard/bench/peers"
	"github.com/steelyard-proxy/steelyard/bench/trace"
)

// drawn is a trial of three seconds, one of them the fault's, with a request each 10 ms that goes to each server in turn. bend
// changes what became of one.
func drawn(f fault, bend func(at time.Duration, server int, r *trace.Request, s *load.Sample, v *visit)) *evidence {
	s := &stand{fault: &f, contender: Contender{Name: "steelyard", Program: peers.Program{Name: peers.Steelyard}}, start: time.Now(),
		times: Times{time.Second, time.Second, time.Second}}
	for i := range count {
		s.servers = append(s.servers, &server{name: "server-" + strconv.Itoa(i)})
	}
	e := &evidence{stand: s, settled: true}
	for n := range 300 {
		at, server := time.Duration(n)*10*time.Millisecond, n%count
		r := trace.Request{At: at}
		sample := load.Sample{Status: 200, Response: 20 * time.Millisecond, ServedBy: s.servers[server].name}
		v := visit{server: server, id: strconv.Itoa(n), came: s.start.Add(at), ended: s.start.Add(at + 20*time.Millisecond), how: backend.Completed}
		if bend != nil {
			bend(at, server, &r, &sample, &v)
		}
		e.requests, e.samples, e.visits = append(e.requests, r), append(e.samples, sample), append(e.visits, v)
	}
	return e
}

func TestShareIsOfTheAttempts(t *testing.T) {
	e := drawn(failsFast, func(at time.Duration, server int, _ *trace.Request, _ *load.Sample, v *visit) {
		if server == victim && at > 1200*time.Millisecond && at < 2*time.Second {
			v.server = 1 // it is out
		}
	})
	require.InDelta(t, 1.0/count, e.share(0, time.Second), 0.01)
	require.Zero(t, e.share(1300*time.Millisecond, 1900*time.Millisecond))
	require.True(t, math.IsNaN(e.share(time.Hour, 2*time.Hour)))
	require.True(t, math.IsNaN(e.outAfter()), "never for a whole second")
	e.times.During = 1500 * time.Millisecond
	row := e.row()
	require.EqualValues(t, 300, row.Attempts)
	require.Empty(t, row.Failures)
}

func TestFastFailuresAreJudged(t *testing.T) {
	e := drawn(failsFast, func(at time.Duration, server int, _ *trace.Request, s *load.Sample, v *visit) {
		if server == victim && at >= time.Second && at < 2*time.Second {
			s.Status, s.Failure, v.how = 500, load.BadStatus, backend.Failed
		}
	})
	row := e.row()
	require.False(t, row.Met())
	require.Equal(t, map[string]int64{"500": 17}, row.Failures)
	require.Equal(t, 17, row.During.Failed)
	require.Zero(t, row.Before.Failed+row.After.Failed)
	require.Contains(t, row.Remarks(), "failed requests 17, ≤ 5: missed by 12")
}

// TestCutsAreToldApart: with an error event and broken, without one, with a clean end, and one that looked whole.
func TestCutsAreToldApart(t *testing.T) {
	kind := 0
	e := drawn(resetMidStream, func(_ time.Duration, server int, r *trace.Request, s *load.Sample, v *visit) {
		if server != victim || kind == 4 {
			return
		}
		r.Stream, v.how, s.Failure = true, backend.Failed, load.Truncated
		switch kind {
		case 0:
			s.Told = true
		case 2:
			s.Told, s.Failure = true, load.ErrorEvent
		case 3:
			s.Failure = ""
		}
		kind++
	})
	whole, untold, clean, cut := e.cuts()
	require.Equal(t, []int{1, 1, 1, 3}, []int{whole, untold, clean, cut})
}

func TestKilledForgivesStreamsThatHadBegun(t *testing.T) {
	lost := 0
	e := drawn(killed, func(at time.Duration, server int, r *trace.Request, s *load.Sample, _ *visit) {
		if server == victim && at >= 900*time.Millisecond && lost < 3 {
			r.Stream, s.Failure = lost < 2, load.Truncated // the third is none
			lost++
		}
	})
	checks := killed.judge(e)
	require.Equal(t, "failed requests, without 2 streams already begun there 1, ≤ 0: missed by 1", checks[0].String())
}

func TestLeaversAreFollowedToTheirEnd(t *testing.T) {
	e := drawn(leaving, nil)
	e.leavers.left = map[string]time.Time{"aside-1": e.start, "aside-2": e.start, "aside-3": e.start}
	e.visits = append(e.visits,
		visit{id: "aside-1", came: e.start, ended: e.start.Add(30 * time.Millisecond), how: backend.Aborted},
		visit{id: "aside-2", came: e.start, ended: e.start.Add(150 * time.Millisecond), how: backend.Aborted},
		visit{id: "aside-3", came: e.start})
	checks := judgeLeaving(e)
	require.InDelta(t, 0.15, float64(checks[0].Got), 1e-9)
	require.Equal(t, 1.0, float64(checks[1].Got), "one still runs")
	_, all := e.attempts(0, time.Hour)
	require.Equal(t, 300, all, "they are no part of the load")
}

func TestGoodputIsOfWholeAnswersInTime(t *testing.T) {
	e := drawn(overload, func(at time.Duration, _ int, _ *trace.Request, s *load.Sample, _ *visit) {
		switch {
		case at >= time.Second && at < 1500*time.Millisecond:
			s.Failure = load.BadStatus
		case at >= 1500*time.Millisecond && at < 2*time.Second:
			s.Response = goodWithin + time.Millisecond
		}
	})
	require.InDelta(t, 98, e.goodput(0, time.Second), 0.1, "two are still on their way")
	require.InDelta(t, 2, e.goodput(time.Second, 2*time.Second), 0.1, "they came in")
}

func TestSameSeedSameLoad(t *testing.T) {
	make := func(seed uint64) []trace.Request {
		f := usualFault()
		s := &stand{fault: &f, times: Times{time.Second, time.Second, time.Second}, options: Options{Seed: seed, Rate: 300}}
		list, err := s.requests()
		require.NoError(t, err)
		return list
	}
	one := make(1)
	require.Equal(t, one, make(1))
	require.NotEqual(t, one, make(2))
	require.InDelta(t, 900, len(one), 120)
	for i := range one[1:] {
		require.LessOrEqual(t, one[i].At, one[i+1].At)
	}
}

func usualFault() fault { return fault{servers: usual} }

func TestMetricsAreSummedByLabel(t *testing.T) {
	m := metrics{`a_total{endpoint="x",reason="connect"}`: 2, `a_total{endpoint="x",reason="stale"}`: 3, `a_total{endpoint="y"}`: 5, `a_total_more{endpoint="x"}`: 7, `b`: 1}
	require.Equal(t, 5.0, m.sum("a_total", `endpoint="x"`))
	require.Equal(t, 10.0, m.sum("a_total"))
	require.Equal(t, 1.0, m.sum("b"))
	require.Equal(t, 3.0, gauges(metrics{`steelyard_requests_in_flight{endpoint="x"}`: 2, `steelyard_queue_requests{upstream="u"}`: 1, "other": 9}))
}
