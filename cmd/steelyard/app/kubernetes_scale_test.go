package app_test

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/balancer/discovery/kubernetes/contract"
	"github.com/steelyard-proxy/steelyard/configs"
	"github.com/steelyard-proxy/steelyard/metrics/event"
)

const podPath = "/api/v1/namespaces/llm/pods/"

// kubeSet is a Deployment or a LeaderWorkerSet, and whoever keeps as many pods as its scale says: the contract server keeps only
// the number.
type kubeSet struct {
	*kubePods
	path      string
	byOrdinal bool // the highest one goes, else the one that costs least

	mu    sync.Mutex
	pods  []int // that there are; guarded by mu
	next  int   // number of the next one, where they are not ordinals; guarded by mu
	ended []int // in the order in which they went; guarded by mu
}

func newKubeSet(t *testing.T, path string, byOrdinal bool) *kubeSet {
	s := &kubeSet{kubePods: newKubePods(t), path: path, byOrdinal: byOrdinal}
	s.server.Scaled = func(_ string, _, to int) { s.become(to) }
	s.server.Put(path, contract.Object{"spec": contract.Object{"replicas": 1}, "status": contract.Object{"replicas": 1, "updatedReplicas": 1}})
	s.become(1)
	return s
}

func kubePod(n int) string { return "chat-" + strconv.Itoa(n) }

// become has pods started and ended, and the Service's slice say so, as controllers do.
func (s *kubeSet) become(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.pods) < n {
		number := s.next
		if s.next++; s.byOrdinal {
			number = len(s.pods)
		}
		s.pods = append(s.pods, number)
		s.server.Put(podPath+kubePod(number), contract.Object{"status": contract.Object{"conditions": []any{contract.Object{"type": "Ready", "status": "True"}}}})
	}
	for len(s.pods) > n {
		goes := slices.MinFunc(s.pods, func(a, b int) int {
			if s.byOrdinal {
				return cmp.Compare(b, a)
			}
			return cmp.Compare(s.cost(a), s.cost(b))
		})
		s.pods = slices.DeleteFunc(s.pods, func(pod int) bool { return pod == goes })
		s.ended = append(s.ended, goes)
		s.server.Delete(podPath + kubePod(goes))
		s.end(goes)
	}
	var members []any
	s.kubePods.mu.Lock()
	for _, pod := range s.pods {
		s.alive[podAddress(pod)] = true
		members = append(members, contract.Object{"addresses": []any{podAddress(pod)}, "conditions": contract.Object{"ready": true, "serving": true},
			"targetRef": contract.Object{"kind": "Pod", "name": kubePod(pod), "uid": "uid-" + kubePod(pod)}})
	}
	s.kubePods.mu.Unlock()
	s.server.Put(kubeSlices+"chat-x", contract.Object{"metadata": contract.Object{"labels": contract.Object{"kubernetes.io/service-name": "chat"}},
		"addressType": "IPv4", "endpoints": members, "ports": []any{contract.Object{"name": "http", "port": s.port, "protocol": "TCP"}}})
}

// cost is what it costs to end a pod, as whoever drained it has said.
func (s *kubeSet) cost(pod int) int {
	meta, _ := s.server.Get(podPath + kubePod(pod))["metadata"].(contract.Object)
	annotations, _ := meta["annotations"].(contract.Object)
	text, _ := annotations["controller.kubernetes.io/pod-deletion-cost"].(string)
	cost, _ := strconv.Atoi(text)
	return cost
}

func (s *kubeSet) gone() []int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.ended)
}

// scaled is the configuration that has so many of them.
func (s *kubeSet) scaled(t *testing.T, target string, least int) *configs.Config {
	t.Helper()
	kubeconfig := s.config.Upstreams[0].Discovery.Kubeconfig
	cfg, err := configs.Parse("test.yaml", []byte(fmt.Sprintf(`
listen: [{address: "127.0.0.1:0"}]
admin: {address: "127.0.0.1:0"}
upstreams:
  - name: chat
    health: {interval: 1m, timeout: 30s}
    discovery: {kind: kubernetes, service: chat, kubeconfig: %q, allow_loopback: true, slots: 8}
    scale: {min: %d, max: 3, slots: 8, dry_run: false, predict: "off", actuator: {kind: kubernetes, target: %s, kubeconfig: %q}}
`, kubeconfig, least, target, kubeconfig)), nil)
	require.NoError(t, err)
	c := cfg.Upstreams[0].Scale
	c.Interval, c.ScaleInAfter = 50*time.Millisecond, 300*time.Millisecond
	return cfg
}

// TestKubernetesIsScaled from 1 to 3 and back, under load, by the program's own decisions: no request fails, and those go that are drained.
func TestKubernetesIsScaled(t *testing.T) {
	for name, c := range map[string]struct {
		path, target string
		byOrdinal    bool
	}{
		"Deployment":      {"/apis/apps/v1/namespaces/llm/deployments/chat", "deployment/chat", false},
		"LeaderWorkerSet": {"/apis/leaderworkerset.x-k8s.io/v1/namespaces/llm/leaderworkersets/chat", "leaderworkerset/chat", true},
	} {
		t.Run(name, func(t *testing.T) {
			s := newKubeSet(t, c.path, c.byOrdinal)
			r := run(t, s.scaled(t, c.target, 1))
			eventually(t, "one pod", func() bool { return slices.Equal(eligibleNames(r), []string{"chat-0"}) })
			stop := kubeLoad(r)
			require.NoError(t, r.Reload(s.scaled(t, c.target, 3)))
			eventually(t, "three pods", func() bool { return len(eligibleNames(r)) == 3 })
			require.EqualValues(t, 3, s.server.Get(c.path)["spec"].(contract.Object)["replicas"])
			asked, failures := stop()
			require.Empty(t, failures, "of %d requests", asked)

			stop = kubeLoad(r)
			cfg := s.scaled(t, c.target, 1)
			cfg.Upstreams[0].Scale.Max = 2 // so that one goes whatever the load is
			require.NoError(t, r.Reload(cfg))
			eventually(t, "one to go", func() bool { return len(s.gone()) >= 1 })
			asked, failures = stop()
			require.Empty(t, failures, "of %d requests", asked)
			eventually(t, "the other one to go", func() bool { return len(s.gone()) == 2 && len(r.Snapshots()[0].Endpoints) == 1 })
			if c.byOrdinal {
				require.Equal(t, []int{2, 1}, s.gone())
			}
			require.EqualValues(t, 1, s.server.Get(c.path)["spec"].(contract.Object)["replicas"])
			require.GreaterOrEqual(t, r.Events().Published(event.ScaleOut), uint64(1))
			require.GreaterOrEqual(t, r.Events().Published(event.ScaleIn), uint64(1))
			require.ElementsMatch(t, s.drained(r), s.gone(), "who was drained went")
		})
	}
}

// drained are the pods that were told to depart.
func (s *kubeSet) drained(r *running) (pods []int) {
	all, _ := r.Events().Since(0)
	for _, e := range all {
		if e.Kind == event.Departing {
			n, _ := strconv.Atoi(strings.TrimPrefix(e.Endpoint, "chat-"))
			pods = append(pods, n)
		}
	}
	return pods
}
