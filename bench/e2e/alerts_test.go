package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// alertsEvery is how often the gateway and Prometheus evaluate their rules.
const alertsEvery = 3 * time.Second

// soonFiring are rules that fire soon.
const soonFiring = `alerts:
  interval: 3s
  slo: [{name: answers, upstream: chat, objective: 0.99}]
  rules:
    - {name: endpoint-down, on: endpoint, metric: steelyard_endpoint_condition, where: ["condition=probe_failed|ejected"], above: 0, for: 3s}
    - {name: few, severity: page, on: upstream, metric: steelyard_endpoint_eligible, below: 2, clear: 2, for: 3s}
    - {name: failing, on: upstream, metric: steelyard_requests_total, where: ["code=5xx"], fn: delta, over: 1m, above: 10, clear: 2, for: 0s}
`

// anAlert is what the gateway says of one.
type anAlert struct {
	Name, State, Upstream, Endpoint string
	StartsAt                        time.Time `json:"starts_at"`
	EndsAt                          time.Time `json:"ends_at"`
}

// firing are the alerts that fire, by name and endpoint.
func (g *gateway) firing(t *testing.T) map[string]anAlert {
	t.Helper()
	var all struct{ Alerts []anAlert }
	require.NoError(t, json.Unmarshal([]byte(get(t, g.admin+"/api/v1/alerts")), &all))
	byName := map[string]anAlert{}
	for _, a := range all.Alerts {
		if a.State == "firing" {
			byName[a.Name+"/"+a.Endpoint] = a
		}
	}
	return byName
}

// prometheus is a real one that scrapes a gateway each second, and has the rules that the gateway exports.
type prometheus struct{ url string }

func startPrometheus(t *testing.T, g *gateway) *prometheus {
	t.Helper()
	folder := t.TempDir()
	rules, err := exec.Command(binary, "alerts", "export", "--config", g.file).Output()
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(folder, "rules.yaml"), rules, 0o600))
	said, err := exec.Command("promtool", "check", "rules", filepath.Join(folder, "rules.yaml")).CombinedOutput()
	require.NoError(t, err, "%s", said)
	target, err := url.Parse(g.admin)
	require.NoError(t, err)
	config := fmt.Sprintf("global: {scrape_interval: 1s, evaluation_interval: 1s}\nrule_files: [rules.yaml]\nscrape_configs: [{job_name: steelyard, static_configs: [{targets: [%q]}]}]\n", target.Host)
	require.NoError(t, os.WriteFile(filepath.Join(folder, "prometheus.yaml"), []byte(config), 0o600))
	address := freeAddress(t)
	start(t, nil, "prometheus", "--config.file="+filepath.Join(folder, "prometheus.yaml"), "--storage.tsdb.path="+filepath.Join(folder, "data"),
		"--web.listen-address="+address, "--log.level=warn")
	p := &prometheus{"http://" + address}
	eventually(t, "Prometheus scrapes the gateway", func() bool {
		return status(p.url+"/-/ready") == 200 && len(p.query(t, `steelyard_endpoint_eligible`)) > 0
	})
	return p
}

// series is a series as Prometheus answers it.
type series struct {
	Metric map[string]string
	Values [][2]any // seconds and a value
}

func (p *prometheus) query(t *testing.T, q string) []series {
	t.Helper()
	response, err := http.Get(p.url + "/api/v1/query?query=" + url.QueryEscape(q))
	require.NoError(t, err)
	defer response.Body.Close()
	var answer struct{ Data struct{ Result []series } }
	require.NoError(t, json.NewDecoder(response.Body).Decode(&answer))
	return answer.Data.Result
}

// fired is when each alert began to fire, by name and endpoint: the time of its first sample.
func (p *prometheus) fired(t *testing.T) map[string]time.Time {
	byName := map[string]time.Time{}
	for _, s := range p.query(t, `ALERTS{alertstate="firing"}[10m]`) {
		byName[s.Metric["alertname"]+"/"+s.Metric["endpoint"]] = time.UnixMilli(int64(s.Values[0][0].(float64) * 1e3))
	}
	return byName
}

