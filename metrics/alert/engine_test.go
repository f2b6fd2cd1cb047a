package alert

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/metrics"
)

// gauges is a registry that says what it is told: values by series, written name{label=value,…}.
type gauges map[string]float64

func (g gauges) Gather(names map[string]bool) (samples []metrics.Sample) {
	for series, value := range g {
		s := sampleOf(series, value)
		if names[s.Name] {
			samples = append(samples, s)
		}
	}
	return samples
}

func sampleOf(series string, value float64) metrics.Sample {
	name, rest, _ := strings.Cut(series, "{")
	s := metrics.Sample{Name: name, Value: value}
	if strings.HasSuffix(name, "_total") {
		s.Kind = metrics.Counter
	}
	for pair := range strings.SplitSeq(strings.TrimSuffix(rest, "}"), ",") {
		if label, v, found := strings.Cut(pair, "="); found {
			s.Labels, s.Values = append(s.Labels, label), append(s.Values, v)
		}
	}
	return s
}

// bench is an engine in virtual time.
type bench struct {
	*Engine
	t        *testing.T
	now      time.Time
	series   gauges
	subjects []Subject
	told     []string
}

var epoch = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

func newBench(t *testing.T, store *Store, rules ...Rule) *bench {
	b := &bench{t: t, now: epoch, series: gauges{}, subjects: []Subject{{Upstream: "chat", Endpoint: "a"}, {Upstream: "chat", Endpoint: "b"}}}
	b.start(store, rules...)
	return b
}

func (b *bench) start(store *Store, rules ...Rule) {
	b.Engine = New(Options{Registry: b, Subjects: func() []Subject { return b.subjects }, Store: store, Now: func() time.Time { return b.now }})
	b.Configure(Plan{Rules: rules})
	b.OnChange = func(a Alert) {
		line := a.State.String() + " " + a.Name
		if a.Endpoint != "" {
			line += " " + a.Endpoint
		}
		if a.Reason != "" {
			line += " (" + a.Reason + ")"
		}
		if a.Flapping {
			line += " flaps"
		}
		b.told = append(b.told, line)
	}
}

func (b *bench) Gather(names map[string]bool) []metrics.Sample { return b.series.Gather(names) }

// run steps every ten seconds for d.
func (b *bench) run(d time.Duration) {
	for end := b.now.Add(d); b.now.Before(end); {
		b.now = b.now.Add(10 * time.Second)
		b.Step(b.now)
	}
}

// said is what was told since the last call.
func (b *bench) said() string {
	s := strings.Join(b.told, ", ")
	b.told = nil
	return s
}

// state is that of the rule of that name.
func (b *bench) state(name string) string {
	for _, i := range b.instances {
		if i.name == name {
			return i.state.String()
		}
	}
	return "none"
}

const queue = "steelyard_queue_requests{upstream=chat}"

func queueLong() Rule {
	return Rule{Name: "queue-long", Severity: Ticket, On: OnUpstream, Metric: "steelyard_queue_requests", Limit: 50, Clear: 20, For: time.Minute}
}

func TestAnAlertFiresAfterFor(t *testing.T) {
	b := newBench(t, nil, queueLong())
	b.series[queue] = 50
	b.run(time.Minute)
	assert.Equal(t, "inactive", b.state("queue-long"), "at the limit is not above it")
	b.series[queue] = 51
	b.run(10 * time.Second)
	assert.Equal(t, "pending", b.state("queue-long"))
	b.run(50 * time.Second)
	assert.Equal(t, "pending", b.state("queue-long"))
	b.run(10 * time.Second)
	assert.Equal(t, "firing queue-long", b.said())
	a := b.Alerts()
	require.Len(t, a, 1)
	assert.Equal(t, "upstream chat: steelyard_queue_requests is 51, above 50", a[0].Summary)
	assert.Equal(t, b.now, a[0].StartsAt)
	b.series[queue] = 21
	b.run(10 * time.Minute)
	assert.Empty(t, b.said(), "between clear and above it goes on")
	b.series[queue] = 20
	b.run(10 * time.Second)
	assert.Equal(t, "inactive queue-long", b.said())
	require.Len(t, b.Alerts(), 1, "what is over is shown for a while")
	assert.Equal(t, b.now, b.Alerts()[0].EndsAt)
	b.run(keepResolved)
	assert.Empty(t, b.Alerts())
}

