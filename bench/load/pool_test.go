package load_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/bench/load"
)

// TestConnectionsThatEndIdleLoseNoRequest: a server that closes each connection just after its answer, so that many end while
// the next request is given to them. Each request ends, one way or the other.
func TestConnectionsThatEndIdleLoseNoRequest(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer ln.Close()
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				r, err := http.ReadRequest(bufio.NewReader(conn))
				if err == nil {
					_, _ = io.Copy(io.Discard, r.Body)
					_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
				}
			}()
		}
	}()
	sent := burst(3000)
	for i := range sent.Requests {
		sent.Requests[i].Stream = false
	}
	got, err := load.Replay(t.Context(), sent, load.Options{URL: "http://" + ln.Addr().String()})
	require.NoError(t, err)
	for kind := range failures(got) {
		require.Contains(t, []load.Failure{load.Broken, load.Refused}, kind)
	}
}
