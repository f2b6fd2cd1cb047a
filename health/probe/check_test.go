package probe

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// once probes a target with the prober's own check and deadline.
func once(t *testing.T, o Options, target Target) *verdict {
	t.Helper()
	if o.Timeout == 0 {
		o.Timeout = 10 * time.Second // so long that only a hang meets it
	}
	o = o.withDefaults()
	ctx, cancel := context.WithTimeout(t.Context(), o.Timeout)
	defer cancel()
	return newCheck(o, target)(ctx)
}

func tcp(address string) Target { return Target{Name: "gpu", Network: "tcp", Address: address} }

// serve starts a web server that ends with the test.
func serve(t *testing.T, handler http.HandlerFunc) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server
}

// listen starts a raw server that hands each connection to the function and ends with the test.
func listen(t *testing.T, network, address string, handle func(net.Conn)) net.Listener {
	t.Helper()
	l, err := net.Listen(network, address)
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			handle(conn)
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
	return l
}

func TestGetJudgesTheStatus(t *testing.T) {
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		var status int
		_, _ = fmt.Sscan(r.URL.Query().Get("status"), &status)
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(status)
	})
	busy := func(status int) bool { return status == 429 }
	for status, want := range map[int]Result{
		200: Passed, 204: Passed, 299: Passed, 429: PassedBusy,
		302: FailedStatus, 404: FailedStatus, 500: FailedStatus, 503: FailedStatus,
	} {
		path := fmt.Sprintf("/health?status=%d", status)
		v := once(t, Options{Path: path, Busy: busy}, tcp(server.Listener.Addr().String()))
		assert.Equal(t, verdict{want, fmt.Sprintf("GET %s: status %d", path, status)}, *v)
	}
	teapot := Options{Path: "/health?status=418", Healthy: func(status int) bool { return status == 418 }}
	assert.Equal(t, Passed, once(t, teapot, tcp(server.Listener.Addr().String())).result)
}

func TestGetSends(t *testing.T) {
	requests := make(chan *http.Request, 1)
	server := serve(t, func(_ http.ResponseWriter, r *http.Request) { requests <- r })
	address := server.Listener.Addr().String()
	plain := tcp(address)
	named := Target{Network: "tcp", Address: address, Host: "gpu3.example"}
	for _, test := range []struct {
		options Options
		target  Target
		host    string
	}{
		{Options{Path: "/v1/health?deep=1"}, plain, address},
		{Options{Path: "/v1/health?deep=1", Host: "chat.example"}, plain, "chat.example"},
		{Options{Path: "/v1/health?deep=1", Host: "chat.example"}, named, "gpu3.example"},
	} {
		require.Equal(t, Passed, once(t, test.options, test.target).result)
		r := <-requests
		assert.Equal(t, "GET /v1/health?deep=1", r.Method+" "+r.RequestURI)
		assert.Equal(t, test.host, r.Host)
		assert.Equal(t, "steelyard-probe", r.UserAgent())
		assert.True(t, r.Close, "each probe has a connection of its own")
	}
}

func TestGetFollowsNoRedirect(t *testing.T) {
	var asked atomic.Int32
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		http.Redirect(w, r, "/healthy", http.StatusFound)
	})
	v := once(t, Options{Path: "/health"}, tcp(server.Listener.Addr().String()))
	assert.Equal(t, "GET /health: status 302", v.reason)
	assert.Equal(t, int32(1), asked.Load())
}

// TestGetBoundsTheBody: an endless answer is as good as its status, and is not read on.
func TestGetBoundsTheBody(t *testing.T) {
	ended := make(chan error, 1)
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		block := make([]byte, 32<<10)
		for {
			if _, err := w.Write(block); err != nil {
				ended <- err
				return
			}
		}
	})
	assert.Equal(t, Passed, once(t, Options{Path: "/"}, tcp(server.Listener.Addr().String())).result)
	assert.Error(t, <-ended)
}

