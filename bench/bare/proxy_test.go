package bare_test

import (
	"bufio"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/bench/bare"
	"github.com/steelyard-proxy/steelyard/bench/peers"
)

func TestMain(m *testing.M) {
	bare.IfAsked()
	os.Exit(m.Run())
}

// start runs the proxy in front of a handler that two servers share.
func start(t *testing.T, h http.HandlerFunc) *peers.Process {
	t.Helper()
	plan := peers.Plan{Dir: t.TempDir()}
	for range 2 {
		s := httptest.NewServer(h)
		t.Cleanup(s.Close)
		plan.Endpoints = append(plan.Endpoints, peers.Endpoint{Addr: strings.TrimPrefix(s.URL, "http://")})
	}
	program, err := peers.Self(bare.Name, bare.Version(), bare.Args, bare.Config)
	require.NoError(t, err)
	p, err := program.Start(t.Context(), plan)
	require.NoError(t, err)
	t.Cleanup(p.Stop)
	return p
}

// TestRequestsAreCarried, whole and with the fields that the other proxies add, to the server that has fewer. The second
// is sent once the first is with its server: fasthttp chooses without a lock, and two at once may go to the same one.
func TestRequestsAreCarried(t *testing.T) {
	came, goOn := make(chan string, 2), make(chan struct{})
	p := start(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		came <- r.Context().Value(http.LocalAddrContextKey).(interface{ String() string }).String()
		select {
		case <-goOn:
		case <-t.Context().Done():
		}
		w.Header().Set("Server", "uvicorn")
		_, _ = io.WriteString(w, string(body)+r.Header.Get("X-Forwarded-For")+r.Header.Get("X-Forwarded-Proto")+r.Header.Get("X-Forwarded-Host"))
	})
	answers := make(chan string, 2)
	post := func() (server string) {
		go func() {
			r, err := http.Post("http://"+p.Addr, "text/plain", strings.NewReader("hello "))
			if err != nil {
				answers <- err.Error()
				return
			}
			text, _ := io.ReadAll(r.Body)
			answers <- r.Header.Get("Server") + ": " + string(text)
		}()
		select {
		case server = <-came:
		case <-time.After(time.Minute):
			require.Fail(t, "no server has got the request")
		}
		return server
	}
	first, second := post(), post()
	close(goOn)
	require.NotEqual(t, first, second, "each server has one of the two")
	for range 2 {
		require.Equal(t, "uvicorn: hello 127.0.0.1http"+p.Addr, <-answers)
	}
}

// TestStreamsComePieceByPiece: the server goes on only once the client has the piece before.
func TestStreamsComePieceByPiece(t *testing.T) {
	next := make(chan struct{})
	p := start(t, func(w http.ResponseWriter, _ *http.Request) {
		for range 3 {
			_, _ = io.WriteString(w, "piece\n")
			_ = http.NewResponseController(w).Flush()
			select {
			case <-next:
			case <-t.Context().Done():
			}
		}
	})
	r, err := http.Get("http://" + p.Addr)
	require.NoError(t, err)
	in := bufio.NewReader(r.Body)
	for range 3 {
		line, err := in.ReadString('\n')
		require.NoError(t, err)
		require.Equal(t, "piece\n", line)
		next <- struct{}{}
	}
	_, err = in.ReadByte()
	require.ErrorIs(t, err, io.EOF)
}

// TestAWrongStartIsTold: a configuration without endpoints is no proxy.
func TestAWrongStartIsTold(t *testing.T) {
	program, err := peers.Self(bare.Name, bare.Version(), bare.Args, bare.Config)
	require.NoError(t, err)
	_, err = program.Start(t.Context(), peers.Plan{Dir: t.TempDir()})
	require.ErrorContains(t, err, "bare: name the address to listen on and those of the endpoints")
}