func TestAPendingAlertThatClearsSaysNothing(t *testing.T) {
	b := newBench(t, nil, queueLong())
	for range 20 {
		b.series[queue] = 60
		b.run(50 * time.Second)
		b.series[queue] = 40 // not above 50, though not below clear either
		b.run(10 * time.Second)
	}
	assert.Empty(t, b.said())
}

func TestBelow(t *testing.T) {
	b := newBench(t, nil, Rule{Name: "few", On: OnUpstream, Metric: "steelyard_endpoint_eligible", Below: true, Limit: 1, Clear: 2})
	b.series["steelyard_endpoint_eligible{upstream=chat,endpoint=a}"] = 0
	b.series["steelyard_endpoint_eligible{upstream=chat,endpoint=b}"] = 1
	b.run(time.Minute)
	assert.Empty(t, b.said())
	b.series["steelyard_endpoint_eligible{upstream=chat,endpoint=b}"] = 0
	b.run(10 * time.Second)
	assert.Equal(t, "firing few", b.said(), "series of one subject are added up")
	b.series["steelyard_endpoint_eligible{upstream=chat,endpoint=b}"] = 1
	b.run(time.Minute)
	assert.Empty(t, b.said())
	b.series["steelyard_endpoint_eligible{upstream=chat,endpoint=a}"] = 1
	b.run(10 * time.Second)
	assert.Equal(t, "inactive few", b.said())
}

func TestKeepFiringFor(t *testing.T) {
	r := queueLong()
	r.For, r.KeepFiring = 0, 2*time.Minute
	b := newBench(t, nil, r)
	b.series[queue] = 60
	b.run(10 * time.Second)
	require.Equal(t, "firing queue-long", b.said())
	b.series[queue] = 0
	b.run(110 * time.Second)
	b.series[queue] = 60
	b.run(10 * time.Second)
	b.series[queue] = 0
	b.run(2 * time.Minute)
	assert.Empty(t, b.said(), "it counts anew when the condition holds again")
	b.run(10 * time.Second)
	assert.Equal(t, "inactive queue-long", b.said())
}

// TestSilenceResolvesNothing: a series that is missing leaves an alert as it is.
func TestSilenceResolvesNothing(t *testing.T) {
	for _, c := range []struct {
		noData           OnNoData
		whileFiring      string
		pending, atFirst string
	}{
		{Keep, "", "pending", "no_data"},
		{CountsOK, "inactive queue-long", "inactive", "inactive"},
		{Fires, "", "firing", "firing"},
	} {
		t.Run(noDataNames[c.noData], func(t *testing.T) {
			r := queueLong()
			r.NoData = c.noData
			b := newBench(t, nil, r)
			b.run(5 * time.Minute)
			assert.Equal(t, c.atFirst, b.state("queue-long"), "never any data")
			b.series[queue] = 0
			b.run(time.Minute)
			b.series[queue] = 60
			b.run(30 * time.Second)
			require.Equal(t, "pending", b.state("queue-long"))
			delete(b.series, queue)
			b.run(10 * time.Minute)
			assert.Equal(t, c.pending, b.state("queue-long"), "no data while pending")
			b.series[queue] = 60
			b.run(2 * time.Minute)
			require.Equal(t, "firing", b.state("queue-long"))
			b.said()
			delete(b.series, queue)
			b.run(10 * time.Minute)
			assert.Equal(t, c.whileFiring, b.said())
			if c.noData == Keep {
				assert.Contains(t, b.Alerts()[0].Note, "no data since 2026-03-02T09:")
			}
			b.series[queue] = 0
			b.run(10 * time.Second)
			assert.Equal(t, "inactive", b.state("queue-long"))
		})
	}
}