func TestGetWithoutAnAnswer(t *testing.T) {
	tests := map[string]struct {
		answer string
		want   verdict
	}{
		"closed":    {"", verdict{FailedProtocol, "GET /health: connection closed before an answer"}},
		"cut short": {"HTTP/1.1 200 O", verdict{FailedProtocol, "GET /health: connection closed before an answer"}},
		"too long":  {"HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", answerLimit), verdict{FailedProtocol, "GET /health: the answer's header is over 64 KiB"}},
		"not HTTP":  {"SSH-2.0-OpenSSH_9.9\r\n", verdict{FailedProtocol, `GET /health: malformed HTTP response "SSH-2.0-OpenSSH_9.9"`}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			l := listen(t, "tcp", "127.0.0.1:0", func(conn net.Conn) {
				defer conn.Close()
				_, _ = conn.Read(make([]byte, 4096))
				_, _ = io.WriteString(conn, test.answer)
			})
			assert.Equal(t, test.want, *once(t, Options{Path: "/health"}, tcp(l.Addr().String())))
		})
	}
	l := listen(t, "tcp", "127.0.0.1:0", func(conn net.Conn) {
		defer conn.Close()
		_, _ = conn.Read(make([]byte, 4096))
		_, _ = io.WriteString(conn, strings.Repeat("x", 3000)+"\r\n")
	})
	assert.Less(t, len(once(t, Options{Path: "/health"}, tcp(l.Addr().String())).reason), 250, "a server's words are bounded")
}

func TestTimeouts(t *testing.T) {
	release := make(chan struct{})
	silent := listen(t, "tcp", "127.0.0.1:0", func(conn net.Conn) {
		go func() { <-release; conn.Close() }()
	})
	t.Cleanup(func() { close(release) })
	stalls := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	plain := tcp(silent.Addr().String())
	secure := plain
	secure.TLS = new(tls.Config)
	var waiting sync.WaitGroup
	for _, test := range []struct {
		path   string
		target Target
		want   verdict
	}{
		{"/health", plain, verdict{FailedTimeout, "GET /health: no answer within 3s"}},
		{"/health", secure, verdict{FailedTimeout, "tls: no handshake within 3s"}},
		{"", secure, verdict{FailedTimeout, "tls: no handshake within 3s"}},
		{"/", tcp(stalls.Listener.Addr().String()), verdict{Passed, "GET /: status 200"}},
	} {
		waiting.Go(func() {
			assert.Equal(t, test.want, *once(t, Options{Timeout: 3 * time.Second, Path: test.path}, test.target))
		})
	}
	waiting.Wait()

	expired, cancel := context.WithDeadline(t.Context(), time.Unix(1, 0))
	defer cancel()
	for _, target := range []Target{plain, secure} {
		_, failure := newDialer(target, "", 3*time.Second).dial(expired)
		require.NotNil(t, failure)
		assert.Equal(t, verdict{FailedTimeout, "connect: no answer within 3s"}, *failure)
	}
}

func TestConnect(t *testing.T) {
	closing := func(conn net.Conn) { conn.Close() }
	l := listen(t, "tcp", "127.0.0.1:0", closing)
	assert.Equal(t, verdict{Passed, "connected"}, *once(t, Options{}, tcp(l.Addr().String())))

	socket := filepath.Join(t.TempDir(), "gpu.sock")
	listen(t, "unix", socket, closing)
	assert.Equal(t, verdict{Passed, "connected"}, *once(t, Options{}, Target{Network: "unix", Address: socket}))

	for _, path := range []string{"", "/health"} {
		o := Options{Path: path}
		assert.Equal(t, verdict{FailedConnect, "connect: connection refused"}, *once(t, o, tcp("127.0.0.1:1")))
		assert.Equal(t, verdict{FailedConnect, "connect: no such file or directory"},
			*once(t, o, Target{Network: "unix", Address: socket + ".no"}))
		v := once(t, o, tcp("no-such-host.invalid:80"))
		assert.Equal(t, FailedConnect, v.result)
		assert.Contains(t, v.reason, "resolve no-such-host.invalid: ")
		assert.Equal(t, verdict{FailedConnect, "connect: address 1: missing port in address"}, *once(t, o, tcp("1")))
	}
}

func TestGetOverUnixSocket(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "gpu.sock")
	l, err := net.Listen("unix", socket)
	require.NoError(t, err)
	hosts := make(chan string, 2)
	server := &http.Server{Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { hosts <- r.Host })}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { server.Close() })
	target := Target{Network: "unix", Address: socket}
	assert.Equal(t, verdict{Passed, "GET /health: status 200"}, *once(t, Options{Path: "/health"}, target))
	assert.Equal(t, "localhost", <-hosts)
	assert.Equal(t, Passed, once(t, Options{Path: "/health", Host: "model"}, target).result)
	assert.Equal(t, "model", <-hosts)
}