// TestPrometheusFiresTheSameAlerts: a real one, with the rules that the gateway exports, sees the same outage within two
// evaluations, and sees nothing where the gateway sees nothing.
func TestPrometheusFiresTheSameAlerts(t *testing.T) {
	need(t, "prometheus", "promtool")
	servers := []*server{startServer(t, "small", 100), startServer(t, "large", 200)}
	g := serve(t, soonFiring, servers...)
	p := startPrometheus(t, g)
	l := startLoad(t, g.url, 2)
	l.awaitMore(t, 40, "")
	eventually(t, "Prometheus has seen the requests", func() bool { return len(p.query(t, `sum(steelyard_requests_total{code="2xx"}) > 40`)) > 0 })
	require.Empty(t, g.firing(t))
	require.Empty(t, p.fired(t))

	for _, s := range servers {
		s.kill(t)
	}
	wanted := []string{"endpoint-down/small", "endpoint-down/large", "few/", "failing/", "answers-burn-1h/"}
	both := func() bool {
		ours, theirs := g.firing(t), p.fired(t)
		for _, name := range wanted {
			if _, fires := theirs[name]; !fires || ours[name].State == "" {
				return false
			}
		}
		return true
	}
	eventually(t, "all fire, here and there", both)
	l.finish()
	ours, theirs := g.firing(t), p.fired(t)
	for _, name := range wanted {
		apart := theirs[name].Sub(ours[name].StartsAt)
		t.Logf("%s: Prometheus fires %v after the gateway", name, apart.Round(10*time.Millisecond))
		assert.LessOrEqual(t, apart.Abs(), 2*alertsEvery, name)
	}

	for _, s := range servers {
		s.run(t)
	}
	eventually(t, "what is well again is over, here and there", func() bool {
		now := p.query(t, `ALERTS{alertstate="firing",alertname=~"few|endpoint-down"}`)
		_, few := g.firing(t)["few/"]
		return len(now) == 0 && !few
	})
}

// metric is the value of one series that the gateway exposes.
func (g *gateway) metric(t *testing.T, series string) float64 {
	t.Helper()
	for line := range strings.Lines(get(t, g.admin+"/metrics")) {
		if text, found := strings.CutPrefix(line, series+" "); found {
			value, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
			require.NoError(t, err)
			return value
		}
	}
	return 0
}

// TestAlertsOutliveAKill: what fired goes on firing since when it did, and is not told anew.
func TestAlertsOutliveAKill(t *testing.T) {
	servers := []*server{startServer(t, "small", 100), startServer(t, "large", 200)}
	state := filepath.Join(t.TempDir(), "alerts.json")
	g := serve(t, "alerts: {interval: 1s, state_file: "+state+", rules: [{name: few, on: upstream, metric: steelyard_endpoint_eligible, below: 2, for: 1s, keep_firing_for: 1h}]}\n", servers...)
	servers[0].kill(t)
	eventually(t, "it fires", func() bool { return len(g.firing(t)) == 1 })
	eventually(t, "that is kept", func() bool {
		text, err := os.ReadFile(state)
		return err == nil && strings.Contains(string(text), `"state":"firing"`)
	})
	began := g.firing(t)["few/"].StartsAt
	for range 3 {
		g.kill(t)
		g.process = start(t, nil, binary, "serve", "--config", g.file)
		g.becomesReady(t)
		require.Equal(t, began, g.firing(t)["few/"].StartsAt)
		eventually(t, "it has been evaluated", func() bool {
			return len(g.firing(t)) == 1 && g.metric(t, "steelyard_alert_evaluations_total") >= 2
		})
		require.Equal(t, began, g.firing(t)["few/"].StartsAt)
		require.Zero(t, g.metric(t, `steelyard_events_total{kind="alert_firing"}`), "who was told is not told again")
	}
}
