package kubernetes

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/balancer/discovery"
	"github.com/steelyard-proxy/steelyard/balancer/discovery/kubernetes/api"
	"github.com/steelyard-proxy/steelyard/balancer/discovery/kubernetes/contract"
)

const (
	slicesPath  = "/apis/discovery.k8s.io/v1/namespaces/llm/endpointslices/"
	podsPath    = "/api/v1/namespaces/llm/pods/"
	servicePath = "/api/v1/namespaces/llm/services/chat"
)

type obj = contract.Object

// lab is a source that runs against a contract server in virtual time.
type lab struct {
	t      *testing.T
	server *contract.Server
	after  func(time.Duration) // lets virtual time pass

	mu    sync.Mutex // guards the fields below, which the source's goroutine writes
	last  discovery.List
	lists int
	fails []string
	notes []string
}

func (l *lab) Found(list discovery.List) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last = list
	l.lists++
}

func (l *lab) Failed(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fails = append(l.fails, err.Error())
}

// run lets a test act while a source runs.
func run(t *testing.T, s *contract.Server, o Options, act func(l *lab)) {
	synctest.Test(t, func(t *testing.T) {
		l := &lab{t: t, server: s, after: func(d time.Duration) {
			time.Sleep(d)
			synctest.Wait()
		}}
		pipe, stop := contract.Serve(s)
		client, err := api.New(api.Access{Server: "http://kube.test", Dial: pipe.Dial, Namespace: "llm"})
		require.NoError(t, err)
		o.Client, o.Service = client, "chat"
		o.Log = func(text string) {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.notes = append(l.notes, text)
		}
		source, err := New(o)
		require.NoError(t, err)
		var ran sync.WaitGroup
		ctx, cancel := context.WithCancel(t.Context())
		ran.Go(func() { source.Run(ctx, l) })
		l.after(time.Second)
		act(l)
		cancel()
		ran.Wait()
		client.Forget()
		stop()
	})
}

func (l *lab) names() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var names []string
	for _, e := range l.last.Endpoints {
		name := e.Name
		if e.Departing {
			name = "-" + name
		}
		names = append(names, name)
	}
	return strings.Join(names, " ")
}

func (l *lab) counts() (lists int, sure bool, fails, notes []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lists, l.last.Sure, slices.Clone(l.fails), slices.Clone(l.notes)
}

// put writes a slice with ready pods, called by the last part of their addresses.
func put(s *contract.Server, name string, addresses ...int) {
	var members []any
	for _, a := range addresses {
		members = append(members, obj{
			"addresses": []any{fmt.Sprintf("10.0.%d.%d", a>>8, a&255)}, "conditions": obj{"ready": true},
			"targetRef": obj{"kind": "Pod", "name": fmt.Sprintf("p%d", a), "uid": fmt.Sprintf("u%d", a)}})
	}
	o := obj{"metadata": obj{"labels": obj{"kubernetes.io/service-name": "chat"}}, "addressType": "IPv4", "endpoints": members}
	if members != nil {
		o["ports"] = []any{obj{"name": "http", "port": 8000, "protocol": "TCP"}}
	}
	s.Put(slicesPath+name, o)
}

// cluster is one with the Service and a slice of pods.
func cluster(addresses ...int) *contract.Server {
	s := contract.New()
	s.Bookmark = time.Minute
	s.Put(servicePath, obj{"spec": obj{"type": "ClusterIP", "selector": obj{"app": "chat"}}})
	put(s, "chat-a", addresses...)
	return s
}

func TestChangesAreFollowed(t *testing.T) {
	s := cluster(1, 2)
	run(t, s, Options{}, func(l *lab) {
		assert.Equal(t, "p1 p2", l.names())
		put(s, "chat-b", 3)
		l.after(time.Second)
		assert.Equal(t, "p1 p2 p3", l.names())
		put(s, "chat-a", 2)
		s.Delete(slicesPath + "chat-b")
		l.after(time.Second)
		assert.Equal(t, "p2", l.names())
		_, sure, fails, _ := l.counts()
		assert.True(t, sure)
		assert.Empty(t, fails)
	})
}

