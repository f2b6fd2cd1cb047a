package admin

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// description is the part of openapi.json that the tests hold to.
type description struct {
	OpenAPI string `json:"openapi"`
	Paths   map[string]map[string]struct {
		OperationID string `json:"operationId"`
		Parameters  []struct {
			Name, In string
		} `json:"parameters"`
		Responses map[string]struct {
			Content map[string]struct{ Schema schema } `json:"content"`
		} `json:"responses"`
	} `json:"paths"`
	Components struct {
		Schemas map[string]schema `json:"schemas"`
	} `json:"components"`
}

func described(t *testing.T) *description {
	t.Helper()
	var d description
	require.NoError(t, json.Unmarshal(openAPI, &d))
	require.Equal(t, "3.1.0", d.OpenAPI)
	return &d
}

// TestEveryRouteIsDescribed, and nothing else is.
func TestEveryRouteIsDescribed(t *testing.T) {
	d := described(t)
	var routed, inDescription []string
	for _, r := range New(Options{Metrics: nopHandler{}}).routes() {
		routed = append(routed, r.method+" "+r.path)
	}
	ids := make(map[string]bool)
	for path, operations := range d.Paths {
		for method, operation := range operations {
			inDescription = append(inDescription, strings.ToUpper(method)+" "+path)
			assert.False(t, ids[operation.OperationID], "operationId %s twice", operation.OperationID)
			ids[operation.OperationID] = true
			for _, p := range operation.Parameters {
				if p.In == "path" {
					assert.Contains(t, path, "{"+p.Name+"}")
				}
			}
			for part := range strings.SplitSeq(path, "/") {
				if name, ok := strings.CutPrefix(part, "{"); ok {
					assert.Contains(t, fmt.Sprint(operation.Parameters), "{"+strings.TrimSuffix(name, "}")+" path}", path)
				}
			}
		}
	}
	assert.ElementsMatch(t, routed, inDescription)
}

