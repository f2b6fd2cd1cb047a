//go:build cluster && linux

// The gateway as a program, and clients that count what fails.

package cluster

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// running is the gateway.
type running struct {
	t              *testing.T
	clients, admin string // addresses
	log            string // a file
}

// startGateway runs the program, with the role that configs/packages/kubernetes/role.yaml gives, in front of a Service.
func startGateway(p *plane, service string) *running {
	g := &running{t: p.t, clients: "127.0.0.1:" + freePort(p.t), admin: "127.0.0.1:" + freePort(p.t), log: filepath.Join(p.folder, "gateway.log")}
	config := p.write("gateway.yaml", fmt.Sprintf(`
listen: [{address: %q}]
admin: {address: %q}
timeouts: {shutdown: 10s}
upstreams:
  - name: vllm
    discovery: {kind: kubernetes, service: %s, namespace: %s, port_name: http, kubeconfig: %q}
    health: {path: /health, interval: 30s}
`, g.clients, g.admin, service, namespace, p.kubeconfig("gateway.conf", account)))
	out, err := os.Create(g.log)
	require.NoError(p.t, err)
	cmd := exec.Command(gateway, "serve", config)
	cmd.Stdout, cmd.Stderr = out, out
	require.NoError(p.t, cmd.Start())
	p.t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		if p.t.Failed() {
			p.t.Logf("the gateway said at the end:\n%s", tail(g.log))
		}
		_ = out.Close()
	})
	p.eventually("the gateway is ready", func() bool {
		r, err := http.Get("http://" + g.admin + "/readyz")
		if err != nil {
			return false
		}
		_ = r.Body.Close()
		return r.StatusCode == http.StatusOK
	})
	return g
}

// endpoints are the names of those that may be picked now, in order.
func (g *running) endpoints() []string {
	r, err := http.Get("http://" + g.admin + "/api/v1/upstreams/vllm")
	require.NoError(g.t, err)
	defer r.Body.Close()
	var is struct {
		Endpoints []struct {
			Name     string `json:"name"`
			Eligible bool   `json:"eligible"`
		} `json:"endpoints"`
	}
	require.NoError(g.t, json.NewDecoder(r.Body).Decode(&is))
	var names []string
	for _, e := range is.Endpoints {
		if e.Eligible {
			names = append(names, e.Name)
		}
	}
	slices.Sort(names)
	return names
}

// ready are the names of the pods that the slices of a Service have as ready, in order.
func (p *plane) ready(service string) []string {
	var list struct {
		Items []struct {
			Endpoints []struct {
				Conditions struct {
					Ready *bool `json:"ready"`
				} `json:"conditions"`
				Target struct {
					Name string `json:"name"`
				} `json:"targetRef"`
			} `json:"endpoints"`
		} `json:"items"`
	}
	p.do(http.MethodGet, in("discovery.k8s.io/v1", "endpointslices")+"?labelSelector=kubernetes.io/service-name="+service, nil, &list)
	var names []string
	for _, s := range list.Items {
		for _, e := range s.Endpoints {
			if e.Conditions.Ready == nil || *e.Conditions.Ready {
				names = append(names, e.Target.Name)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// agree waits until the gateway uses exactly the n pods that the slices have as ready.
func (g *running) agree(p *plane, service string, n int) {
	g.t.Helper()
	p.eventually(fmt.Sprintf("the gateway uses the %d pods that are ready", n), func() bool {
		ready := p.ready(service)
		return len(ready) == n && slices.Equal(ready, g.endpoints())
	})
}

// load is clients that ask one after the other.
type load struct {
	stop     chan struct{}
	all      sync.WaitGroup
	asked    atomic.Int64
	mu       sync.Mutex
	failures []string // guarded by mu
}

// begin lets n clients ask until end.
func (g *running) begin(n int) *load {
	l := &load{stop: make(chan struct{})}
	client := &http.Client{Timeout: time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: n}}
	for range n {
		l.all.Go(func() {
			for {
				select {
				case <-l.stop:
					return
				case <-time.After(50 * time.Millisecond):
				}
				if failure := ask(client, "http://"+g.clients+"/v1/chat/completions"); failure != "" {
					l.mu.Lock()
					l.failures = append(l.failures, time.Now().Format("15:04:05.000 ")+failure)
					l.mu.Unlock()
				}
				l.asked.Add(1)
			}
		})
	}
	return l
}

func ask(client *http.Client, url string) string {
	r, err := client.Post(url, "application/json", bytes.NewReader([]byte(`{"model":"m","messages":[{"role":"user","content":"hello"}]}`)))
	if err != nil {
		return err.Error()
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != http.StatusOK {
		return fmt.Sprintf("%d %v %s", r.StatusCode, err, body)
	}
	return ""
}

// end stops the clients, and fails the test if a request has failed.
func (l *load) end(t *testing.T, what string) {
	t.Helper()
	close(l.stop)
	l.all.Wait()
	t.Logf("%s: %d requests, %d failed", what, l.asked.Load(), len(l.failures))
	require.Empty(t, l.failures, "%d of %d requests failed, first: %s", len(l.failures), l.asked.Load(), strings.Join(l.failures[:min(3, len(l.failures))], "; "))
}
