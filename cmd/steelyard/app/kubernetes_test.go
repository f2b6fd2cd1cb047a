package app_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/balancer/discovery/kubernetes/contract"
	"github.com/steelyard-proxy/steelyard/configs"
)

const kubeSlices = "/apis/discovery.k8s.io/v1/namespaces/llm/endpointslices/"

// kubePods is a cluster's API server, and one listener that has the addresses of all its pods: 127.1.x.y is this machine.
type kubePods struct {
	server *contract.Server
	port   int
	config *configs.Config

	mu     sync.Mutex      // guards the fields below
	alive  map[string]bool // addresses at which a pod runs
	missed int             // requests that came to another one
}

func newKubePods(t *testing.T) *kubePods {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("only Linux has all of 127.0.0.0/8 without asking")
	}
	k := &kubePods{server: contract.New(), alive: map[string]bool{}}
	k.server.Bookmark = time.Minute
	k.server.Put("/api/v1/namespaces/llm/services/chat", contract.Object{"spec": contract.Object{}})
	listener, err := net.Listen("tcp", "0.0.0.0:0")
	require.NoError(t, err)
	k.port = listener.Addr().(*net.TCPAddr).Port
	pods := &httptest.Server{Listener: listener, Config: &http.Server{Handler: k}}
	pods.Start()
	t.Cleanup(pods.Close)
	cluster := httptest.NewServer(k.server)
	t.Cleanup(func() {
		k.server.Down(true)
		cluster.Close()
	})
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	require.NoError(t, os.WriteFile(kubeconfig, []byte(fmt.Sprintf(`{current-context: c, clusters: [{name: c, cluster: {server: %q}}],
		contexts: [{name: c, context: {cluster: c, namespace: llm}}]}`, cluster.URL)), 0o600))
	k.config, err = configs.Parse("test.yaml", []byte(fmt.Sprintf(`
listen: [{address: "127.0.0.1:0"}]
upstreams:
  - name: chat
    health: {interval: 1m, timeout: 30s}
    discovery: {kind: kubernetes, service: chat, kubeconfig: %q, allow_loopback: true}
`, kubeconfig)), nil)
	require.NoError(t, err)
	return k
}

func (k *kubePods) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	host, _, _ := net.SplitHostPort(r.Context().Value(http.LocalAddrContextKey).(net.Addr).String())
	k.mu.Lock()
	alive := k.alive[host]
	if !alive {
		k.missed++
	}
	k.mu.Unlock()
	if !alive {
		panic(http.ErrAbortHandler)
	}
	_, _ = io.WriteString(w, host)
}

func podAddress(n int) string { return fmt.Sprintf("127.1.%d.%d", n/250, 1+n%250) }

// put writes a slice of pods. Those whose generation is another one are other pods at the same addresses.
func (k *kubePods) put(name, generation string, ready bool, pods ...int) {
	var members []any
	k.mu.Lock()
	for _, n := range pods {
		k.alive[podAddress(n)] = true
		id := fmt.Sprintf("chat-%d-%s", n, generation)
		members = append(members, contract.Object{"addresses": []any{podAddress(n)}, "conditions": contract.Object{"ready": ready, "serving": true, "terminating": !ready},
			"targetRef": contract.Object{"kind": "Pod", "name": id, "uid": "uid-" + id}})
	}
	k.mu.Unlock()
	k.server.Put(kubeSlices+name, contract.Object{"metadata": contract.Object{"labels": contract.Object{"kubernetes.io/service-name": "chat"}},
		"addressType": "IPv4", "endpoints": members, "ports": []any{contract.Object{"name": "http", "port": k.port, "protocol": "TCP"}}})
}

// end stops pods that no slice names any more.
func (k *kubePods) end(pods ...int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, n := range pods {
		delete(k.alive, podAddress(n))
	}
}

func upTo(from, to int) (list []int) {
	for n := from; n < to; n++ {
		list = append(list, n)
	}
	return list
}

// eligibleNames are the names of the endpoints that may be picked, in order.
func eligibleNames(r *running) (names []string) {
	for _, e := range r.Snapshots()[0].Endpoints {
		if e.Conditions == 0 {
			names = append(names, e.Endpoint.Name())
		}
	}
	slices.Sort(names)
	return names
}

// kubeLoad asks from several clients until stop is called, which returns how many requests there were and the first failures.
func kubeLoad(r *running) (stop func() (int64, []string)) {
	var (
		asked    atomic.Int64
		mu       sync.Mutex
		failures []string
		clients  sync.WaitGroup
		ended    = make(chan struct{})
	)
	for range 4 {
		clients.Go(func() {
			for {
				select {
				case <-ended:
					return
				default:
				}
				answer, err := http.Get(r.url)
				failure := ""
				if err != nil {
					failure = err.Error()
				} else {
					text, _ := io.ReadAll(answer.Body)
					_ = answer.Body.Close()
					if answer.StatusCode != http.StatusOK {
						failure = fmt.Sprint(answer.StatusCode, " ", string(text))
					}
				}
				asked.Add(1)
				if failure != "" {
					mu.Lock()
					failures = append(failures, failure)
					mu.Unlock()
				}
			}
		})
	}
	return func() (int64, []string) {
		close(ended)
		clients.Wait()
		return asked.Load(), failures[:min(3, len(failures))]
	}
}

// A thousand endpoints appear, move and vanish under load, and no request fails; nor when the API server is away, or has
// forgotten what it said.
func TestAThousandPodsComeMoveAndGo(t *testing.T) {
	if testing.Short() {
		t.Skip("a thousand endpoints take long under the race detector")
	}
	k := newKubePods(t)
	k.put("chat-0", "a", true, upTo(0, 10)...)
	r := run(t, k.config)
	uses := func(n int, generation string) func() bool {
		return func() bool {
			names := eligibleNames(r)
			return len(names) == n && (generation == "" || !slices.ContainsFunc(names, func(name string) bool { return name[len(name)-1:] != generation }))
		}
	}
	eventually(t, "ten pods", uses(10, "a"))
	stop := kubeLoad(r)
	for s := 1; s < 10; s++ {
		k.put(fmt.Sprintf("chat-%d", s), "a", true, upTo(s*100, s*100+100)...)
	}
	k.put("chat-0", "a", true, upTo(0, 100)...)
	eventually(t, "a thousand pods", uses(1000, "a"))

	// Other pods at the same addresses, slice by slice; the API server forgets all versions and breaks all connections meanwhile.
	for s := range 10 {
		k.put(fmt.Sprintf("chat-%d", s), "b", true, upTo(s*100, s*100+100)...)
		if s == 5 {
			k.server.Forget()
			k.server.Break()
		}
	}
	eventually(t, "a thousand others", uses(1000, "b"))

	k.server.Down(true)
	require.Len(t, eligibleNames(r), 1000)
	k.server.Down(false)

	// They end as pods do: first they are terminating, and when the gateway has seen that they are gone.
	for s := 1; s < 10; s++ {
		k.put(fmt.Sprintf("chat-%d", s), "b", false, upTo(s*100, s*100+100)...)
	}
	eventually(t, "a hundred to stay", uses(100, "b"))
	for s := 1; s < 10; s++ {
		k.server.Delete(kubeSlices + fmt.Sprintf("chat-%d", s))
		k.end(upTo(s*100, s*100+100)...)
	}
	eventually(t, "the others to go", func() bool { return len(r.Snapshots()[0].Endpoints) == 100 })
	asked, failures := stop()
	require.Empty(t, failures, "of %d requests", asked)
	require.Greater(t, asked, int64(100))
	t.Logf("%d requests, %d came to an address without a pod", asked, k.missed)
}
