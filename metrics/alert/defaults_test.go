package alert

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/steelyard-proxy/steelyard/metrics"
)

// TestAHealthyGatewayIsQuiet over a day under the built-in rules, idle or with few requests: real instruments,
// some clients that ask for nonsense or leave, a queue that is short.
func TestAHealthyGatewayIsQuiet(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and in one goroutine")
	}
	for name, every := range map[string]int{"idle": 0, "a request in ten minutes": 60, "ten a minute": 1} {
		t.Run(name, func(t *testing.T) {
			r := metrics.New(metrics.Build{})
			a, u := r.Endpoint("chat", "a"), r.Upstream("chat")
			r.Observe(func() []metrics.EndpointState {
				return []metrics.EndpointState{{Upstream: "chat", Endpoint: "a", Eligible: true}}
			})
			r.Reloaded(true)
			e := New(Options{Registry: r, Subjects: func() []Subject { return []Subject{{Upstream: "chat", Endpoint: "a"}} }, Now: func() time.Time { return epoch }})
			e.Configure(Plan{Rules: DefaultRules([]Wait{{"chat", 30 * time.Second}}), SLOs: DefaultSLOs()})
			e.OnChange = func(a Alert) { t.Errorf("%s: %s", a.Name, a.Summary) }
			now := epoch
			for i := range 26 * 360 {
				if every > 0 && i%every == 0 {
					a.Answered(200, 2*time.Second, time.Second, time.Millisecond)
					a.Answered(404, time.Second, time.Second, time.Millisecond)
					a.Answered(499, time.Second, 0, time.Millisecond)
					u.Queued(200 * time.Millisecond)
					u.Answered(400)
				}
				now = now.Add(10 * time.Second)
				e.Step(now)
			}
			assert.Empty(t, e.Alerts())
		})
	}
}

// TestOneOfYourOwnGoesFirst: two rules of one name would be one alert with two minds.
func TestOneOfYourOwnGoesFirst(t *testing.T) {
	p := Plan{Rules: Override(DefaultRules(nil), []Rule{{Name: "panics", Severity: Page}, {Name: "requests-fail-burn-1h", Severity: Info}}), SLOs: DefaultSLOs()}
	severity, seen := map[string]string{}, map[string]int{}
	for _, r := range p.All() {
		severity[r.Name] = r.Severity
		seen[r.Name]++
	}
	assert.Equal(t, []string{Page, Info, Page}, []string{severity["panics"], severity["requests-fail-burn-1h"], severity["requests-fail-burn-6h"]})
	for name, n := range seen {
		assert.Equal(t, 1, n, name)
	}
}

// BenchmarkStep evaluates the built-in rules over a thousand endpoints.
func BenchmarkStep(b *testing.B) {
	r := metrics.New(metrics.Build{})
	var subjects []Subject
	var states []metrics.EndpointState
	for i := range 1000 {
		name := fmt.Sprintf("e%d", i)
		r.Endpoint("chat", name)
		subjects = append(subjects, Subject{Upstream: "chat", Endpoint: name})
		states = append(states, metrics.EndpointState{Upstream: "chat", Endpoint: name, Eligible: true})
	}
	r.Upstream("chat")
	r.Observe(func() []metrics.EndpointState { return states })
	e := New(Options{Registry: r, Subjects: func() []Subject { return subjects }})
	e.Configure(Plan{Rules: DefaultRules([]Wait{{"chat", 30 * time.Second}}), SLOs: DefaultSLOs()})
	now := epoch
	b.ReportAllocs()
	for b.Loop() {
		now = now.Add(10 * time.Second)
		e.Step(now)
	}
}
