package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// manager is a running Alertmanager.
type manager struct {
	*process
	args []string
	url  string
}

func startManager(t *testing.T) *manager {
	t.Helper()
	need(t, "prometheus-alertmanager", "amtool")
	folder, address := t.TempDir(), freeAddress(t)
	file := filepath.Join(folder, "alertmanager.yml")
	require.NoError(t, os.WriteFile(file, []byte("route: {receiver: none, group_by: [alertname, upstream]}\nreceivers: [{name: none}]\n"), 0o600))
	m := &manager{url: "http://" + address, args: []string{
		"--config.file", file, "--storage.path", filepath.Join(folder, "data"), "--web.listen-address", address, "--cluster.listen-address=",
	}}
	m.run(t)
	return m
}

func (m *manager) run(t *testing.T) {
	t.Helper()
	m.process = start(t, nil, "prometheus-alertmanager", m.args...)
	eventually(t, "Alertmanager is ready", func() bool { return status(m.url+"/-/ready") == 200 })
}

// known is an alert as amtool prints it.
type known struct {
	Labels   map[string]string
	StartsAt time.Time
	EndsAt   time.Time
	Status   struct {
		State      string
		SilencedBy []string
	}
}

func (m *manager) amtool(t *testing.T, args ...string) []byte {
	t.Helper()
	said, err := exec.Command("amtool", append(args, "--alertmanager.url", m.url)...).Output()
	require.NoError(t, err, "%s", said)
	return said
}

// alerts are those that are not over, by "name endpoint".
func (m *manager) alerts(t *testing.T) map[string]known {
	t.Helper()
	var list []known
	require.NoError(t, json.Unmarshal(m.amtool(t, "alert", "query", "-a", "-s", "-i", "-u", "-o", "json"), &list))
	byName := map[string]known{}
	for _, a := range list {
		byName[strings.TrimSpace(a.Labels["alertname"]+" "+a.Labels["endpoint"])] = a
	}
	return byName
}

func (m *manager) knows(t *testing.T, names ...string) {
	t.Helper()
	eventually(t, fmt.Sprint("Alertmanager knows ", names), func() bool {
		var have []string
		for name := range m.alerts(t) {
			have = append(have, name)
		}
		slices.Sort(have)
		slices.Sort(names)
		return slices.Equal(have, names)
	})
}

// silence asks for one here.
func (g *gateway) silence(t *testing.T, name, value string) (id string) {
	t.Helper()
	reply, err := http.Post(g.admin+"/api/v1/silences", "application/json", strings.NewReader(fmt.Sprintf(
		`{"matchers": [{"name": %q, "value": %q}], "author": "ann", "comment": "test", "for": "1h"}`, name, value)))
	require.NoError(t, err)
	var silence struct{ ID string }
	require.NoError(t, json.NewDecoder(reply.Body).Decode(&silence))
	require.NoError(t, reply.Body.Close())
	require.Equal(t, 201, reply.StatusCode)
	return silence.ID
}

func (g *gateway) unsilence(t *testing.T, id string) {
	t.Helper()
	request, err := http.NewRequest("DELETE", g.admin+"/api/v1/silences/"+id, nil)
	require.NoError(t, err)
	reply, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	require.NoError(t, reply.Body.Close())
	require.Equal(t, 204, reply.StatusCode)
}

// silencedBy is the silence that keeps an alert about an endpoint from being told; "" if there is no such alert.
func (g *gateway) silencedBy(t *testing.T, endpoint string) string {
	t.Helper()
	var all struct {
		Alerts []struct {
			Endpoint   string
			SilencedBy string `json:"silenced_by"`
		}
	}
	require.NoError(t, json.Unmarshal([]byte(get(t, g.admin+"/api/v1/alerts")), &all))
	for _, a := range all.Alerts {
		if a.Endpoint == endpoint {
			return a.SilencedBy
		}
	}
	return ""
}

// again starts the gateway anew after it was killed.
func (g *gateway) again(t *testing.T) {
	t.Helper()
	g.process = start(t, nil, binary, "serve", "--config", g.file)
	eventually(t, "the admin listener is there", func() bool { return status(g.admin+"/healthz") == 200 })
}

// TestAlertsAreInAlertmanager, a real one: they appear, are grouped, silenced on either side, and are over; and a kill -9 of
// either side changes nothing of that.
func TestAlertsAreInAlertmanager(t *testing.T) {
	m := startManager(t)
	servers := threeServers(t)
	g := serve(t, watched(t, fmt.Sprintf("  - {name: ops, kind: alertmanager, urls: [%q]}\n", m.url)), servers...)
	name := func(i int) string { return "endpoint-down " + servers[i].name }
	servers[0].kill(t)
	m.knows(t, name(0))
	first := m.alerts(t)[name(0)]
	require.Equal(t, "active", first.Status.State)
	require.Equal(t, "chat", first.Labels["upstream"])
	require.Equal(t, "ticket", first.Labels["severity"])
	require.NotEmpty(t, first.Labels["gateway"])
	require.WithinDuration(t, time.Now().Add(5*time.Minute), first.EndsAt, 2*time.Minute)

	// What is silenced here before it fires is not sent, over a kill -9 neither.
	silence := g.silence(t, "endpoint", servers[1].name)
	servers[1].kill(t)
	eventually(t, "it is silenced", func() bool { return g.silencedBy(t, servers[1].name) == silence })
	g.kill(t)
	g.again(t)
	eventually(t, "it is silenced still", func() bool { return g.silencedBy(t, servers[1].name) == silence })
	m.knows(t, name(0))
	g.unsilence(t, silence)
	m.knows(t, name(0), name(1))
	var groups []struct{ Alerts []known }
	require.NoError(t, json.Unmarshal([]byte(get(t, m.url+"/api/v2/alerts/groups")), &groups))
	require.Len(t, groups, 1)
	require.Len(t, groups[0].Alerts, 2)
	m.amtool(t, "silence", "add", "endpoint="+servers[1].name, "--comment", "test", "--duration", "1h")
	eventually(t, "it is silenced there", func() bool { return m.alerts(t)[name(1)].Status.State == "suppressed" })

	m.kill(t)
	servers[2].kill(t)
	eventually(t, "nobody can be told", func() bool { return number(t, g, `steelyard_notify_failing{receiver="ops"}`) == 1 })
	m.run(t)
	m.knows(t, name(0), name(1), "no-endpoint") // and not the third: its whole upstream is out
	require.Equal(t, first.StartsAt, m.alerts(t)[name(0)].StartsAt, "it is the same alert")
	g.kill(t)
	g.again(t)
	for _, s := range servers {
		s.run(t)
	}
	m.knows(t)
	g.signal(t, 15)
	require.Zero(t, g.exits(t))
}