func TestTLS(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // handshakes that must fail
	server.StartTLS()
	t.Cleanup(server.Close)
	address := server.Listener.Addr().String()
	trusting := server.Client().Transport.(*http.Transport).TLSClientConfig
	named := trusting.Clone()
	named.ServerName = "example.com"
	wrong := trusting.Clone()
	wrong.ServerName = "gpu.invalid"
	for name, test := range map[string]struct {
		config *tls.Config
		result Result
	}{
		"trusted":    {trusting, Passed},
		"named":      {named, Passed},
		"wrong name": {wrong, FailedTLS},
		"untrusted":  {new(tls.Config), FailedTLS},
		"insecure":   {&tls.Config{InsecureSkipVerify: true}, Passed},
	} {
		for _, path := range []string{"", "/health"} {
			v := once(t, Options{Path: path}, Target{Network: "tcp", Address: address, TLS: test.config})
			assert.Equal(t, test.result, v.result, "%s %q: %s", name, path, v.reason)
			if test.result == FailedTLS {
				assert.Regexp(t, `^tls: failed to verify certificate: x509: `, v.reason)
			}
		}
	}
	plain := serve(t, func(http.ResponseWriter, *http.Request) {})
	v := once(t, Options{}, Target{Network: "tcp", Address: plain.Listener.Addr().String(), TLS: trusting})
	assert.Equal(t, verdict{FailedTLS, "tls: first record does not look like a TLS handshake"}, *v)
}

// TestTLSOverUnixSocket: a path is no server name; the Host header's is used.
func TestTLSOverUnixSocket(t *testing.T) {
	template := httptest.NewTLSServer(nil)
	t.Cleanup(template.Close)
	socket := filepath.Join(t.TempDir(), "gpu.sock")
	listen(t, "unix", socket, func(conn net.Conn) {
		defer conn.Close()
		_ = tls.Server(conn, template.TLS).Handshake()
	})
	config := template.Client().Transport.(*http.Transport).TLSClientConfig
	target := Target{Network: "unix", Address: socket, Host: "example.com:443", TLS: config}
	assert.Equal(t, verdict{Passed, "connected with TLS"}, *once(t, Options{}, target))
	target.Host = "gpu.invalid"
	assert.Equal(t, FailedTLS, once(t, Options{}, target).result)
}

func TestBadPath(t *testing.T) {
	for _, path := range []string{"health", "/a b\x00", "/%zz"} {
		v := once(t, Options{Path: path}, tcp("127.0.0.1:1"))
		assert.Equal(t, FailedProtocol, v.result, path)
		assert.Contains(t, v.reason, "invalid", path)
	}
}

// TestProbesEndToEnd watches a real server die and come back through First and Run.
func TestProbesEndToEnd(t *testing.T) {
	var status atomic.Int32
	status.Store(200)
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(int(status.Load())) })
	heard := make(chanSink, 16)
	p := New(Options{
		Upstream: "chat", Path: "/health", Interval: 5 * time.Millisecond, Timeout: 10 * time.Second,
		Sink: heard, Busy: func(status int) bool { return status == 429 },
	}, tcp(server.Listener.Addr().String()))
	p.First(t.Context())
	assert.Equal(t, "up: GET /health: status 200", <-heard)

	ctx, cancel := context.WithCancel(t.Context())
	stopped := make(chan error, 1)
	go func() { stopped <- p.Run(ctx) }()
	for _, change := range []struct {
		status int32
		want   string
	}{{503, "down: GET /health: status 503"}, {429, "busy: GET /health: status 429"}, {204, "up: GET /health: status 204"}} {
		status.Store(change.status)
		select {
		case got := <-heard:
			assert.Equal(t, change.want, got)
		case <-time.After(time.Minute):
			t.Fatal("the sink heard nothing for 30 s")
		}
	}
	cancel()
	assert.NoError(t, <-stopped)
}

// chanSink passes changes on to the test.
type chanSink chan string

func (c chanSink) SetProbe(state State, reason string) {
	c <- fmt.Sprintf("%v: %s", state, reason)
}
