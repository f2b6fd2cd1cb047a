package advice

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/metrics/usage"
)

var monday = time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)

// row is an answered request that came then.
func row(at time.Time) usage.Row {
	return usage.Row{At: at, Upstream: "chat", Endpoint: "a", Class: "answered", Status: 200, Begun: true,
		Service: time.Second, FirstByte: 500 * time.Millisecond, Response: time.Second, Capacity: 1, Slots: 4, PromptBytes: 1000}
}

func chat(slots int, capacities ...float64) []Upstream {
	u := Upstream{Name: "chat", Policy: "least_load", Queue: Queue{Order: "fifo", MaxRequests: 100, MaxWait: time.Minute}}
	for i, c := range capacities {
		u.Endpoints = append(u.Endpoints, Endpoint{Name: string(rune('a' + i)), Capacity: c, Slots: slots})
	}
	return []Upstream{u}
}

// of are the pieces of advice of a kind.
func of(a *Advisor, k Kind) (list []Advice) {
	for _, one := range a.Advice() {
		if one.Kind == k {
			list = append(list, one)
		}
	}
	return list
}

func TestEveryKindHasAnAnswerBeforeAnythingCame(t *testing.T) {
	a := New(Options{})
	a.Configure(chat(4, 1, 2))
	a.Step(monday)
	for _, k := range Kinds {
		list := of(a, k)
		require.Len(t, list, 1, k)
		assert.NotEqual(t, Advised, list[0].Status, k)
		assert.Equal(t, "chat", list[0].Upstream)
		assert.Len(t, list[0].ID, 8)
		assert.True(t, list[0].Expires.After(monday))
		assert.NotNil(t, list[0].Evidence)
	}
	a.Configure(nil)
	assert.Empty(t, a.Advice(), "upstreams that are gone are advised no more")
	r := row(monday)
	a.Add(&r) // of an upstream that is not there
}

// TestInFlightIsThatOfTheBeginning holds the flight to a count by hand, over a random mix of requests in the order of their ends.
func TestInFlightIsThatOfTheBeginning(t *testing.T) {
	draws := rand.New(rand.NewPCG(3, 0))
	var spans []span
	for i := range 1500 {
		begun := monday.Add(time.Duration(i) * time.Second).UnixNano()
		spans = append(spans, span{begun, begun + 1 + int64(draws.ExpFloat64()*20e9), 1})
	}
	want, busyWant := map[int64]int{}, time.Duration(0)
	for _, s := range spans {
		for _, o := range spans {
			if o.begun <= s.begun && o.ended > s.begun {
				want[s.begun]++
			}
		}
	}
	slices.SortFunc(spans, func(a, b span) int { return cmp.Compare(a.ended, b.ended) })
	var f flight
	told, busy := 0, time.Duration(0)
	off := 0 // by those that took longer than all before them, and were heard of too late
	see := func(s seen) {
		told++
		if want[s.begun] != s.inFlight {
			off++
		}
	}
	for i, s := range spans {
		f.add(s)
		if i%100 == 0 {
			f.settle(s.ended, 15, see, func(d time.Duration) { busy += d })
		}
	}
	f.longest = 0 // there are no more
	f.settle(monday.Add(time.Hour*2).UnixNano(), 15, see, func(d time.Duration) { busy += d })
	assert.InEpsilon(t, len(spans), told, 0.01)
	assert.Less(t, off, told/20)
	for at := monday; at.Before(monday.Add(time.Hour * 2)); at = at.Add(time.Second) {
		n := 0
		for _, s := range spans {
			if s.begun <= at.UnixNano() && s.ended > at.UnixNano() {
				n++
			}
		}
		if n >= 15 {
			busyWant += time.Second
		}
	}
	assert.InEpsilon(t, busyWant.Seconds(), busy.Seconds(), 0.1)
	assert.Empty(t, f.active)
}

func TestAFlightIsBounded(t *testing.T) {
	p := &place{told: Endpoint{Slots: 4}}
	for i := range 3 * mostSpans { // all at once, and none may have ended
		begun := monday.UnixNano() + int64(i)
		p.add(span{begun, begun + int64(time.Hour), 1})
		require.LessOrEqual(t, len(p.flight.waiting), mostSpans)
	}
}

func TestLevels(t *testing.T) {
	for i := range levelCount {
		assert.Equal(t, i, levelOf(slotsOf(i)))
		if i > 0 {
			assert.Equal(t, i-1, levelOf(slotsOf(i)-1))
		}
	}
}

