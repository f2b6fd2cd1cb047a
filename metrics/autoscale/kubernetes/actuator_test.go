package kubernetes

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/balancer/discovery/kubernetes/api"
	"github.com/steelyard-proxy/steelyard/balancer/discovery/kubernetes/contract"
	"github.com/steelyard-proxy/steelyard/metrics/autoscale"
)

const (
	deployment = "/apis/apps/v1/namespaces/llm/deployments/chat"
	set        = "/apis/apps/v1/namespaces/llm/statefulsets/chat"
	pods       = "/api/v1/namespaces/llm/pods/"
	hpas       = "/apis/autoscaling/v2/namespaces/llm/horizontalpodautoscalers/"
	kedas      = "/apis/keda.sh/v1alpha1/namespaces/llm/scaledobjects/"
)

var (
	_ autoscale.Actuator = (*Actuator)(nil)
	b                    = context.Background()
)

type obj = contract.Object

// lab is an actuator against a contract server, and what it has told.
type lab struct {
	*Actuator
	server *contract.Server
	mu     sync.Mutex
	logs   []string // guarded by mu
}

func (l *lab) told() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]string(nil), l.logs...)
}

func newLab(t *testing.T, s *contract.Server, kind string) *lab {
	t.Helper()
	pipe, stop := contract.Serve(s)
	client, err := api.New(api.Access{Server: "http://kube.test", Dial: pipe.Dial, Namespace: "llm"})
	require.NoError(t, err)
	l := &lab{server: s}
	l.Actuator, err = New(Options{Client: client, Group: "apps", Version: "v1", Kind: kind, Name: "chat", Log: func(text string) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.logs = append(l.logs, text)
	}})
	require.NoError(t, err)
	t.Cleanup(func() {
		client.Forget()
		stop()
	})
	return l
}

func withReplicas(path string, n int) *contract.Server {
	s := contract.New()
	s.Put(path, obj{"spec": obj{"replicas": n}, "status": obj{"replicas": n, "updatedReplicas": n}})
	for i := range n {
		s.Put(fmt.Sprintf("%schat-%d", pods, i), podThatIs(true))
	}
	return s
}

func podThatIs(ready bool) obj {
	return obj{"status": obj{"conditions": []any{obj{"type": "Ready", "status": map[bool]string{true: "True", false: "False"}[ready]}}}}
}

func replicas(s *contract.Server, path string) any { return s.Get(path)["spec"].(obj)["replicas"] }

func cost(s *contract.Server, name string) any {
	meta := s.Get(pods + name)["metadata"].(obj)
	annotations, _ := meta["annotations"].(obj)
	return annotations[costKey]
}

func TestCount(t *testing.T) {
	l := newLab(t, withReplicas(deployment, 3), "deployments")
	count, err := l.Count(b)
	require.NoError(t, err)
	assert.Equal(t, autoscale.Count{Wanted: 3, Running: 3}, count)

	l = newLab(t, withReplicas(deployment, 0), "deployments")
	count, err = l.Count(b)
	require.NoError(t, err)
	assert.Equal(t, autoscale.Count{}, count, "spec: {} means 0")
}

func TestOut(t *testing.T) {
	s := withReplicas(deployment, 0)
	l := newLab(t, s, "deployments")
	require.NoError(t, l.Scale(b, autoscale.Order{ID: "1", From: 0, To: 4}))
	assert.EqualValues(t, 4, replicas(s, deployment))
	require.NoError(t, l.Scale(b, autoscale.Order{ID: "2", From: 2, To: 3}))
	assert.EqualValues(t, 4, replicas(s, deployment), "an order to grow never makes it smaller")
}

func TestInMarksTheDrainedPodFirst(t *testing.T) {
	s := withReplicas(deployment, 3)
	var order []string
	s.Before = func(r *http.Request) int {
		if r.Method != http.MethodGet {
			order = append(order, r.Method+" "+r.URL.Path)
		}
		return 0
	}
	l := newLab(t, s, "deployments")
	require.NoError(t, l.Scale(b, autoscale.Order{ID: "1", From: 3, To: 1, Victims: []string{"chat-2", "chat-0"}}))
	assert.EqualValues(t, 1, replicas(s, deployment))
	assert.Equal(t, "-1000", cost(s, "chat-2"))
	assert.Equal(t, "-999", cost(s, "chat-0"))
	assert.Nil(t, cost(s, "chat-1"))
	assert.Equal(t, []string{"PATCH " + pods + "chat-2", "PATCH " + pods + "chat-0", "PUT " + deployment + "/scale"}, order)
}

