//go:build cluster && linux

// The gateway in a cluster: pods that come, move and go, a control plane that dies, and orders to scale.

package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/balancer/discovery/kubernetes/api"
	"github.com/steelyard-proxy/steelyard/metrics/autoscale"
	actuator "github.com/steelyard-proxy/steelyard/metrics/autoscale/kubernetes"
)

const many = 1000

// fleet makes a Deployment or StatefulSet of pods that serve, and its Service.
func (p *plane) fleet(kind, plural, name string, replicas int) {
	labels := object{"app": name}
	p.do(http.MethodPost, in("v1", "services"), object{"apiVersion": "v1", "kind": "Service", "metadata": object{"name": name},
		"spec": object{"selector": labels, "ports": []any{object{"name": "http", "port": 80, "targetPort": 8000}, object{"name": "metrics", "port": 81, "targetPort": 9000}}}}, nil)
	spec := object{"replicas": replicas, "selector": object{"matchLabels": labels}, "template": object{
		"metadata": object{"labels": labels},
		"spec":     object{"terminationGracePeriodSeconds": 30, "containers": []any{object{"name": "engine", "image": "engine"}}}}}
	if kind == "StatefulSet" {
		spec["serviceName"], spec["podManagementPolicy"] = name, "Parallel"
	}
	p.do(http.MethodPost, in("apps/v1", plural), object{"apiVersion": "apps/v1", "kind": kind, "metadata": object{"name": name}, "spec": spec}, nil)
}

// resize sets a Deployment's number as somebody else would.
func (p *plane) resize(name string, replicas int) {
	p.do(http.MethodPatch, in("apps/v1", "deployments", name, "scale"), object{"spec": object{"replicas": replicas}}, nil)
}

func (p *plane) waitReady(service string, n int) {
	p.t.Helper()
	p.eventually(fmt.Sprintf("%d pods of %s are ready", n, service), func() bool { return len(p.ready(service)) == n })
}

// step is a part of the one test: what one part leaves is what the next begins with.
func (p *plane) step(what string, do func()) {
	began := time.Now()
	p.t.Logf("--- %s", what)
	do()
	p.t.Logf("    good, after %v", time.Since(began).Round(time.Second))
}

func TestCluster(t *testing.T) {
	p := newPlane(t)
	e := newEngines(t)
	newKubelet(t.Context(), p, e)
	p.step("the manifests are what the API server takes", func() {
		files, err := filepath.Glob(manifests + "/*.yaml")
		require.NoError(t, err)
		require.NotEmpty(t, files)
		for _, file := range files {
			p.apply(file, true)
		}
	})
	p.apply(manifests+"/role.yaml", false)
	p.fleet("Deployment", "deployments", "vllm", 10)
	p.waitReady("vllm", 10)
	g := startGateway(p, "vllm")
	g.agree(p, "vllm", 10)

	p.step("a thousand endpoints come, move and go under load", func() { comeMoveAndGo(t, p, g, e) })
	p.step("the API server is away for a minute", func() { away(t, p, g) })
	p.step("the scale subresource follows", func() { scales(t, p, g) })
	p.step("a StatefulSet ends its highest ordinal", func() { ordinals(t, p) })
	p.step("who is not allowed is told what is missing", func() { refusals(t, p) })
}

func comeMoveAndGo(t *testing.T, p *plane, g *running, e *engines) {
	l := g.begin(16)
	began := time.Now()
	p.resize("vllm", many)
	g.agree(p, "vllm", many)
	t.Logf("%d pods were there, and used, after %v", many, time.Since(began).Round(time.Second))

	began = time.Now()
	old := p.ready("vllm")[:300]
	for _, name := range old {
		p.do(http.MethodDelete, in("v1", "pods", name), nil, nil)
	}
	p.eventually("the pods that were deleted have gone and others have come", func() bool {
		now := p.ready("vllm")
		return len(now) == many && !slices.ContainsFunc(old, func(name string) bool { return slices.Contains(now, name) })
	})
	g.agree(p, "vllm", many)
	t.Logf("300 of them were replaced by others, at the addresses of the first, after %v", time.Since(began).Round(time.Second))

	began = time.Now()
	p.resize("vllm", 10)
	g.agree(p, "vllm", 10)
	t.Logf("%d were gone after %v", many-10, time.Since(began).Round(time.Second))
	l.end(t, "a thousand endpoints that come, move and go")
	pods, requests, missed := e.figures()
	t.Logf("%d requests reached %d pods; %d came to an address at which no pod ran, and were sent again", requests, pods, missed)
}

func away(t *testing.T, p *plane, g *running) {
	l := g.begin(16)
	before := g.endpoints()
	all := api.Resource{Group: "discovery.k8s.io", Version: "v1", Kind: "endpointslices", Namespace: namespace}
	version, err := p.client(admin).List(t.Context(), all, api.Query{}, func(json.RawMessage) error { return nil })
	require.NoError(t, err)
	require.NoError(t, p.server.Process.Kill())
	_ = p.server.Wait()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); pause(time.Second) {
		require.Equal(t, before, g.endpoints(), "nothing changes")
	}
	l.end(t, "a minute without the API server")

	l = g.begin(16)
	began := time.Now()
	p.startServer()
	p.resize("vllm", 20)
	err = p.client(admin).Watch(t.Context(), all, api.Query{Version: version}, func(api.Event) error { return nil })
	require.True(t, api.Is(err, http.StatusGone), "what was known before the restart is unknown to the new server: %v", err)
	t.Log("the new API server says of the version from before:", err)
	g.agree(p, "vllm", 20)
	p.resize("vllm", 12)
	g.agree(p, "vllm", 12)
	t.Logf("10 more and 8 less were followed within %v of the start of the new API server", time.Since(began).Round(time.Second))
	l.end(t, "listed again after the restart")
	log, err := os.ReadFile(g.log)
	require.NoError(t, err)
	assert.NotContains(t, string(log), "panic")
}