func TestABookmarkChangesNothingAndSaysThatAllIsCurrent(t *testing.T) {
	s := cluster(1, 2)
	run(t, s, Options{}, func(l *lab) {
		before, _, _, _ := l.counts()
		l.after(10 * time.Minute)
		lists, _, fails, _ := l.counts()
		assert.Equal(t, "p1 p2", l.names())
		assert.Empty(t, fails)
		assert.GreaterOrEqual(t, lists-before, 8)
		assert.Equal(t, 1, s.Seen("list endpointslices"), "each watch goes on where the last one ended")
	})
}

func TestAForgottenVersionIsListedAgainWithoutAGap(t *testing.T) {
	s := cluster(1, 2)
	run(t, s, Options{}, func(l *lab) {
		s.Down(true)
		put(s, "chat-a", 2, 3)
		s.Forget()
		l.after(5 * time.Second)
		assert.Equal(t, "p1 p2", l.names(), "what was known stays")
		s.Down(false)
		l.after(40 * time.Second)
		assert.Equal(t, "p2 p3", l.names())
		for _, fail := range must(l.counts()) {
			assert.NotContains(t, fail, "410")
		}
	})
}

func must(_ int, _ bool, fails, _ []string) []string { return fails }

func TestAServerThatIsAwayForAMinuteChangesNothing(t *testing.T) {
	s := cluster(1, 2, 3)
	run(t, s, Options{}, func(l *lab) {
		before, _, _, _ := l.counts()
		s.Down(true)
		l.after(time.Minute)
		lists, _, fails, _ := l.counts()
		assert.Equal(t, before, lists, "nothing is said while nothing is known")
		assert.NotEmpty(t, fails)
		assert.Less(t, len(fails), 10, "it is asked less and less often")
		assert.Equal(t, "p1 p2 p3", l.names())
		s.Down(false)
		l.after(40 * time.Second)
		lists, _, _, _ = l.counts()
		assert.Greater(t, lists, before, "and then it says that all is current again")
		assert.Equal(t, "p1 p2 p3", l.names())
		assert.Equal(t, 1, s.Seen("list endpointslices"), "the watch goes on where it was")
	})
}

func TestASilentWatchIsGivenUp(t *testing.T) {
	s := cluster(1)
	run(t, s, Options{WithoutPods: true}, func(l *lab) {
		s.Silent(true)
		put(s, "chat-a", 2)
		l.after(179 * time.Second)
		assert.Equal(t, "p1", l.names())
		s.Silent(false)
		s.Put(podsPath+"x", obj{}) // of no interest; a change wakes the server's watches
		watches := s.Seen("watch endpointslices")
		l.after(5 * time.Minute)
		assert.Equal(t, "p2", l.names())
		assert.Greater(t, s.Seen("watch endpointslices"), watches)
	})
}

func TestNoPodsIsNotNoService(t *testing.T) {
	s := cluster()
	run(t, s, Options{}, func(l *lab) {
		lists, sure, fails, _ := l.counts()
		assert.Positive(t, lists)
		assert.True(t, sure, "the Service is there, and has no pods")
		assert.Empty(t, fails)
		assert.Empty(t, l.names())
		put(s, "chat-a", 1)
		l.after(time.Second)
		assert.Equal(t, "p1", l.names())
		put(s, "chat-a")
		l.after(time.Second)
		_, sure, _, _ = l.counts()
		assert.True(t, sure)
		assert.Empty(t, l.names(), "scaled to zero")
	})
}

func TestAnUnknownServiceIsAFailure(t *testing.T) {
	s := contract.New()
	s.Bookmark = time.Minute
	run(t, s, Options{}, func(l *lab) {
		lists, _, fails, _ := l.counts()
		assert.Zero(t, lists, "an empty list would empty the pool")
		require.NotEmpty(t, fails)
		assert.Contains(t, fails[0], `the namespace "llm" has no Service "chat"`)
		s.Put(servicePath, obj{"spec": obj{}})
		put(s, "chat-a", 1)
		l.after(time.Minute)
		assert.Equal(t, "p1", l.names())
	})
}

func TestAServiceThatIsDeletedEmptiesNothing(t *testing.T) {
	s := cluster(1, 2)
	run(t, s, Options{}, func(l *lab) {
		s.Delete(servicePath)
		s.Delete(slicesPath + "chat-a")
		l.after(time.Minute)
		_, _, fails, _ := l.counts()
		require.NotEmpty(t, fails)
		assert.Equal(t, "p1 p2", l.names(), "the last list stays")
	})
}