func TestARetryStorm(t *testing.T) {
	for name, c := range map[string]struct {
		retries, requests int
		status            Status
	}{
		"none":    {0, 1000, NoChange},
		"some":    {200, 1000, NoChange},
		"a storm": {400, 1000, Advised},
		"few":     {90, 150, NotEnoughData},
	} {
		t.Run(name, func(t *testing.T) {
			a := New(Options{})
			a.Configure(chat(4, 1, 2))
			for i := range c.requests {
				r := row(monday.Add(time.Duration(i) * 500 * time.Millisecond))
				if i < c.retries {
					r.Retry, r.RetrySaid, r.Status = 1, true, 503
				}
				a.Add(&r)
			}
			now := monday.Add(12 * time.Minute)
			a.Step(now)
			one := of(a, RetryStorm)[0]
			assert.Equal(t, c.status, one.Status, one.Text)
			if c.status == Advised {
				ratio := float64(c.requests) / float64(c.requests-c.retries)
				assert.InDelta(t, ratio, one.Evidence["amplification"], 1e-9)
				assert.True(t, one.Interval[0] < ratio && ratio < one.Interval[1])
			}
			a.Step(now.Add(time.Hour))
			assert.Equal(t, NotEnoughData, of(a, RetryStorm)[0].Status, "an hour later it is over")
		})
	}
}

// TestPatience: users leave after 10 s in the median. The naive part of those who left among all tells nothing of that.
func TestPatience(t *testing.T) {
	for name, c := range map[string]struct {
		answers float64 // seconds, in the mean
		status  Status
	}{"answers that come in time": {1.5, NoChange}, "answers that come late": {12, Advised}} {
		t.Run(name, func(t *testing.T) {
			a, draws := New(Options{}), rand.New(rand.NewPCG(4, 0))
			a.Configure(chat(4, 1, 2))
			for i := range 20_000 {
				r := row(monday.Add(time.Duration(i) * time.Second))
				answer := c.answers * draws.ExpFloat64()
				patience := 10 / math.Ln2 * draws.ExpFloat64() // median 10
				if patience < answer {
					r.Status, r.Begun, r.Class = 499, false, "client_gone"
					r.FirstByte, r.Response = 0, time.Duration(patience*1e9)
				} else {
					r.FirstByte = time.Duration(answer * 1e9)
					r.Response = r.FirstByte
				}
				a.Add(&r)
			}
			a.Step(monday.Add(6 * time.Hour))
			one := of(a, Patience)[0]
			assert.Equal(t, c.status, one.Status, one.Text)
			if c.status == Advised {
				assert.InEpsilon(t, 10, one.Evidence["patience_s"], 0.1, one.Text)
				assert.InEpsilon(t, 12*math.Log(10), one.Evidence["first_byte_p90_s"], 0.15)
			}
		})
	}
}

func TestClientsThatSayHowLongTheyWait(t *testing.T) {
	a := New(Options{})
	a.Configure(chat(4, 1, 2))
	for i := range 2000 {
		r := row(monday.Add(time.Duration(i) * time.Second))
		r.Response, r.ClientTimeout = time.Duration(i%100)*time.Second, 60*time.Second
		a.Add(&r)
	}
	a.Step(monday.Add(time.Hour))
	one := of(a, Patience)[0]
	assert.Equal(t, Advised, one.Status)
	assert.InEpsilon(t, 60, one.Evidence["client_timeout_s"], 0.05)
	assert.InEpsilon(t, 90, one.Evidence["response_p90_s"], 0.05)
}

func TestPromptGrowth(t *testing.T) {
	for name, c := range map[string]struct {
		weeks  int
		growth float64
		status Status
	}{
		"grows":     {6, 1.15, Advised},
		"stays":     {6, 1, NoChange},
		"shrinks":   {6, 0.9, NoChange},
		"too young": {3, 1.5, NotEnoughData},
	} {
		t.Run(name, func(t *testing.T) {
			a, draws := New(Options{}), rand.New(rand.NewPCG(5, 0))
			a.Configure(chat(4, 1, 2))
			for week := range c.weeks {
				for i := range 500 {
					r := row(monday.Add(time.Duration(week)*7*24*time.Hour + time.Duration(i)*20*time.Minute))
					r.PromptTokens = int(1000 * math.Pow(c.growth, float64(week)) * math.Exp(0.5*draws.NormFloat64()))
					a.Add(&r)
				}
			}
			a.Step(monday.Add(time.Duration(c.weeks) * 7 * 24 * time.Hour))
			one := of(a, PromptGrowth)[0]
			assert.Equal(t, c.status, one.Status, one.Text)
			if c.status == Advised {
				assert.InDelta(t, c.growth-1, one.Evidence["growth_per_week"], 0.04)
				assert.Equal(t, "tokens", one.Evidence["unit"])
			}
		})
	}
}

// steady replays everything to the same R, but for what ratio says of the changed one.
func steady(r time.Duration, ratio float64) Replay {
	return func(log []Request, present Upstream) (Serve, error) {
		return func(u Upstream, speed float64) ([]time.Duration, error) {
			out := make([]time.Duration, len(log))
			for i := range out {
				out[i] = r
				if u.differs(&present) {
					out[i] = time.Duration(float64(r) * ratio)
				}
			}
			return out, nil
		}, nil
	}
}

