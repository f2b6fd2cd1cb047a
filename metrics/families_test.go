package metrics

import (
	"cmp"
	"flag"
	"fmt"
	"maps"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "rewrite the table in METRICS.md")

const tableHead = "| name | type | labels | what it says |\n| --- | --- | --- | --- |\n"

// TestTable holds METRICS.md, which dashboards and alerts are written from,
// against the registry: a family, type or label that is renamed, added or lost
// shows here.
func TestTable(t *testing.T) {
	page, err := os.ReadFile("METRICS.md")
	require.NoError(t, err)
	text, rest, found := strings.Cut(string(page), tableHead)
	require.True(t, found, "METRICS.md has no table")
	_, after, found := strings.Cut(rest, "\n\n")
	require.True(t, found, "nothing follows the table")

	want := text + tableHead + table(t, full()) + "\n" + after
	if *update {
		require.NoError(t, os.WriteFile("METRICS.md", []byte(want), 0o644))
		require.NoError(t, os.WriteFile(rulesList, []byte(list(t, full())), 0o644))
		return
	}
	known, err := os.ReadFile(rulesList)
	require.NoError(t, err)
	assert.Equal(t, list(t, full()), string(known), "metrics changed: if that is meant, run go test ./metrics -run TestTable -update")
	assert.Equal(t, want, string(page), "metrics changed: if that is meant, run go test ./metrics -run TestTable -update")
}

// rulesList is what the configuration knows of the metrics that rules may name.
const rulesList = "../configs/metrics.txt"

// list renders the same for rulesList: name, kind, labels, and bounds in seconds.
func list(t *testing.T, r *Registry) string {
	t.Helper()
	var b strings.Builder
	for _, f := range gathered(t, r) {
		if !strings.HasPrefix(f.GetName(), "steelyard_") {
			continue
		}
		labels := strings.ReplaceAll(labelNames(f), " ", "")
		fmt.Fprintf(&b, "%s %s %s", f.GetName(), strings.ToLower(f.GetType().String()), cmp.Or(labels, "-"))
		for i, bucket := range f.GetMetric()[0].GetHistogram().GetBucket() {
			if !math.IsInf(bucket.GetUpperBound(), 1) {
				fmt.Fprintf(&b, "%s%g", map[bool]string{true: " ", false: ","}[i == 0], bucket.GetUpperBound())
			}
		}
		b.WriteString("\n")
	}
	return b.String()
}

// table renders the families of our own, sorted by name.
func table(t *testing.T, r *Registry) string {
	t.Helper()
	var b strings.Builder
	for _, f := range gathered(t, r) {
		if !strings.HasPrefix(f.GetName(), "steelyard_") {
			continue
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n",
			f.GetName(), strings.ToLower(f.GetType().String()), labelNames(f), f.GetHelp())
	}
	return b.String()
}

func labelNames(f *dto.MetricFamily) string {
	var names []string
	for _, l := range f.GetMetric()[0].GetLabel() {
		names = append(names, l.GetName())
	}
	return strings.Join(names, ", ")
}

// gathered is the exposition as Prometheus' own parser reads it.
func gathered(t *testing.T, r *Registry) []*dto.MetricFamily {
	t.Helper()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	byName, err := parser.TextToMetricFamilies(r.Page())
	require.NoError(t, err)
	var list []*dto.MetricFamily
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		list = append(list, byName[name])
	}
	return list
}

// TestEveryFamilyIsCollected: one that is declared and forgotten would never be missed.
func TestEveryFamilyIsCollected(t *testing.T) {
	byName := make(map[string]bool)
	r := full()
	for _, f := range gathered(t, r) {
		require.False(t, byName[f.GetName()], "%s twice", f.GetName())
		byName[f.GetName()] = true
	}
	for _, f := range families {
		assert.True(t, byName[f.name], "%s is declared and never collected", f.name)
	}
	for _, name := range registered(r) {
		assert.True(t, byName[name], "%s is registered, and full() gives it no sample, so that METRICS.md lacks it", name)
	}
}

// registered are the names of the families that the library keeps for us, those without a sample too.
func registered(r *Registry) (names []string) {
	described := make(chan *prometheus.Desc)
	go func() {
		r.own.Describe(described)
		close(described)
	}()
	for d := range described {
		names = append(names, regexp.MustCompile(`fqName: "(\w+)"`).FindStringSubmatch(d.String())[1])
	}
	return names
}

// TestAlerts holds the example of METRICS.md against the tool and the families there are.
func TestAlerts(t *testing.T) {
	page, err := os.ReadFile("METRICS.md")
	require.NoError(t, err)
	_, rest, _ := strings.Cut(string(page), "```yaml\n")
	rules, _, found := strings.Cut(rest, "```")
	require.True(t, found)
	text := scrape(t, full())
	for _, name := range regexp.MustCompile(`steelyard_\w+`).FindAllString(rules, -1) {
		assert.Contains(t, text, "\n"+name+"{", "the alerts ask for a family that is not there")
	}
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("promtool is not installed (Debian package prometheus)")
	}
	file := filepath.Join(t.TempDir(), "rules.yaml")
	require.NoError(t, os.WriteFile(file, []byte(rules), 0o600))
	out, err := exec.Command(promtool, "check", "rules", file).CombinedOutput()
	assert.NoError(t, err, "promtool check rules:\n%s", out)
	assert.Contains(t, string(out), "2 rules found")
}

// TestLint applies Prometheus' own naming rules.
func TestLint(t *testing.T) {
	problems, err := promlint.New(full().Page()).Lint()
	require.NoError(t, err)
	assert.Empty(t, problems)
}

// TestPromtool asks the tool that users run.
func TestPromtool(t *testing.T) {
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("promtool is not installed (Debian package prometheus)")
	}
	cmd := exec.Command(promtool, "check", "metrics")
	cmd.Stdin = strings.NewReader(scrape(t, full()))
	out, err := cmd.CombinedOutput()
	assert.NoError(t, err, "promtool check metrics:\n%s", out)
	assert.Empty(t, string(out))
}