func TestWithoutLeaveToReadTheServiceNothingIsSure(t *testing.T) {
	s := cluster(1)
	s.Allow = func(_, resource string) bool { return resource == "endpointslices" }
	run(t, s, Options{}, func(l *lab) {
		_, sure, fails, notes := l.counts()
		assert.Equal(t, "p1", l.names())
		assert.False(t, sure)
		assert.Empty(t, fails)
		require.Len(t, notes, 1)
		assert.Contains(t, notes[0], "the role needs the verb get on services")
		put(s, "chat-a")
		l.after(time.Minute)
		assert.Equal(t, "p1", l.names())
		_, _, fails, _ = l.counts()
		assert.NotEmpty(t, fails)
	})
}

func TestCapacityAndSlotsOfPods(t *testing.T) {
	s := cluster(1, 2)
	s.Put(servicePath, obj{"metadata": obj{"annotations": obj{"steelyard.dev/slots": "4"}}, "spec": obj{"selector": obj{"app": "chat"}}})
	pod := func(n int, capacity string) {
		s.Put(fmt.Sprintf("%sp%d", podsPath, n), obj{"metadata": obj{"uid": fmt.Sprintf("u%d", n), "labels": obj{"app": "chat"},
			"annotations": obj{"steelyard.dev/capacity": capacity}}})
	}
	pod(1, "100")
	pod(2, "much")
	strengths := func(l *lab) (text string) {
		l.mu.Lock()
		defer l.mu.Unlock()
		for _, e := range l.last.Endpoints {
			text += fmt.Sprintf("%s %v/%d ", e.Name, e.Capacity, e.Slots)
		}
		return text
	}
	run(t, s, Options{}, func(l *lab) {
		assert.Equal(t, "p1 100/4 p2 0/4 ", strengths(l))
		_, _, _, notes := l.counts()
		require.Len(t, notes, 1)
		assert.Contains(t, notes[0], `steelyard.dev/capacity of p2 must be a number above 0, is "much"`)
		pod(2, "50")
		l.after(time.Second)
		assert.Equal(t, "p1 100/4 p2 50/4 ", strengths(l))
		s.Delete(podsPath + "p2")
		l.after(time.Second)
		assert.Equal(t, "p1 100/4 p2 50/4 ", strengths(l), "the slices say when it is gone")
		put(s, "chat-a", 1)
		l.after(time.Second)
		assert.Equal(t, "p1 100/4 ", strengths(l))
	})
}

func TestPodsThatMayNotBeReadAreNoFailure(t *testing.T) {
	s := cluster(1)
	s.Allow = func(_, resource string) bool { return resource != "pods" }
	run(t, s, Options{}, func(l *lab) {
		l.after(10 * time.Minute)
		assert.Equal(t, "p1", l.names())
		_, sure, fails, notes := l.counts()
		assert.True(t, sure)
		assert.Empty(t, fails)
		require.Len(t, notes, 1, "it is said once")
		assert.Contains(t, notes[0], "the role needs the verb list on pods")
	})
}

func TestWhatARoleLacksIsSaid(t *testing.T) {
	s := cluster(1)
	s.Allow = func(verb, resource string) bool { return resource != "endpointslices" || verb != "watch" }
	run(t, s, Options{}, func(l *lab) {
		_, _, fails, _ := l.counts()
		require.NotEmpty(t, fails)
		assert.Contains(t, fails[0], `the role needs the verb watch on endpointslices (API group discovery.k8s.io) in namespace "llm"`)
	})
}

func TestAThousandEndpointsCostOneListForManyChanges(t *testing.T) {
	s := cluster()
	run(t, s, Options{WithoutPods: true}, func(l *lab) {
		before, _, _, _ := l.counts()
		for i := range 10 {
			var hundred []int
			for a := range 100 {
				hundred = append(hundred, 1+i*100+a)
			}
			put(s, fmt.Sprintf("chat-%d", i), hundred...)
		}
		l.after(time.Second)
		lists, _, _, _ := l.counts()
		assert.Len(t, strings.Fields(l.names()), 1000)
		assert.LessOrEqual(t, lists-before, 2, "changes that come together are one")
	})
}