// everyAnswer is every answer the description has, and how to get it.
var everyAnswer = []struct {
	method, path string // as described
	status       int
	target, body string
	change       func(*Options, *running)
	headers      []string
}{
	{method: "GET", path: "/metrics", status: 200},
	{method: "GET", path: "/healthz", status: 200},
	{method: "GET", path: "/readyz", status: 200},
	{method: "GET", path: "/readyz", status: 400, target: "/readyz?upstreams=x"},
	{method: "GET", path: "/readyz", status: 503, change: notReady},
	{method: "GET", path: "/api/v1/upstreams", status: 200},
	{method: "GET", path: "/api/v1/upstreams/{upstream}", status: 200, target: "/api/v1/upstreams/chat"},
	{method: "GET", path: "/api/v1/upstreams/{upstream}", status: 404, target: "/api/v1/upstreams/no"},
	{method: "GET", path: "/api/v1/openapi.json", status: 200},
	{method: "GET", path: "/api/v1/snapshot", status: 200, change: remembered},
	{method: "GET", path: "/api/v1/snapshot", status: 503, change: watched, headers: []string{"Accept", "text/event-stream"}},
	{method: "GET", path: "/api/v1/history", status: 200, target: "/api/v1/history?series=requests:chat", change: remembered},
	{method: "GET", path: "/api/v1/history", status: 400, target: "/api/v1/history?series=request:chat", change: remembered},
	{method: "GET", path: "/api/v1/history", status: 404, change: func(o *Options, _ *running) { o.History = nil }},
	{method: "GET", path: "/api/v1/config", status: 200, change: configured},
	{method: "GET", path: "/api/v1/config", status: 404},
	{method: "GET", path: "/api/v1/session", status: 200},
	{method: "POST", path: "/api/v1/session", status: 200, body: `{"token":"right-and-long-enough"}`, change: guarded},
	{method: "POST", path: "/api/v1/session", status: 400, body: "x", change: guarded},
	{method: "POST", path: "/api/v1/session", status: 401, body: `{"token":"wrong"}`, change: guarded},
	{method: "POST", path: "/api/v1/session", status: 403, headers: []string{"Origin", "null"}},
	{method: "POST", path: "/api/v1/session", status: 429, body: `{"token":"wrong"}`, change: guessedAt},
	{method: "DELETE", path: "/api/v1/session", status: 200},
	{method: "DELETE", path: "/api/v1/session", status: 403, headers: []string{"Origin", "null"}},
	{method: "GET", path: "/api/v1/alerts", status: 200, change: someAlerts},
	{method: "GET", path: "/api/v1/alerts", status: 404},
	{method: "GET", path: "/api/v1/events", status: 200, change: oneEvent},
	{method: "GET", path: "/api/v1/events", status: 400, target: "/api/v1/events?after=x"},
	{method: "GET", path: "/api/v1/events", status: 503, change: followed, headers: []string{"Accept", "text/event-stream"}},
	{method: "POST", path: drainPath, status: 200, target: drainSmall, body: `{"reason":"x"}`},
	{method: "POST", path: drainPath, status: 400, target: drainSmall, body: "x"},
	{method: "POST", path: drainPath, status: 403, target: drainSmall, headers: []string{"Origin", "null"}},
	{method: "POST", path: drainPath, status: 404, target: "/api/v1/upstreams/chat/endpoints/no/drain"},
	{method: "POST", path: drainPath, status: 413, target: drainSmall, body: strings.Repeat(" ", drainBytes+1)},
	{method: "POST", path: drainPath, status: 500, target: drainSmall, change: refuse},
	{method: "POST", path: undrainPath, status: 200, target: undrainSmall},
	{method: "POST", path: undrainPath, status: 400, target: undrainSmall, body: "x"},
	{method: "POST", path: undrainPath, status: 403, target: undrainSmall, headers: []string{"Origin", "null"}},
	{method: "POST", path: undrainPath, status: 404, target: "/api/v1/upstreams/no/endpoints/small/undrain"},
	{method: "POST", path: undrainPath, status: 413, target: undrainSmall, body: strings.Repeat(" ", drainBytes+1)},
	{method: "POST", path: undrainPath, status: 500, target: undrainSmall, change: refuse},
	{method: "GET", path: silencesPath, status: 200, change: silenced},
	{method: "GET", path: silencesPath, status: 404},
	{method: "POST", path: silencesPath, status: 201, change: silenced, body: goodSilence},
	{method: "POST", path: silencesPath, status: 400, change: silenced, body: "x"},
	{method: "POST", path: silencesPath, status: 403, change: silenced, headers: []string{"Origin", "null"}},
	{method: "POST", path: silencesPath, status: 404, body: goodSilence},
	{method: "POST", path: silencesPath, status: 413, change: silenced, body: strings.Repeat(" ", drainBytes+1)},
	{method: "DELETE", path: silencesPath + "/{id}", status: 204, target: silencesPath + "/one", change: silenced},
	{method: "DELETE", path: silencesPath + "/{id}", status: 403, target: silencesPath + "/one", change: silenced, headers: []string{"Origin", "null"}},
	{method: "DELETE", path: silencesPath + "/{id}", status: 404, target: silencesPath + "/two", change: silenced},
	{method: "GET", path: usagePath, status: 200, change: used},
	{method: "GET", path: usagePath, status: 400, target: usagePath + "?by=x", change: used},
	{method: "GET", path: usagePath, status: 404},
	{method: "GET", path: usagePath, status: 500, change: unreadable},
	{method: "DELETE", path: usagePath + "/users/{user}", status: 200, target: usagePath + "/users/user:a", change: used},
	{method: "DELETE", path: usagePath + "/users/{user}", status: 403, target: usagePath + "/users/user:a", change: used, headers: []string{"Origin", "null"}},
	{method: "DELETE", path: usagePath + "/users/{user}", status: 404, target: usagePath + "/users/user:b", change: used},
	{method: "DELETE", path: usagePath + "/users/{user}", status: 500, target: usagePath + "/users/user:a", change: unreadable},
	{method: "GET", path: "/api/v1/faults", status: 200, change: odd},
	{method: "GET", path: "/api/v1/faults", status: 404},
	{method: "POST", path: "/api/v1/faults/{id}/normal", status: 204, target: "/api/v1/faults/one/normal", change: odd},
	{method: "POST", path: "/api/v1/faults/{id}/normal", status: 403, target: "/api/v1/faults/one/normal", change: odd, headers: []string{"Origin", "null"}},
	{method: "POST", path: "/api/v1/faults/{id}/normal", status: 404, target: "/api/v1/faults/two/normal", change: odd},
	{method: "GET", path: "/api/v1/forecast", status: 200, change: foretold},
	{method: "GET", path: "/api/v1/forecast", status: 404},
	{method: "GET", path: "/api/v1/gateways", status: 200, change: several},
	{method: "GET", path: "/api/v1/gateways", status: 404},
	{method: "GET", path: "/api/v1/autoscale", status: 200, change: scaled},
	{method: "GET", path: "/api/v1/autoscale", status: 404},
	{method: "GET", path: scalePath, status: 200, target: "/api/v1/autoscale/chat", change: scaled},
	{method: "GET", path: scalePath, status: 404, target: "/api/v1/autoscale/no", change: scaled},
	{method: "GET", path: scalePath, status: 503, target: "/api/v1/autoscale/blind", change: scaled},
	{method: "POST", path: scalePath + "/pause", status: 200, target: "/api/v1/autoscale/chat/pause", body: `{"reason":"x"}`, change: scaled},
	{method: "POST", path: scalePath + "/pause", status: 400, target: "/api/v1/autoscale/chat/pause", body: "x", change: scaled},
	{method: "POST", path: scalePath + "/pause", status: 403, target: "/api/v1/autoscale/chat/pause", change: scaled, headers: []string{"Origin", "null"}},
	{method: "POST", path: scalePath + "/pause", status: 404, target: "/api/v1/autoscale/no/pause", change: scaled},
	{method: "POST", path: scalePath + "/pause", status: 413, target: "/api/v1/autoscale/chat/pause", body: strings.Repeat(" ", drainBytes+1), change: scaled},
	{method: "POST", path: scalePath + "/resume", status: 200, target: "/api/v1/autoscale/chat/resume", change: scaled},
	{method: "POST", path: scalePath + "/resume", status: 400, target: "/api/v1/autoscale/chat/resume", body: "x", change: scaled},
	{method: "POST", path: scalePath + "/resume", status: 403, target: "/api/v1/autoscale/chat/resume", change: scaled, headers: []string{"Origin", "null"}},
	{method: "POST", path: scalePath + "/resume", status: 404, target: "/api/v1/autoscale/no/resume"},
	{method: "POST", path: scalePath + "/resume", status: 413, target: "/api/v1/autoscale/chat/resume", body: strings.Repeat(" ", drainBytes+1), change: scaled},
	{method: "POST", path: reloadPath, status: 200, change: reloads(nil)},
	{method: "POST", path: reloadPath, status: 403, change: reloads(nil), headers: []string{"Origin", "null"}},
	{method: "POST", path: reloadPath, status: 409},
	{method: "POST", path: reloadPath, status: 422, change: reloads(aRefusal)},
	{method: "GET", path: "/api/v1/advice", status: 200, change: advises},
	{method: "GET", path: "/api/v1/advice", status: 404},
	{method: "POST", path: applyPath, status: 200, target: "/api/v1/advice/aa/apply", change: advises},
	{method: "POST", path: applyPath, status: 403, target: "/api/v1/advice/aa/apply", change: advises, headers: []string{"Origin", "null"}},
	{method: "POST", path: applyPath, status: 404, target: "/api/v1/advice/zz/apply", change: advises},
	{method: "POST", path: applyPath, status: 409, target: "/api/v1/advice/bb/apply", change: advises},
}