func scales(t *testing.T, p *plane, g *running) {
	l := g.begin(16)
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	a, err := actuator.New(actuator.Options{Client: p.client(account), Group: "apps", Version: "v1", Kind: "deployments", Namespace: namespace, Name: "vllm",
		Log: func(text string) { t.Log("told:", text) }})
	require.NoError(t, err)
	count, err := a.Count(ctx)
	require.NoError(t, err)
	require.Equal(t, 12, count.Wanted)
	require.NoError(t, a.Scale(ctx, autoscale.Order{ID: "1", From: 12, To: 15}))
	g.agree(p, "vllm", 15)

	victims := p.ready("vllm")[:2]
	p.eventually("the order to have fewer is taken", func() bool {
		err := a.Scale(ctx, autoscale.Order{ID: "2", From: 15, To: 13, Victims: victims})
		if err != nil {
			t.Log("not yet:", err)
		}
		return err == nil
	})
	g.agree(p, "vllm", 13)
	for _, name := range victims {
		assert.NotContains(t, p.ready("vllm"), name, "the drained pods went, and no other")
	}
	p.do(http.MethodPost, in("autoscaling/v2", "horizontalpodautoscalers"), object{"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
		"metadata": object{"name": "rival"}, "spec": object{"scaleTargetRef": object{"apiVersion": "apps/v1", "kind": "Deployment", "name": "vllm"}, "maxReplicas": 20,
			"minReplicas": 13, "metrics": []any{object{"type": "Resource", "resource": object{"name": "cpu", "target": object{"type": "Utilization", "averageUtilization": 50}}}}}}, nil)
	b, err := actuator.New(actuator.Options{Client: p.client(account), Group: "apps", Version: "v1", Kind: "deployments", Namespace: namespace, Name: "vllm"})
	require.NoError(t, err)
	var refused *autoscale.Refused
	require.ErrorAs(t, b.Scale(ctx, autoscale.Order{ID: "3", From: 13, To: 14}), &refused)
	assert.Contains(t, refused.Reason, `the HorizontalPodAutoscaler "rival" scales`)
	t.Log("refused:", refused.Reason)
	p.do(http.MethodDelete, in("autoscaling/v2", "horizontalpodautoscalers", "rival"), nil, nil)

	c, err := actuator.New(actuator.Options{Client: p.client(admin), Group: "apps", Version: "v1", Kind: "deployments", Namespace: namespace, Name: "zero"})
	require.NoError(t, err)
	p.fleet("Deployment", "deployments", "zero", 0)
	count, err = c.Count(ctx)
	require.NoError(t, err)
	assert.Equal(t, autoscale.Count{}, count, "spec: {} means 0")
	require.NoError(t, c.Scale(ctx, autoscale.Order{ID: "1", From: 0, To: 1}))
	p.waitReady("zero", 1)
	l.end(t, "the scale subresource")
}

func ordinals(t *testing.T, p *plane) {
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	p.fleet("StatefulSet", "statefulsets", "numbered", 3)
	p.waitReady("numbered", 3)
	a, err := actuator.New(actuator.Options{Client: p.client(admin), Group: "apps", Version: "v1", Kind: "statefulsets", Namespace: namespace, Name: "numbered"})
	require.NoError(t, err)
	var refused *autoscale.Refused
	require.ErrorAs(t, a.Scale(ctx, autoscale.Order{ID: "1", From: 3, To: 2, Victims: []string{"numbered-0"}}), &refused)
	t.Log("refused:", refused.Reason)
	victims := a.Choose(p.ready("numbered"), 1)
	require.Equal(t, []string{"numbered-2"}, victims)
	require.NoError(t, a.Scale(ctx, autoscale.Order{ID: "2", From: 3, To: 2, Victims: victims}))
	p.waitReady("numbered", 2)
	assert.Equal(t, []string{"numbered-0", "numbered-1"}, p.ready("numbered"))
}

func refusals(t *testing.T, p *plane) {
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	// The role names one target.
	a, err := actuator.New(actuator.Options{Client: p.client(account), Group: "apps", Version: "v1", Kind: "deployments", Namespace: namespace, Name: "zero"})
	require.NoError(t, err)
	_, err = a.Count(ctx)
	require.ErrorContains(t, err, "the role needs the verb get on deployments/scale (API group apps)")
	t.Log(err)
	a, err = actuator.New(actuator.Options{Client: p.client("nobody"), Group: "apps", Version: "v1", Kind: "deployments", Namespace: namespace, Name: "vllm"})
	require.NoError(t, err)
	_, err = a.Count(ctx)
	require.ErrorContains(t, err, "does not know who asks (401)")
	t.Log(err)
	a, err = actuator.New(actuator.Options{Client: p.client(admin), Group: "leaderworkerset.x-k8s.io", Version: "v1", Kind: "leaderworkersets", Namespace: namespace, Name: "vllm"})
	require.NoError(t, err)
	_, err = a.Count(ctx)
	require.ErrorContains(t, err, "the API server has no leaderworkersets/scale of leaderworkerset.x-k8s.io/v1")
	t.Log(err)
	assert.False(t, strings.Contains(err.Error(), admin), "no secret is told")
}
