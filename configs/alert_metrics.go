// The metrics that rules may name, and the alerts that are there without configuration.

package configs

import (
	_ "embed"
	"slices"
	"strconv"
	"strings"
	"time"
)

// metricsText has a line for each metric: name, kind, labels, and of a histogram its bounds in seconds. It is written
// by the test of METRICS.md, so that it cannot fall behind.
//
//go:embed metrics.txt
var metricsText string

// metric is what is known of one.
type metric struct {
	kind   string // gauge, counter or histogram
	labels []string
	bounds []time.Duration // of a histogram
}

// knownMetrics are all, by name.
var knownMetrics = readMetrics(metricsText)

func readMetrics(text string) map[string]metric {
	known := map[string]metric{}
	for line := range strings.Lines(text) {
		parts := strings.Fields(line)
		m := metric{kind: parts[1]}
		if parts[2] != "-" {
			m.labels = strings.Split(parts[2], ",")
		}
		if len(parts) > 3 {
			for bound := range strings.SplitSeq(parts[3], ",") {
				seconds, _ := strconv.ParseFloat(bound, 64) // the test writes nothing else
				m.bounds = append(m.bounds, time.Duration(seconds*1e9+0.5))
			}
		}
		known[parts[0]] = m
	}
	return known
}

func metricNames() []string {
	names := make([]string, 0, len(knownMetrics))
	for name := range knownMetrics {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// MetricsText is the list of metrics that rules may name.
func MetricsText() string { return metricsText }

// DefaultAlerts are the rules that are there with alerts.defaults, and what each is on.
var DefaultAlerts = map[string]string{
	"no-endpoint": "upstream", "endpoint-down": "endpoint", "endpoint-unreachable": "endpoint", "answers-cut-short": "endpoint",
	"memory-low": "endpoint", "disk-full": "endpoint", "disk-read-only": "endpoint", "out-of-memory": "endpoint", "gpu-error": "endpoint",
	"queue-refuses": "upstream", "queue-slow": "upstream", "accept-failures": "gateway", "panics": "gateway", "reload-failed": "gateway",
	"log-lines-dropped": "gateway", "access-log-dropped": "gateway", "request-log-dropped": "gateway", "webhooks-failing": "gateway",
	"usage-dropped": "gateway", "notifications-failing": "gateway",
	"requests-fail-burn-1h": "upstream", "requests-fail-burn-6h": "upstream", "requests-fail-burn-3d": "upstream",
}

// burnWindows are the long windows in which budgets are watched, and what part of a period's budget may go within each.
var burnWindows = []struct {
	name  string
	long  time.Duration
	spent float64
}{
	{"1h", time.Hour, 0.02}, {"6h", 6 * time.Hour, 0.05}, {"3d", 3 * day, 0.10},
}

// LeastObjective is the objective at and below which a burn rule can never fire: not even if all requests failed would
// the budget go so many times as fast as it may, within that window.
func LeastObjective(period time.Duration) (least, burn float64, window string) {
	for _, w := range burnWindows {
		b := w.spent * float64(period) / float64(w.long)
		if l := 1 - 1/b; l > least {
			least, burn, window = l, b, w.name
		}
	}
	return least, burn, window
}

// burnRules are the names of an objective's rules.
func burnRules(objective string) (names []string) {
	for _, w := range burnWindows {
		names = append(names, objective+"-burn-"+w.name)
	}
	return names
}