// TestAnswersAreAsDescribed asks for every described answer and holds it
// against its schema.
func TestAnswersAreAsDescribed(t *testing.T) {
	d := described(t)
	asked := make(map[string]bool)
	for _, c := range everyAnswer {
		if c.target == "" {
			c.target = c.path
		}
		name := fmt.Sprintf("%s %s %d", c.method, c.path, c.status)
		t.Run(name, func(t *testing.T) {
			var changes []func(*Options, *running)
			if c.change != nil {
				changes = append(changes, c.change)
			}
			s := start(t, changes...)
			got := s.do(c.method, c.target, c.body, c.headers...)
			require.Equal(t, c.status, got.StatusCode, "%s", got.body)
			d.check(t, c.method, c.path, got)
		})
		asked[name] = true
	}
	for path, operations := range d.Paths {
		for method, operation := range operations {
			for status := range operation.Responses {
				name := strings.ToUpper(method) + " " + path + " " + status
				assert.True(t, asked[name], "%s is described and never asked for", name)
			}
		}
	}
}

const (
	drainPath   = "/api/v1/upstreams/{upstream}/endpoints/{endpoint}/drain"
	undrainPath = "/api/v1/upstreams/{upstream}/endpoints/{endpoint}/undrain"
	reloadPath  = "/api/v1/reload"
	applyPath   = "/api/v1/advice/{id}/apply"
	scalePath   = "/api/v1/autoscale/{upstream}"
)

func notReady(_ *Options, s *running) {
	s.ready = Readiness{NotReady: []string{"shutting down"}, LastReload: Reload{Error: "bad"}}
}

func refuse(_ *Options, s *running) { s.fleet.refusal = assert.AnError }

// check holds one answer against its description.
func (d *description) check(t *testing.T, method, path string, got answered) {
	t.Helper()
	response, ok := d.Paths[path][strings.ToLower(method)].Responses[fmt.Sprint(got.StatusCode)]
	require.True(t, ok, "status %d is not described", got.StatusCode)
	if len(response.Content) == 0 {
		assert.Empty(t, got.body)
		return
	}
	kind, _, _ := strings.Cut(got.Header.Get("Content-Type"), ";")
	content, ok := response.Content[kind]
	require.True(t, ok, "content type %s is not described", kind)
	if kind != "application/json" {
		return
	}
	var v any
	got.into(t, &v)
	for _, problem := range d.problems(content.Schema, v, "answer") {
		t.Error(problem)
	}
}

func TestErrorsOutsideTheAPIAreAsDescribed(t *testing.T) {
	d, s := described(t), start(t)
	for _, got := range []answered{s.do("GET", "/nowhere", ""), s.do("PUT", "/metrics", "")} {
		var v any
		got.into(t, &v)
		assert.Empty(t, d.problems(schema{Ref: "#/components/schemas/Error"}, v, "answer"))
	}
}
