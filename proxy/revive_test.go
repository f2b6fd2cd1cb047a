package proxy_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/balancer"
)

// caller sends one request after another until stopped, and counts how they end.
type caller struct {
	answered, lost atomic.Int64
	unexpected     atomic.Pointer[string] // an ending that nothing explains
}

func (k *caller) run(g *gateway, request string, stop <-chan struct{}) {
	for {
		select {
		case <-stop:
			return
		default:
		}
		if !k.connection(g, request, stop) {
			return
		}
	}
}

// connection serves the caller until it breaks; false means that all is over.
func (k *caller) connection(g *gateway, request string, stop <-chan struct{}) bool {
	c, err := net.Dial("tcp", g.address)
	if err != nil {
		k.surprise(err.Error())
		return false
	}
	defer func() { _ = c.Close() }()
	br := bufio.NewReader(c)
	for {
		select {
		case <-stop:
			return false
		default:
		}
		_ = c.SetDeadline(time.Now().Add(within))
		if _, err := io.WriteString(c, request); err != nil {
			k.surprise(err.Error())
			return false
		}
		r, err := http.ReadResponse(br, nil)
		if err != nil {
			k.surprise(err.Error())
			return false
		}
		body, err := io.ReadAll(r.Body)
		switch {
		case errors.Is(err, io.ErrUnexpectedEOF): // cut, and seen to be cut
			k.lost.Add(1)
			return true
		case err != nil:
			k.surprise(err.Error())
			return false
		case r.StatusCode == 200:
			k.answered.Add(1)
		case r.StatusCode == 502 && strings.Contains(string(body), `"code":"closed_before_answer"`):
			k.lost.Add(1)
		default:
			k.surprise(r.Status + " " + string(body))
			return false
		}
	}
}

func (k *caller) surprise(s string) { k.unexpected.CompareAndSwap(nil, &s) }

// An endpoint that is killed under load costs each client at most the answer
// that had begun there; one that comes back is used again.
func TestEndpointKilledAndRevivedUnderLoad(t *testing.T) {
	const clients, kills = 8, 5
	var served atomic.Int64 // by the endpoint that is killed
	play := func(c net.Conn, br *bufio.Reader) {
		for {
			r, err := http.ReadRequest(br)
			if err != nil {
				return
			}
			if _, err := io.Copy(io.Discard, r.Body); err != nil {
				return
			}
			if served.Add(1)%2 == 0 {
				_, err = io.WriteString(c, plain("hello"))
			} else {
				_, err = io.WriteString(c, streamHead+chunk("data: 1\n\n"))
				if err == nil {
					_, err = io.WriteString(c, "0\r\n\r\n")
				}
			}
			if err != nil {
				return
			}
		}
	}
	address := refusing(t) // nobody else's, also while the endpoint is dead
	ln, err := net.Listen("tcp", address)
	require.NoError(t, err)
	kill := attend(t, ln, play)
	g := serve(t, defaults(), address, answering(t, plain("steady")))

	var callers [clients]caller
	var all sync.WaitGroup
	stop := make(chan struct{})
	end := sync.OnceFunc(func() { close(stop); all.Wait() })
	for i := range callers {
		request := get
		if i%2 == 1 {
			request = post("{}")
		}
		all.Go(func() { callers[i].run(g, request, stop) })
	}
	t.Cleanup(end)
	used := func() { // until the endpoint has had a good number of requests
		from := served.Load()
		eventually(t, "the endpoint to be used", func() bool { return served.Load() >= from+100 || unexplained(callers[:]) != "" })
	}
	for range kills {
		used()
		kill()
		refusedBefore := g.count(t, "steelyard_repeats_total", "reason", "connect")
		eventually(t, "requests to be sent elsewhere", func() bool {
			return g.count(t, "steelyard_repeats_total", "reason", "connect") >= refusedBefore+2 || unexplained(callers[:]) != ""
		})
		ln, err := net.Listen("tcp", address)
		require.NoError(t, err)
		kill = attend(t, ln, play)
	}
	used()
	end()
	require.Empty(t, unexplained(callers[:]))
	answered, lost := int64(0), int64(0)
	for i := range callers {
		require.LessOrEqual(t, callers[i].lost.Load(), int64(kills), "a client lost more than the request that was on the endpoint")
		answered += callers[i].answered.Load()
		lost += callers[i].lost.Load()
	}
	g.rests(t)
	unreached := int(g.finished(balancer.ConnectFailed)) - g.count(t, "steelyard_repeats_total", "reason", "connect") // by a repeat
	broken := int(g.finished(balancer.Failed)) - g.count(t, "steelyard_repeats_total", "reason", "broken")            // not saved by a retry
	failed := int(g.finished(balancer.Truncated)) + broken + unreached
	require.EqualValues(t, lost, failed, "what clients lost is what is held against the endpoint")
	t.Logf("%d answered, %d lost in %d kills", answered, lost, kills)
}

func unexplained(callers []caller) string {
	for i := range callers {
		if s := callers[i].unexpected.Load(); s != nil {
			return *s
		}
	}
	return ""
}
