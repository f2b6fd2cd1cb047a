package peers

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"text/template"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/configs"
)

func plan() Plan {
	return Plan{
		Dir: "/run/dir", Listen: "127.0.0.1:8080", Admin: "127.0.0.1:9090",
		Policy: "least_load", Scale: 1, Slots: true, Queue: "shortest_first", Wait: time.Minute,
		Endpoints: []Endpoint{
			{Name: "C50", Addr: "127.0.0.1:9001", Capacity: 50, Slots: 1}, {Name: "C100", Addr: "127.0.0.1:9002", Capacity: 100, Slots: 2},
			{Name: "C75", Addr: "127.0.0.1:9003", Capacity: 75, Slots: 1},
		},
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if os.Getenv("UPDATE_GOLDEN") != "" {
		require.NoError(t, os.WriteFile(file, []byte(got), 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), got)
}

func TestConfigurations(t *testing.T) {
	p := plan()
	p.Slots = false
	text, err := p.render(nginxTemplate, false)
	require.NoError(t, err)
	golden(t, "nginx.conf", text)
	p.Slots = true
	text, err = p.render(haproxyTemplate, false)
	require.NoError(t, err)
	golden(t, "haproxy-maxconn.conf", text)
	p.Slots = false
	text, err = p.render(haproxyTemplate, false)
	require.NoError(t, err)
	require.NotContains(t, text, "  maxconn 1\n")
	golden(t, "haproxy-leastconn.conf", text)
	p.Slots = true
	text, err = p.render(steelyardTemplate, false)
	require.NoError(t, err)
	golden(t, "steelyard.yaml", text)
}

// TestProxiesAsTheirUsersSetThemUp is what benches of cost ask for.
func TestProxiesAsTheirUsersSetThemUp(t *testing.T) {
	p := plan()
	p.InTurn, p.Forwarded, p.Buffered = true, true, true
	nginx, err := p.render(nginxTemplate, true)
	require.NoError(t, err)
	require.Contains(t, nginx, "user root;")
	require.Contains(t, nginx, "proxy_set_header X-Forwarded-For ")
	require.NotContains(t, nginx, "least_conn")
	require.NotContains(t, nginx, "proxy_buffering")
	haproxy, err := p.render(haproxyTemplate, true)
	require.NoError(t, err)
	require.Contains(t, haproxy, "\n  option forwardfor\n")
	require.Contains(t, haproxy, "\n  http-request set-header X-Forwarded-Proto http\n")
	require.Contains(t, haproxy, "\n  balance roundrobin\n")
	require.NotContains(t, haproxy, "no-delay")
}

// TestStock has everything set that bad days vary, and our own read back.
func TestStock(t *testing.T) {
	p := plan()
	p.Stock, p.InTurn, p.AccessLog, p.Probes = true, true, true, true
	p.Wait, p.Answer, p.Files = 10*time.Second, 2*time.Second, 40
	for template, wanted := range map[*template.Template][]string{
		nginxTemplate:   {"listen 127.0.0.1:8080", "server 127.0.0.1:9002 weight=100 max_conns=2;", "access_log /dev/stderr;", "proxy_read_timeout 2s;", "worker_connections 30;"},
		haproxyTemplate: {"bind 127.0.0.1:8080", "server e1 127.0.0.1:9002 weight 100 maxconn 2 check inter 500ms fall 2\n", "timeout queue 10000ms", "timeout server 2s", "maxconn 13\n"},
	} {
		text, err := p.render(template, false)
		require.NoError(t, err)
		for _, part := range wanted {
			require.Contains(t, text, part)
		}
		for _, raised := range []string{"keepalive_requests", "max_fails", "proxy_next_upstream", "retries", "purge"} {
			require.NotContains(t, text, raised)
		}
	}
	dir := t.TempDir()
	p.BodyMemory, p.CertFile, p.KeyFile = "256MiB", filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	papers := httptest.NewTLSServer(nil)
	defer papers.Close()
	key, err := x509.MarshalPKCS8PrivateKey(papers.TLS.Certificates[0].PrivateKey)
	require.NoError(t, err)
	for file, block := range map[string]pem.Block{
		p.CertFile: {Type: "CERTIFICATE", Bytes: papers.Certificate().Raw}, p.KeyFile: {Type: "PRIVATE KEY", Bytes: key},
	} {
		require.NoError(t, os.WriteFile(file, pem.EncodeToMemory(&block), 0o600))
	}
	text, err := p.render(steelyardTemplate, false)
	require.NoError(t, err)
	c, err := configs.Parse("generated", []byte(text), nil)
	require.NoError(t, err, text)
	require.Equal(t, 10*time.Second, c.Upstreams[0].Queue.MaxWait)
	require.True(t, c.Log.Access)
	require.Equal(t, p.CertFile, c.Upstreams[0].Endpoints[2].TLS.CAFile)
}

// TestOursIsUnderstood reads each form of our own configuration with the real decoder.
func TestOursIsUnderstood(t *testing.T) {
	p := plan()
	for _, change := range []func(){func() {}, func() { p.Wait = 0 }, func() { p.Queue = "" }, func() { p.Slots = false }, func() { p.Scale = 0 }} {
		change()
		text, err := p.render(steelyardTemplate, false)
		require.NoError(t, err)
		c, err := configs.Parse("generated", []byte(text), nil)
		require.NoError(t, err, "%s", text)
		require.Equal(t, "least_load", c.Upstreams[0].Policy)
		require.Len(t, c.Upstreams[0].Endpoints, 3)
	}
	p.Policy, p.Speed, p.Endpoints[0].Cache = "least_cost", 18, 412_000
	p.Queue, p.ReadAhead, p.Wait = "shortest_first", 5*time.Millisecond, time.Second
	text, err := p.render(steelyardTemplate, false)
	require.NoError(t, err)
	c, err := configs.Parse("generated", []byte(text), nil)
	require.NoError(t, err, "%s", text)
	require.Equal(t, 18.0, c.Upstreams[0].TimeScale)
	require.Equal(t, 5*time.Millisecond, c.Upstreams[0].Queue.ReadAhead)
	require.Equal(t, 412_000, c.Upstreams[0].Endpoints[0].PrefixCache.Tokens)
	require.True(t, c.Upstreams[0].Endpoints[1].PrefixCache.Auto)

	p.Policy, p.Queue, p.ReadAhead, p.Wait = "", "", 0, 0
	text, err = p.render(steelyardTemplate, false)
	require.NoError(t, err)
	for _, key := range []string{"policy", "capacity_scale", "queue", "slots"} {
		require.NotContains(t, text, key, "the defaults are what is measured")
	}
}

func TestWeightsAreExactWhereTheyCan(t *testing.T) {
	for _, c := range []struct {
		capacities []float64
		want       []int
	}{
		{[]float64{50, 100, 75}, []int{50, 100, 75}},
		{[]float64{200, 200, 400, 800, 1600}, []int{1, 1, 2, 4, 8}},
		{[]float64{0.5}, []int{1}},
		{[]float64{1, 1000}, []int{1, 256}},
	} {
		require.Equal(t, c.want, Weights(c.capacities))
	}
	weights := Weights([]float64{138.5, 69.2, 92.3})
	require.InEpsilon(t, 138.5/69.2, float64(weights[0])/float64(weights[1]), 0.01)
	require.InEpsilon(t, 138.5/92.3, float64(weights[0])/float64(weights[2]), 0.01)
}

func TestMissingProgramNamesTheRemedy(t *testing.T) {
	_, err := lookUp("no-such-proxy")
	require.ErrorIs(t, err, ErrMissing)
	require.ErrorContains(t, err, "apt-get install no-such-proxy")
}

// TestPeersCarryRequests runs each peer that this machine has.
func TestPeersCarryRequests(t *testing.T) {
	for _, name := range Installable {
		t.Run(name, func(t *testing.T) {
			program, err := Find(t.Context(), name)
			if err != nil {
				t.Skip(err)
			}
			require.Contains(t, strings.ToLower(program.Version), name)
			process := start(t, program, Plan{Slots: true})
			recovering := start(t, program, Plan{Stock: true, Recovers: true})
			require.NoError(t, recovering.Ended(), "it takes what it is told to do against faults")
			pids, err := recovering.Session()
			require.NoError(t, err)
			require.Equal(t, recovering.PID(), pids[0])
			require.FileExists(t, recovering.File)
			require.Equal(t, recovering.Addr, recovering.Plan.Listen)
			require.NoError(t, process.Ended())
			answer, err := http.Get("http://" + process.Addr)
			require.NoError(t, err)
			text, err := io.ReadAll(answer.Body)
			require.NoError(t, err)
			require.NoError(t, answer.Body.Close())
			require.Equal(t, "from the engine", string(text))
			process.Stop()
			process.Stop()
			require.ErrorContains(t, process.Ended(), "ended during the run")
			_, err = net.Dial("tcp", process.Addr)
			require.Error(t, err)
		})
	}
}

func start(t *testing.T, program Program, plan Plan) *Process {
	engine := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "from the engine")
	}))
	t.Cleanup(engine.Close)
	plan.Dir, plan.Endpoints = t.TempDir(), []Endpoint{{Name: "only", Addr: engine.Listener.Addr().String(), Capacity: 100, Slots: 1}}
	process, err := program.Start(t.Context(), plan)
	require.NoError(t, err)
	t.Cleanup(process.Stop)
	return process
}

