package metrics

import (
	"fmt"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestGatherSaysWhatThePageSays, of every metric of ours, and of no other than was asked for.
func TestGatherSaysWhatThePageSays(t *testing.T) {
	r := full()
	byName := map[string][]Sample{}
	for _, f := range gathered(t, r) {
		for _, s := range r.Gather(map[string]bool{f.GetName(): true}) {
			require.Equal(t, f.GetName(), s.Name)
			byName[s.Name] = append(byName[s.Name], s)
		}
	}
	checked := 0
	for _, f := range gathered(t, r) {
		if kind, ours := ParseKind(map[dto.MetricType]string{dto.MetricType_COUNTER: "counter", dto.MetricType_GAUGE: "gauge", dto.MetricType_HISTOGRAM: "histogram"}[f.GetType()]); ours && f.GetName()[:3] == "ste" {
			require.Len(t, byName[f.GetName()], len(f.GetMetric()), f.GetName())
			for _, m := range f.GetMetric() {
				assert.True(t, isAmong(byName[f.GetName()], kind, m), "%s %v", f.GetName(), m)
				checked++
			}
		}
	}
	require.Greater(t, checked, 100)
	require.Empty(t, r.Gather(map[string]bool{"go_goroutines": true, "steelyard_no_such": true}))
}

// isAmong says whether a sample is a metric as Prometheus' parser has read it. What counts moments or the time of day is taken as it comes.
func isAmong(samples []Sample, kind Kind, m *dto.Metric) bool {
	for i := range samples {
		s := &samples[i]
		same := s.Kind == kind && len(s.Labels) == len(m.GetLabel())
		for _, l := range m.GetLabel() {
			same = same && s.Label(l.GetName()) == l.GetValue()
		}
		switch {
		case !same:
		case kind == Counter && s.Value == m.GetCounter().GetValue(), kind == Gauge && s.Value == m.GetGauge().GetValue():
			return true
		case kind == Histogram && s.Value == float64(m.GetHistogram().GetSampleCount()) && len(s.Buckets) == len(s.Bounds)+1:
			for j, b := range m.GetHistogram().GetBucket() {
				if s.Buckets[j] != float64(b.GetCumulativeCount()) || j < len(s.Bounds) && s.Bounds[j] != b.GetUpperBound() {
					return false
				}
			}
			return true
		}
	}
	return false
}

// BenchmarkGather reads what some rules need of a thousand endpoints.
func BenchmarkGather(b *testing.B) {
	r := New(Build{})
	var states []EndpointState
	for i := range 1000 {
		name := fmt.Sprintf("e%d", i)
		r.Endpoint("chat", name)
		states = append(states, EndpointState{Upstream: "chat", Endpoint: name})
	}
	r.Observe(func() []EndpointState { return states })
	names := map[string]bool{}
	for _, name := range []string{"requests_total", "endpoint_eligible", "endpoint_condition", "endpoint_unreachable", "truncated_answers_total"} {
		names["steelyard_"+name] = true
	}
	b.ReportAllocs()
	for b.Loop() {
		r.Gather(names)
	}
}
