package proxy_test

import (
	"bufio"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A server that restarts costs nobody an answer whose request it has not got: they wait.
func TestRestartLosesNobody(t *testing.T) {
	t.Parallel()
	for {
		lost, away := restart(t)
		if lost == 0 {
			return
		}
		require.Greater(t, away, 2*time.Second, "lost %d", lost) // else the machine was too slow to tell
	}
}

// restart sends requests to a server that is away, lets it come back, and returns how many
// were not answered by it and how long it was away.
func restart(t *testing.T) (lost int64, away time.Duration) {
	const clients = 6
	fd, address := bind(t)
	s := queueing(clients)
	g := serve(t, s, address)
	var failed atomic.Int64
	var all sync.WaitGroup
	begin := time.Now()
	for range clients {
		c := dial(t, g)
		c.send(post("hello"))
		all.Go(func() {
			if r, _ := c.answer(); r == nil || r.StatusCode != http.StatusOK {
				failed.Add(1)
			}
		})
	}
	eventually(t, "all to wait, or some to be lost", func() bool {
		return failed.Load() > 0 || g.pool.Queue().Waiting == clients && g.count(t, "steelyard_repeats_total", "reason", "connect") > 1
	})
	require.NoError(t, syscall.Listen(fd, clients))
	dup, err := syscall.Dup(fd)
	require.NoError(t, err)
	file := os.NewFile(uintptr(dup), "listener")
	defer file.Close()
	ln, err := net.FileListener(file)
	require.NoError(t, err)
	away = time.Since(begin)
	attend(t, ln, func(c net.Conn, br *bufio.Reader) { answerAll(c, br, plain("ok")) })
	all.Wait()
	return failed.Load(), away
}

// Nobody waits for a server that does not come back.
func TestGoneServerIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	g := serve(t, queueing(10), refusing(t), refusing(t))
	r, body := dial(t, g).ask(post("hello")) // it waits some seconds
	require.Equal(t, 502, r.StatusCode)
	require.Contains(t, body, "connection refused")
	r, body = dial(t, g).ask(post("hello"))
	require.Equal(t, 503, r.StatusCode, "it was known before")
	require.Equal(t, "1", r.Header.Get("Retry-After"))
	require.Contains(t, body, "no_endpoint")
	require.Contains(t, body, "connection refused")
	require.Greater(t, g.count(t, "steelyard_repeats_total", "reason", "connect"), 4)
	require.Zero(t, g.pool.Queue().Waiting)
}