func TestNoMoreGoThanAreDrained(t *testing.T) {
	s := withReplicas(deployment, 8) // somebody has raised it
	l := newLab(t, s, "deployments")
	_, err := l.Count(b)
	require.NoError(t, err)
	in := autoscale.Order{ID: "1", From: 3, To: 2, Victims: []string{"chat-1"}}
	require.NoError(t, l.Scale(b, in))
	assert.EqualValues(t, 7, replicas(s, deployment))
	s.Delete(pods + "chat-1")
	require.NoError(t, l.Scale(b, in), "the same order again")
	in.ID = "2"
	require.NoError(t, l.Scale(b, in), "and one for a pod that is gone already")
	assert.EqualValues(t, 7, replicas(s, deployment))
	s.Put(pods+"chat-2", obj{"metadata": obj{"deletionTimestamp": "2026-11-30T00:00:00Z"}})
	require.NoError(t, l.Scale(b, autoscale.Order{ID: "3", From: 7, To: 6, Victims: []string{"chat-2"}}), "or for one that ends")
	assert.EqualValues(t, 7, replicas(s, deployment))
}

func TestAConflictIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := withReplicas(deployment, 1)
		times := 3
		s.Before = func(r *http.Request) int {
			if r.Method == http.MethodPut && times > 0 {
				times--
				s.Put(deployment, obj{"spec": obj{"replicas": 1}}) // between our reading and our writing
			}
			return 0
		}
		l := newLab(t, s, "deployments")
		require.NoError(t, l.Scale(b, autoscale.Order{ID: "1", From: 1, To: 2}))
		assert.EqualValues(t, 2, replicas(s, deployment))
		assert.Zero(t, times)

		times = 1000
		err := l.Scale(b, autoscale.Order{ID: "2", From: 2, To: 3})
		require.ErrorContains(t, err, "somebody else has changed it")
		_, refused := err.(*autoscale.Refused)
		assert.False(t, refused, "it may work later")
		times = 0
		require.NoError(t, l.Scale(b, autoscale.Order{ID: "2", From: 2, To: 3}))
	})
}

func TestWhatIsRefused(t *testing.T) {
	is := func(err error, says string) {
		t.Helper()
		var refused *autoscale.Refused
		require.ErrorAs(t, err, &refused)
		require.ErrorContains(t, err, says)
	}
	in := autoscale.Order{ID: "1", From: 3, To: 2, Victims: []string{"chat-1"}}
	l := newLab(t, withReplicas(deployment, 3), "deployments")
	is(l.Scale(b, autoscale.Order{ID: "1", From: 1, To: -1}), "-1 replicas")
	l.server.Before = func(r *http.Request) int {
		if r.Method == http.MethodPut {
			return 422
		}
		return 0
	}
	is(l.Scale(b, in), "the API server answered 422")
	assert.Nil(t, cost(l.server, "chat-1"), "no mark stays")

	for _, lacks := range []struct{ verb, resource, says string }{
		{"get", "deployments/scale", "the role needs the verb get on deployments/scale"},
		{"update", "deployments/scale", "the role needs the verb update on deployments/scale"},
		{"patch", "pods", "the pod chat-1, which is drained, could not be marked as the one to go: not allowed (403): the role needs the verb patch on pods"},
	} {
		s := withReplicas(deployment, 3)
		s.Allow = func(verb, resource string) bool { return verb != lacks.verb || resource != lacks.resource }
		l := newLab(t, s, "deployments")
		is(l.Scale(b, in), lacks.says)
		assert.EqualValues(t, 3, replicas(s, deployment))
		assert.Nil(t, cost(s, "chat-1"), "no mark stays")
	}
	l = newLab(t, contract.New(), "deployments")
	require.ErrorContains(t, l.Scale(b, in), `there are no deployments/scale "chat" in namespace "llm" (404)`)
}

func TestSomebodyElseScalesIt(t *testing.T) {
	target := func(kind string) obj {
		return obj{"spec": obj{"scaleTargetRef": obj{"apiVersion": "apps/v1", "kind": kind, "name": "chat"}}}
	}
	out := autoscale.Order{ID: "1", From: 1, To: 2}
	s := withReplicas(deployment, 1)
	s.Put(hpas+"other", target("StatefulSet"))
	require.NoError(t, newLab(t, s, "deployments").Scale(b, out))
	s.Put(hpas+"mine", target("Deployment"))
	l := newLab(t, s, "deployments")
	var refused *autoscale.Refused
	require.ErrorAs(t, l.Scale(b, autoscale.Order{ID: "2", From: 2, To: 3}), &refused)
	assert.Contains(t, refused.Reason, `the HorizontalPodAutoscaler "mine" scales deployments "chat" in namespace "llm" too`)

	s = withReplicas(deployment, 1)
	s.Put(kedas+"k", obj{"spec": obj{"scaleTargetRef": obj{"name": "chat"}}})
	require.ErrorContains(t, newLab(t, s, "deployments").Scale(b, out), `the KEDA ScaledObject "k"`)

	s = withReplicas(deployment, 1)
	s.Before = func(r *http.Request) int {
		if r.URL.Path == kedas[:len(kedas)-1] {
			return 404
		}
		return 0
	}
	s.Allow = func(_, resource string) bool { return resource != "horizontalpodautoscalers" }
	l = newLab(t, s, "deployments")
	require.NoError(t, l.Scale(b, out), "what cannot be seen is told, and no reason to stop")
	require.Len(t, l.told(), 1)
	assert.Contains(t, l.told()[0], "the role needs the verb list on horizontalpodautoscalers")
}

func TestRivalsAreLookedForAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := withReplicas(deployment, 1)
		l := newLab(t, s, "deployments")
		ctx, cancel := context.WithCancel(t.Context())
		var ran sync.WaitGroup
		ran.Go(func() { assert.NoError(t, l.Run(ctx, func() {})) })
		synctest.Wait()
		assert.Empty(t, l.told())
		s.Put(hpas+"late", obj{"spec": obj{"scaleTargetRef": obj{"apiVersion": "apps/v1", "kind": "Deployment", "name": "chat"}}})
		time.Sleep(upkeep + time.Second)
		synctest.Wait()
		require.Len(t, l.told(), 1)
		assert.Contains(t, l.told()[0], `"late"`)
		require.Error(t, l.Scale(ctx, autoscale.Order{ID: "1", From: 1, To: 2}))
		s.Delete(hpas + "late")
		time.Sleep(rivalsKept + time.Second)
		require.NoError(t, l.Scale(ctx, autoscale.Order{ID: "1", From: 1, To: 2}))
		cancel()
		ran.Wait()
	})
}

func TestAnotherNumberIsTakenOver(t *testing.T) {
	s := withReplicas(deployment, 1)
	l := newLab(t, s, "deployments")
	require.NoError(t, l.Scale(b, autoscale.Order{ID: "1", From: 1, To: 2}))
	s.Put(deployment, obj{"spec": obj{"replicas": 6}})
	count, err := l.Count(b)
	require.NoError(t, err)
	assert.Equal(t, 6, count.Wanted)
	assert.Equal(t, []string{`somebody else has set deployments "chat" in namespace "llm" from 2 to 6 replicas: that is taken over`}, l.told())
}

func TestNothingIsLoweredWhileARolloutIsUnderWay(t *testing.T) {
	s := withReplicas(deployment, 3)
	s.Put(deployment, obj{"spec": obj{"replicas": 3}, "status": obj{"replicas": 4, "updatedReplicas": 1}})
	l := newLab(t, s, "deployments")
	in := autoscale.Order{ID: "1", From: 3, To: 2, Victims: []string{"chat-1"}}
	err := l.Scale(b, in)
	require.ErrorContains(t, err, "is being rolled out (1 of 4 pods are new)")
	assert.Nil(t, cost(s, "chat-1"))
	s.Put(deployment, obj{"spec": obj{"replicas": 3}, "status": obj{"replicas": 3, "updatedReplicas": 3}})
	require.NoError(t, l.Scale(b, in))
	assert.EqualValues(t, 2, replicas(s, deployment))
}

func TestAStatefulSetEndsItsHighestOrdinal(t *testing.T) {
	s := withReplicas(set, 12)
	l := newLab(t, s, "statefulsets")
	assert.Equal(t, []string{"chat-11", "chat-10", "chat-9"}, l.Choose([]string{"chat-2", "chat-10", "chat-9", "chat-11"}, 3))
	assert.Nil(t, newLab(t, s, "deployments").Choose([]string{"a", "b"}, 1))

	err := l.Scale(b, autoscale.Order{ID: "1", From: 12, To: 11, Victims: []string{"chat-3"}})
	var refused *autoscale.Refused
	require.ErrorAs(t, err, &refused)
	assert.Contains(t, refused.Reason, "ends its highest ordinal first, the pod chat-11, and that one is not drained")

	require.NoError(t, l.Scale(b, autoscale.Order{ID: "2", From: 12, To: 9, Victims: []string{"chat-11", "chat-10", "chat-3"}}))
	assert.EqualValues(t, 10, replicas(s, set), "only those above the first that is not drained")
	assert.Nil(t, cost(s, "chat-11"))

	s.Put(pods+"chat-9", podThatIs(false))
	require.NoError(t, l.Scale(b, autoscale.Order{ID: "3", From: 10, To: 9, Victims: []string{"chat-3"}}), "one that is not ready works for nobody")
	assert.EqualValues(t, 9, replicas(s, set))
}

func TestOrdinalsThatBeginLater(t *testing.T) {
	s := contract.New()
	s.Put(set, obj{"spec": obj{"replicas": 2, "ordinals": obj{"start": 5}}})
	for _, name := range []string{"chat-5", "chat-6"} {
		s.Put(pods+name, podThatIs(true))
	}
	l := newLab(t, s, "statefulsets")
	require.NoError(t, l.Scale(b, autoscale.Order{ID: "1", From: 2, To: 1, Victims: []string{"chat-6"}}))
	assert.EqualValues(t, 1, replicas(s, set))
}