func TestNoNumbersAreNoData(t *testing.T) {
	r := queueLong()
	r.For = 0
	b := newBench(t, nil, r)
	for _, v := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		b.series[queue] = v
		b.run(10 * time.Second)
		assert.Equal(t, "no_data", b.state("queue-long"), v)
	}
}

func TestAMissedEvaluationNeitherFiresNorBeginsAnew(t *testing.T) {
	b := newBench(t, nil, queueLong())
	b.series[queue] = 60
	b.run(30 * time.Second) // held for 20 s
	b.now = b.now.Add(time.Hour)
	b.Step(b.now) // as if 10 s
	assert.Equal(t, "pending", b.state("queue-long"))
	b.run(20 * time.Second)
	assert.Empty(t, b.said())
	b.run(10 * time.Second)
	assert.Equal(t, "firing queue-long", b.said())

	b.rules[0].KeepFiring = time.Minute
	b.series[queue] = 0
	b.run(10 * time.Second)
	b.now = b.now.Add(time.Hour)
	b.Step(b.now)
	assert.Empty(t, b.said(), "nor is it over by time that nobody looked at")
	b.run(50 * time.Second)
	assert.Equal(t, "inactive queue-long", b.said())
}

func TestTheClockMayGoBack(t *testing.T) {
	b := newBench(t, nil, queueLong())
	b.series[queue] = 60
	b.run(30 * time.Second)
	b.now = b.now.Add(-time.Hour)
	b.Step(b.now)
	b.run(30 * time.Second)
	assert.Empty(t, b.said())
	b.run(10 * time.Second)
	assert.Equal(t, "firing queue-long", b.said())
}

// TestTheClockMayJump: what has passed is what the monotonic clock says, and what is shown moves with the other.
func TestTheClockMayJump(t *testing.T) {
	for _, by := range []time.Duration{24 * time.Hour, -24 * time.Hour} {
		b := newBench(t, nil, queueLong())
		b.series[queue] = 60
		b.run(90 * time.Second)
		require.Equal(t, "firing queue-long", b.said())
		started := b.Alerts()[0].StartsAt
		b.elapsed = func(from, to time.Time) time.Duration { return 10 * time.Second }
		b.now = b.now.Add(by)
		b.run(10 * time.Second)
		b.elapsed = func(from, to time.Time) time.Duration { return to.Sub(from) }
		assert.Equal(t, started.Add(by), b.Alerts()[0].StartsAt)
		b.run(time.Minute)
		assert.Empty(t, b.said())
		b.series[queue] = 0
		b.run(10 * time.Second)
		assert.Equal(t, "inactive queue-long", b.said())
		assert.Equal(t, 2*time.Minute, b.Alerts()[0].EndsAt.Sub(b.Alerts()[0].StartsAt).Round(time.Minute))
	}
}

func TestARemovedEndpointResolves(t *testing.T) {
	r := Rule{Name: "down", On: OnEndpoint, Metric: "steelyard_endpoint_condition", Where: []Match{{Label: "condition", Values: []string{"ejected", "probe_failed"}}}, Limit: 0}
	b := newBench(t, nil, r)
	b.series["steelyard_endpoint_condition{upstream=chat,endpoint=a,condition=ejected}"] = 1
	b.series["steelyard_endpoint_condition{upstream=chat,endpoint=b,condition=draining}"] = 1
	b.run(10 * time.Second)
	assert.Equal(t, "firing down a", b.said())
	assert.Len(t, b.Alerts(), 1, "nothing is known of b")
	b.subjects = b.subjects[1:]
	b.series = gauges{}
	b.run(10 * time.Second)
	assert.Equal(t, "inactive down a (removed)", b.said())
	require.Len(t, b.Alerts(), 1)
	assert.Equal(t, Removed, b.Alerts()[0].Reason)
	b.run(keepResolved + 10*time.Second)
	assert.Empty(t, b.Alerts())
}

