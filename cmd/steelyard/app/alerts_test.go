package app_test

import (
	"encoding/json"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/cmd/steelyard/app"
	"github.com/steelyard-proxy/steelyard/configs"
	"github.com/steelyard-proxy/steelyard/metrics/event"
)

// anAlert is what the admin listener says of one.
type anAlert struct {
	Name, State, Upstream, Endpoint, Reason, Summary string
}

// alertsOf are the alerts of a gateway, by name.
func alertsOf(t *testing.T, r *running) map[string]anAlert {
	t.Helper()
	var all struct{ Alerts []anAlert }
	require.NoError(t, json.Unmarshal([]byte(body(t, r.admin+"/api/v1/alerts")), &all))
	byName := map[string]anAlert{}
	for _, a := range all.Alerts {
		byName[a.Name] = a
	}
	return byName
}

// watched adds to a configuration a rule that fires at once where an endpoint is not eligible.
func watched(cfg *configs.Config, actions ...configs.AlertAction) *configs.Config {
	one := 1.0
	cfg.Alerts = configs.Alerts{Interval: time.Second, Defaults: true, Actions: actions, Rules: []configs.AlertRule{
		{Name: "out", Severity: "page", On: "endpoint", Metric: "steelyard_endpoint_eligible", Fn: "value", Below: &one, NoData: "keep"},
	}}
	return cfg
}

const nowhere = "http://127.0.0.1:1" // where nobody listens; a port that was let go may be anybody's

// TestAlertsFireAndResolve, as events and in the metrics, and end with what they are about.
func TestAlertsFireAndResolve(t *testing.T) {
	b := backend(t, "b")
	cfg := watched(config(t, "", endpoint("dead", nowhere, 100), endpoint("b", b.URL, 100)))
	r := run(t, cfg)
	eventually(t, "it fires", func() bool { return alertsOf(t, r)["out"].State == "firing" })
	assert.Equal(t, anAlert{Name: "out", State: "firing", Upstream: "chat", Endpoint: "dead",
		Summary: "endpoint dead of upstream chat: steelyard_endpoint_eligible is 0, below 1"}, alertsOf(t, r)["out"])
	assert.Equal(t, "1", line(t, r, `steelyard_alerts{name="out",severity="page",state="firing"}`))
	assert.Equal(t, "0", line(t, r, `steelyard_alerts{name="panics",severity="ticket",state="firing"}`))
	eventually(t, "it is told", func() bool { return r.Events().Published(event.AlertFiring) == 1 })

	without := *cfg
	without.Upstreams = append([]configs.Upstream{}, cfg.Upstreams...)
	without.Upstreams[0].Endpoints = without.Upstreams[0].Endpoints[1:]
	require.NoError(t, r.Reload(&without))
	eventually(t, "it is over", func() bool { return alertsOf(t, r)["out"].Reason == "removed" })
	eventually(t, "that is told", func() bool { return r.Events().Published(event.AlertOver) == 1 })
}

// TestAnActionDrains, but never the last endpoint that is left.
func TestAnActionDrains(t *testing.T) {
	b := backend(t, "b")
	r := run(t, watched(config(t, "", endpoint("dead", nowhere, 100), endpoint("b", b.URL, 100)),
		configs.AlertAction{Name: "take-out", Alert: "out", Do: "drain", Every: time.Second, Limit: 9}))
	eventually(t, "it is drained", func() bool { is, _ := drained(t, r, "chat", "dead"); return is })
	eventually(t, "that is told", func() bool { return r.Events().Published(event.ActionTaken) == 1 })
	eventually(t, "its alert is over", func() bool { return alertsOf(t, r)["out"].Reason == "drained" })

	r = run(t, watched(config(t, "", endpoint("dead", nowhere, 100)), configs.AlertAction{Name: "take-out", Alert: "out", Do: "drain", Every: time.Second, Limit: 9}))
	eventually(t, "it is told", func() bool { return r.Events().Published(event.ActionFailed) == 1 })
	is, _ := drained(t, r, "chat", "dead")
	assert.False(t, is)
}

// TestAnActionSheds requests of low priorities, until its alert is over.
func TestAnActionSheds(t *testing.T) {
	b := backend(t, "b")
	cfg := watched(config(t, "", endpoint("dead", nowhere, 100), endpoint("b", b.URL, 100)),
		configs.AlertAction{Name: "less", Alert: "out", Do: "shed", Priority: 6, Lasts: time.Hour, Every: time.Second, Limit: 9})
	r := run(t, cfg)
	statusOf := func() int {
		answer, err := http.Get(r.url)
		require.NoError(t, err)
		require.NoError(t, answer.Body.Close())
		return answer.StatusCode
	}
	eventually(t, "requests of priority 5 are turned away", func() bool { return statusOf() == 503 })
	eventually(t, "they are counted", func() bool {
		return line(t, r, `steelyard_failures_total{code="shed",source="steelyard",upstream="chat"}`) != "0"
	})
	none := *cfg
	none.Alerts.Actions = nil
	require.NoError(t, r.Reload(&none))
	require.Equal(t, 200, statusOf(), "an action that is no more is undone")
}

// TestARecoveryIsAskedFor by an action, and takes place within its own bounds.
func TestARecoveryIsAskedFor(t *testing.T) {
	cfg := watched(withRecovery(t, `{command: [touch, x], after: 1h}`), configs.AlertAction{Name: "restart", Alert: "out", Do: "recover", Every: time.Second, Limit: 9})
	r := run(t, cfg)
	eventually(t, "what would be done is told", func() bool { return r.Events().Published(event.WouldRecover) == 1 })
	assert.Contains(t, body(t, r.admin+"/api/v1/events"), `"cause": "asked for by alert out"`)
}

// TestAStateFileThatCannotBeReadIsAnError of the start, and a damaged one is not.
func TestAStateFileThatCannotBeReadIsAnError(t *testing.T) {
	cfg := config(t, "", endpoint("dead", nowhere, 100))
	cfg.Alerts.StateFile = t.TempDir()
	_, err := app.New(cfg, app.Options{})
	require.ErrorContains(t, err, "read alerts.state_file")
	cfg.Alerts.StateFile = filepath.Join(t.TempDir(), "alerts.json")
	a, err := app.New(cfg, app.Options{})
	require.NoError(t, err)
	serveApp(t, a)
}
