package alert

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// everyRule has each function, each subject and each setting at least once.
func everyRule() (rules []*Rule) {
	waits := []Wait{{"chat", 30 * time.Second}, {"other", 10 * time.Second}}
	all := DefaultRules(waits)
	for _, s := range []SLO{DefaultSLOs()[0], {Name: "fast", Upstream: "chat", Objective: 0.95, By: ByFirstByte, Bound: 2 * time.Second, Period: month},
		{Name: "whole", Objective: 0.95, By: ByResponse, Bound: 30 * time.Second, Period: month}} {
		all = append(all, s.Rules()...)
	}
	where := []Match{{"code", true, []string{"4xx"}}, {"upstream", false, []string{"a.b", `c"d\e`}}}
	for fn, name := range fnNames {
		for on := range On(len(onNames)) {
			for noData := range noDataNames {
				r := Rule{Name: name + onNames[on] + noDataNames[noData], Severity: Info, On: on, Metric: "steelyard_requests_total", Where: where, Fn: Fn(fn),
					Limit: 5, Clear: 1, For: 90 * time.Second, KeepFiring: time.Hour, NoData: OnNoData(noData), Remedy: "{{ do }}"}
				switch r.Fn {
				case Rate, Delta, Ratio:
					r.Over, r.MinEvents = 5*time.Minute, 10
				case Quantile:
					r.Over, r.MinEvents, r.Quantile, r.Metric = 5*time.Minute, 10, 0.99, "steelyard_response_time_seconds"
				}
				all = append(all, r)
			}
		}
	}
	for _, r := range []Rule{
		{Name: "gauges", On: OnEndpoint, Metric: "steelyard_requests_in_flight", Of: "steelyard_endpoint_slots", Fn: Ratio, Limit: 0.9, Clear: 0.9},
		{Name: "slow-rate", On: OnUpstream, Metric: "steelyard_response_time_seconds", Fn: Rate, Over: time.Minute, Limit: 1, Clear: 1},
		{Name: "drained", On: OnEndpoint, Metric: "steelyard_requests_in_flight", Below: true, Limit: 0.9, Clear: 2, Drained: true},
	} {
		all = append(all, r)
	}
	for i := range all {
		rules = append(rules, &all[i])
	}
	return rules
}

func TestPromtoolTakesWhatIsExported(t *testing.T) {
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("promtool is not installed (Debian package prometheus)")
	}
	file := filepath.Join(t.TempDir(), "rules.yaml")
	text := Export(everyRule(), 10*time.Second)
	require.NoError(t, os.WriteFile(file, text, 0o600))
	out, err := exec.Command(promtool, "check", "rules", file).CombinedOutput()
	require.NoError(t, err, "%s\n%s", out, text)
}

func TestExpressions(t *testing.T) {
	byName := map[string]*Rule{}
	for _, r := range everyRule() {
		byName[r.Name] = r
	}
	for name, want := range map[string]string{
		"no-endpoint": `sum by (upstream) (steelyard_upstream_unavailable{upstream!=""}) > 0`,
		"endpoint-down": `(sum by (upstream, endpoint) (steelyard_endpoint_condition{condition=~"probe_failed|ejected",upstream!="",endpoint!=""}) > 0)` +
			"\n" + `unless on (upstream, endpoint) steelyard_endpoint_condition{condition=~"draining|departing"} == 1`,
		"queue-refuses": "(" + `sum by (upstream) (increase(steelyard_queue_refused_total{upstream!=""}[5m])) > 10` +
			"\n" + `  or (sum by (upstream) (increase(steelyard_queue_refused_total{upstream!=""}[5m])) > 0 and on (upstream) ALERTS{alertname="queue-refuses",alertstate="firing"}))`,
		"fast-burn-6h": `(sum by (upstream) (rate(steelyard_first_byte_time_seconds_count{upstream="chat",upstream!=""}[6h])) - sum by (upstream) (rate(steelyard_first_byte_time_seconds_bucket{le="2",upstream="chat",upstream!=""}[6h])))` +
			` / sum by (upstream) (rate(steelyard_first_byte_time_seconds_count{upstream="chat",upstream!=""}[6h])) > 0.30000000000000027`,
		"slow-rate": `sum by (upstream) (rate(steelyard_response_time_seconds_count{upstream!=""}[1m])) > 1`,
		"panics":    `sum by () (increase(steelyard_panics_total[10m])) > 0`,
	} {
		got := byName[name].expr()
		assert.Equal(t, want, got[:min(len(want), len(got))], name)
	}
	assert.Equal(t, "endpoint {{ $labels.endpoint }} of upstream {{ $labels.upstream }} has cut {{ $value }} answers short within 10 minutes", byName["answers-cut-short"].template())
	assert.Contains(t, byName["whole-burn-1h"].template(), "upstream {{ $labels.upstream }}: {{ $value | humanizePercentage }} of its requests are bad")
}
