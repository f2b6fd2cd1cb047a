package proxy_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/balancer"
)

// noDescriptors leaves the process without a file descriptor to spare, until it is called off.
func noDescriptors(t *testing.T) (callOff func()) {
	t.Helper()
	var before syscall.Rlimit
	require.NoError(t, syscall.Getrlimit(syscall.RLIMIT_NOFILE, &before))
	next, err := os.Open(os.DevNull) // has the lowest number that is free
	require.NoError(t, err)
	none := before
	none.Cur = uint64(next.Fd())
	require.NoError(t, next.Close())
	require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &none))
	taken := takeAll() // what tests before this one still had open may have got free meanwhile
	var once sync.Once
	callOff = func() {
		once.Do(func() {
			_ = syscall.Setrlimit(syscall.RLIMIT_NOFILE, &before)
			for _, f := range taken {
				_ = f.Close()
			}
		})
	}
	t.Cleanup(callOff)
	return callOff
}

// takeAll opens files until there is no descriptor left.
func takeAll() (taken []*os.File) {
	for {
		f, err := os.Open(os.DevNull)
		if err != nil {
			return taken
		}
		taken = append(taken, f)
	}
}

// That steelyard has no descriptor for a connection is nobody's fault but its own: no
// endpoint is named, counted or passed over for it.
func TestShortageIsNoEndpointsFault(t *testing.T) {
	g := serve(t, defaults(), answering(t, plain("a")), answering(t, plain("b")))
	client := dial(t, g)
	eventually(t, "the client to be accepted", func() bool { idle, active, _ := g.front.States(); return idle+active == 1 })
	callOff := noDescriptors(t)
	client.send(post("hello"))
	r, body := client.answer()
	callOff()
	require.Equal(t, 503, r.StatusCode)
	require.Equal(t, "1", r.Header.Get("Retry-After"))
	require.Contains(t, body, `"code":"out_of_resources"`)
	require.Contains(t, body, `"type":"server_error"`)
	require.NotContains(t, body, "endpoint a")
	require.NotContains(t, body, "endpoint b")
	for _, e := range g.pool.Snapshot().Endpoints {
		require.False(t, e.Endpoint.Unreachable())
	}
	require.Zero(t, g.finished(balancer.ConnectFailed))
	require.Zero(t, g.count(t, "steelyard_requests_total", "endpoint", "a")+g.count(t, "steelyard_requests_total", "endpoint", "b"))
	require.Zero(t, g.count(t, "steelyard_repeats_total"))
	eventually(t, "the request to be counted", func() bool { return g.count(t, "steelyard_requests_total", "endpoint", "", "code", "5xx") == 1 })
	r, _ = dial(t, g).ask(post("hello")) // an idle connection may have been closed to make room
	require.Equal(t, 200, r.StatusCode)
}

// Where there are descriptors for a few clients alone, many that keep their connections are
// served all the same, each in its turn.
func TestFewDescriptorsServeManyClients(t *testing.T) {
	s := defaults()
	s.front.Descriptors = 3
	g := serve(t, s, answering(t, plain("ok")))
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			for answered := 0; answered < 5; {
				n, err := keepAsking(g.address, 5-answered)
				if answered += n; err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	eventually(t, "all to be counted", func() bool { return g.count(t, "steelyard_requests_total", "code", "2xx") == 100 })
	require.Zero(t, g.count(t, "steelyard_client_connections_refused_total"))
}

// keepAsking sends n requests on one connection, or fewer if that ends between two of them.
func keepAsking(address string, n int) (answered int, err error) {
	c, err := net.Dial("tcp", address)
	if err != nil {
		return 0, err
	}
	defer func() { _ = c.Close() }()
	br := bufio.NewReader(c)
	for answered < n {
		if _, err := io.WriteString(c, strings.Replace(get, "\r\n", "\r\nConnection: keep-alive\r\n", 1)); err != nil {
			return answered, nil
		}
		if _, err := br.Peek(1); err != nil && answered > 0 {
			return answered, nil // closed while idle
		}
		r, err := http.ReadResponse(br, nil)
		if err != nil {
			return answered, err
		}
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			return answered, err
		}
		answered++
		if r.Close {
			return answered, nil
		}
	}
	return answered, nil
}