func TestAnEndpointThatIsDrainedIsOutByIntent(t *testing.T) {
	r := Rule{Name: "down", On: OnEndpoint, Metric: "steelyard_endpoint_unreachable"}
	b := newBench(t, nil, r)
	b.series["steelyard_endpoint_unreachable{upstream=chat,endpoint=a}"] = 1
	b.run(10 * time.Second)
	require.Equal(t, "firing down a", b.said())
	b.subjects[0].Drained = true
	b.run(time.Minute)
	assert.Equal(t, "inactive down a (drained)", b.said())
	b.subjects[0].Drained = false
	b.run(10 * time.Second)
	assert.Equal(t, "firing down a", b.said())
}

func TestRulesChange(t *testing.T) {
	b := newBench(t, nil, queueLong())
	b.series[queue] = 60
	b.run(80 * time.Second)
	require.Equal(t, "firing queue-long", b.said())
	since := b.Alerts()[0].StartsAt
	r := queueLong()
	r.Summary, r.Severity, r.Limit, r.For = "the queue of {upstream} has {value} of {limit}", Page, 55, time.Hour
	b.Configure(Plan{Rules: []Rule{r}})
	b.run(time.Minute)
	assert.Empty(t, b.said(), "an edit does not begin anew")
	a := b.Alerts()[0]
	assert.Equal(t, []any{since, Page, "the queue of chat has 60 of 55"}, []any{a.StartsAt, a.Severity, a.Summary})
	b.Configure(Plan{})
	b.run(10 * time.Second)
	assert.Equal(t, "inactive queue-long (rule removed)", b.said())
	b.run(time.Minute)
	assert.Empty(t, b.said())
}

func TestAbsent(t *testing.T) {
	b := newBench(t, nil, Rule{Name: "gone", On: OnUpstream, Metric: "steelyard_queue_requests", Fn: Absent, For: time.Minute})
	b.series[queue] = 0
	b.run(5 * time.Minute)
	assert.Empty(t, b.said())
	delete(b.series, queue)
	b.run(70 * time.Second)
	assert.Equal(t, "firing gone", b.said())
	b.series[queue] = 0
	b.run(10 * time.Second)
	assert.Equal(t, "inactive gone", b.said())
}

func TestCountsAndOrder(t *testing.T) {
	r := queueLong()
	r.For = 0
	page := Rule{Name: "no-endpoint", Severity: Page, On: OnUpstream, Metric: "steelyard_endpoint_eligible", Below: true, Limit: 1, Clear: 1}
	b := newBench(t, nil, r, page, Rule{Name: "other", Severity: Info, On: OnGateway, Metric: "steelyard_x"})
	b.series[queue], b.series["steelyard_endpoint_eligible{upstream=chat,endpoint=a}"] = 60, 0
	b.run(10 * time.Second)
	var names []string
	for _, a := range b.Alerts() {
		names = append(names, a.Name)
	}
	assert.Equal(t, []string{"no-endpoint", "queue-long"}, names)
	assert.Equal(t, []Count{
		{"queue-long", Ticket, Pending, 0}, {"queue-long", Ticket, Firing, 1}, {"queue-long", Ticket, NoData, 0},
		{"no-endpoint", Page, Pending, 0}, {"no-endpoint", Page, Firing, 1}, {"no-endpoint", Page, NoData, 0},
		{"other", Info, Pending, 0}, {"other", Info, Firing, 0}, {"other", Info, NoData, 1},
	}, b.Counts())
	assert.True(t, slices.IsSortedFunc(b.Alerts(), compare))
}

func TestFingerprint(t *testing.T) {
	a := Alert{Name: "x", Upstream: "chat", Labels: map[string]string{"a": "1", "b": "2"}}
	same := Alert{Name: "x", Upstream: "chat", Labels: map[string]string{"b": "2", "a": "1"}, Severity: Page, Value: 7, State: Firing}
	assert.Equal(t, a.Fingerprint(), same.Fingerprint())
	assert.Len(t, a.Fingerprint(), 16)
	for _, other := range []Alert{{Name: "x", Upstream: "chat"}, {Name: "x", Endpoint: "chat", Labels: a.Labels}, {Name: "y", Upstream: "chat", Labels: a.Labels}} {
		assert.NotEqual(t, a.Fingerprint(), other.Fingerprint())
	}
}