// TestWhatAProgramSaysIsShown starts one that refuses its configuration.
func TestWhatAProgramSaysIsShown(t *testing.T) {
	program := Program{Name: "grumbler", Path: "/bin/sh", fileName: "x", config: nginxTemplate,
		args: func(string) []string { return []string{"-c", "echo no such directive >&2; exit 3"} }}
	_, err := program.Start(t.Context(), Plan{Dir: t.TempDir()})
	require.ErrorContains(t, err, "start grumbler: it ended: exit status 3")
	require.ErrorContains(t, err, "no such directive")
}

// TestATakenPortIsNoEnd: the program is started once more, on other ports.
func TestATakenPortIsNoEnd(t *testing.T) {
	tries := filepath.Join(t.TempDir(), "tries")
	program := Program{Name: "grumbler", Path: "/bin/sh", fileName: "x", config: nginxTemplate,
		args: func(string) []string {
			return []string{"-c", "echo x >>" + tries + "; echo 'bind() failed (98: Address already in use)' >&2; exit 1"}
		}}
	_, err := program.Start(t.Context(), Plan{Dir: t.TempDir()})
	require.ErrorContains(t, err, "Address already in use")
	text, err := os.ReadFile(tries)
	require.NoError(t, err)
	require.Equal(t, startTries, strings.Count(string(text), "x"))
}

func TestStartIsGivenUpWithItsContext(t *testing.T) {
	program := Program{Name: "sleeper", Path: "/bin/sh", fileName: "x", config: nginxTemplate,
		args: func(string) []string { return []string{"-c", "exec sleep 100"} }}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := program.Start(ctx, Plan{Dir: t.TempDir()})
	require.ErrorIs(t, err, context.Canceled)
}

func TestTailKeepsTheEnd(t *testing.T) {
	var said tail
	for i := range 2000 {
		fmt.Fprintf(&said, "line %d\n", i)
	}
	require.True(t, strings.HasSuffix(said.String(), "line 1999"))
	require.LessOrEqual(t, len(said.String()), 4<<10)
}