// busy makes a log in which b is half as fast as it is said to be, and both are always busy.
func busy(a *Advisor) time.Time {
	now := monday
	for i := range 20_000 {
		for _, e := range []struct {
			name    string
			service time.Duration
		}{{"a", time.Second}, {"b", 2 * time.Second}} {
			r := row(monday.Add(time.Duration(i) * e.service / 4))
			r.Endpoint, r.Service = e.name, e.service+time.Duration(i%7)*time.Millisecond
			r.Response = r.Service
			if r.At.Before(monday.Add(80 * time.Minute)) {
				a.Add(&r)
				now = r.End()
			}
		}
	}
	return now
}

func TestAGainOfTheReplayIsTold(t *testing.T) {
	for name, c := range map[string]struct {
		replay Replay
		status Status
		says   string
	}{
		"a gain":         {steady(1500*time.Millisecond, 0.8), Advised, "does the work of 0.5"},
		"no gain":        {steady(1500*time.Millisecond, 1), NoChange, "gains nothing"},
		"does not fit":   {steady(3*time.Second, 0.8), NotEnoughData, "the simulation does not fit"},
		"nobody replays": {nil, NotEnoughData, "nothing is replayed"},
		"an error": {func([]Request, Upstream) (Serve, error) { return nil, fmt.Errorf("it is too warm") },
			NotEnoughData, "it is too warm"},
	} {
		t.Run(name, func(t *testing.T) {
			var told []Advice
			a := New(Options{Replay: c.replay, Told: func(one Advice) { told = append(told, one) }})
			a.Configure(chat(4, 1, 1))
			now := busy(a)
			a.Step(now)
			one := of(a, Capacity)[0]
			assert.Equal(t, c.status, one.Status, one.Text)
			assert.Contains(t, one.Text, c.says)
			if c.status != Advised {
				assert.Nil(t, one.Effect)
				assert.Nil(t, one.Changes)
				assert.Empty(t, told)
				return
			}
			assert.InDelta(t, 0.8, one.Effect.Ratio, 1e-6)
			assert.Equal(t, ByReplay, one.Effect.By)
			assert.Equal(t, []Change{{"chat", "b", "capacity", "0.5"}}, one.Changes)
			require.Len(t, told, 1)
			a.Step(now.Add(time.Minute))
			assert.Len(t, told, 1, "it is told once")
			assert.Equal(t, now, of(a, Capacity)[0].Since)
		})
	}
}

// TestReplicas: work is foreseen at noon that two endpoints of 1 cannot do at 0.7 of what they can, and in the other case one could.
func TestReplicas(t *testing.T) {
	ahead := func(most float64) (f Forecast) {
		f.Enough = true
		for i := range 24 {
			at := monday.Add(time.Duration(i+2) * time.Hour)
			work := 0.5
			if at.Hour() == 12 {
				work = most
			}
			f.Points = append(f.Points, Point{at, work * 3, work * 1.1 * 3}) // a usual request is a third, by its log
		}
		return f
	}
	a := New(Options{Replay: steady(1500*time.Millisecond, 0.5)})
	a.Configure(chat(4, 1, 1))
	now := busy(a)
	a.Foresee("chat", ahead(2.5))
	a.Step(now)
	require.Equal(t, NoChange, of(a, Replicas)[0].Status, "it must last")
	a.Step(now.Add(lasting))
	one := of(a, Replicas)[0]
	require.Equal(t, Advised, one.Status, one.Text)
	assert.Equal(t, 2, one.Evidence["add"]) // 2.75 / 0.7 is 3.9
	assert.Contains(t, one.Text, "Monday 12:00")
	assert.Nil(t, one.Changes, "where machines come from is no matter of the file")
	a.Foresee("chat", ahead(1))
	a.Step(now)
	assert.Equal(t, NoChange, of(a, Replicas)[0].Status)

	a = New(Options{Replay: steady(1500*time.Millisecond, 1.1)})
	a.Configure(chat(4, 1, 1, 1, 1))
	now = busy(a)
	a.Foresee("chat", ahead(1))
	a.Step(now)
	a.Step(now.Add(lasting))
	one = of(a, Replicas)[0]
	require.Equal(t, Advised, one.Status, one.Text)
	assert.Equal(t, 2, one.Evidence["remove"], "two are always left")
	a.Foresee("chat", Forecast{})
	a.Step(now)
	assert.Equal(t, NotEnoughData, of(a, Replicas)[0].Status)
}

func TestNumber(t *testing.T) {
	for x, want := range map[float64]string{0.5123: "0.51", 52.6: "53", 1234: "1200", 0.000123: "0.00012", 0: "0", 99.9: "100"} {
		assert.Equal(t, want, number(x))
	}
}
