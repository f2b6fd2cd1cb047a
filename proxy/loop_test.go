package proxy_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// A gateway that is its own endpoint, at once or by way of another, finds its name in Via.
func TestLoopIsBroken(t *testing.T) {
	var first atomic.Pointer[gateway]
	back := endpoint(t, func(c net.Conn, br *bufio.Reader) {
		up, err := net.Dial("tcp", first.Load().address)
		if err != nil {
			return
		}
		defer func() { _ = up.Close() }()
		go func() { _, _ = io.Copy(up, br) }()
		if answer, err := http.ReadResponse(bufio.NewReader(up), nil); err == nil {
			_ = answer.Write(c)
		}
	})
	second := serve(t, defaults(), back)
	outer := serve(t, defaults(), second.address)
	first.Store(outer)
	r, body := dial(t, outer).ask(post("hello"))
	require.Equal(t, 508, r.StatusCode)
	require.Contains(t, body, `"code":"loop_detected"`)
	eventually(t, "it to have come back once", func() bool {
		return outer.count(t, "steelyard_requests_total") == 2 && second.count(t, "steelyard_requests_total") == 1
	})
}

// Gateways in a chain are not a loop, and each says in Via that it was there.
func TestChainOfGatewaysIsNoLoop(t *testing.T) {
	p := newPuppet(t)
	inner := serve(t, defaults(), p.address)
	middle := serve(t, defaults(), inner.address)
	outer := serve(t, defaults(), middle.address)
	client := dial(t, outer)
	client.send(strings.Replace(get, "\r\n", "\r\nVia: 1.0 fred, 1.1 steelyard\r\n", 1))
	up := p.accept(t)
	seen := up.request().Header.Values("Via")
	up.send(plain("ok"))
	answer, _ := client.answer()
	require.Equal(t, http.StatusOK, answer.StatusCode)
	require.Len(t, seen, 4)
	names := map[string]bool{}
	for _, via := range seen[1:] {
		require.Regexp(t, `^1\.1 steelyard-[0-9a-f]{16}$`, via)
		names[via] = true
	}
	require.Len(t, names, 3)
}
