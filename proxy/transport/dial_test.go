package transport_test

import (
	"errors"
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/metrics"
	"github.com/steelyard-proxy/steelyard/proxy/fault"
	"github.com/steelyard-proxy/steelyard/proxy/transport"
	"github.com/steelyard-proxy/steelyard/proxy/wire"
)

// An endpoint that accepts and then says nothing keeps a TLS handshake waiting.
func TestConnectTimeout(t *testing.T) {
	p, conns := pool(t, transport.Options{TLS: secure(t), Connect: 20 * time.Millisecond})
	_, err := p.Acquire(new(wire.Cancel), false, wire.Now())
	f := fault.As(err)
	assert.Equal(t, fault.ConnectTimeout, f.Kind)
	assert.False(t, f.Sent, "not one byte of the request has left")
	_, active := p.Connections()
	assert.Zero(t, active)
	closes(t, accept(t, conns))
}

// closes reads what is on its way and checks that the connection ends.
func closes(t *testing.T, c net.Conn) {
	t.Helper()
	buf := make([]byte, 1024)
	for {
		if _, err := c.Read(buf); err != nil {
			netErr, ok := err.(net.Error)
			assert.False(t, ok && netErr.Timeout(), "it stayed open")
			return
		}
	}
}

// Whoever waits for a connection can be called off, and leaves none behind.
func TestCancelledHandshake(t *testing.T) {
	for name, connect := range map[string]time.Duration{"limited": within, "unlimited": 0} {
		t.Run(name, func(t *testing.T) {
			p, conns := pool(t, transport.Options{TLS: secure(t), Connect: connect})
			var cancel wire.Cancel
			cause := errors.New("the client left")
			done := make(chan error, 1)
			go func() { _, err := p.Acquire(&cancel, false, wire.Now()); done <- err }()
			c := accept(t, conns)
			_, err := c.Read(make([]byte, 1)) // the handshake has begun
			require.NoError(t, err)
			cancel.Cancel(cause)
			assert.Equal(t, cause, <-done)
			closes(t, c)
			_, active := p.Connections()
			assert.Zero(t, active)
		})
	}
}

// Cancelling may hit any moment of a dial: either there is a connection or the
// cause, and in the end no connection is left (drain waits for each to end).
func TestCancelRacesWithDial(t *testing.T) {
	p, conns := pool(t, transport.Options{Connect: within})
	drain(t, conns)
	cause := errors.New("the client left")
	for range 200 {
		var cancel wire.Cancel
		go cancel.Cancel(cause)
		c, err := p.Acquire(&cancel, false, wire.Now())
		if err != nil {
			assert.Equal(t, cause, err)
		} else {
			c.Release(false)
		}
	}
	_, active := p.Connections()
	assert.Zero(t, active)
}

func TestFreshConnectionPassesTheIdleOnesBy(t *testing.T) {
	p, _ := pool(t, transport.Options{MaxIdle: 2})
	idle := acquire(t, p)
	idle.Release(true)
	c, err := p.Acquire(new(wire.Cancel), true, wire.Now())
	require.NoError(t, err)
	assert.NotSame(t, idle, c)
	assert.False(t, c.Reused)
	c.Release(true)
	n, _ := p.Connections()
	assert.Equal(t, 2, n)
}

func TestUnixEndpoint(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	options := transport.Options{Network: "unix", Address: path, MaxIdle: 1, Metrics: metrics.New(metrics.Build{}).Endpoint("u", "e")}
	p := transport.NewPool(options)
	defer p.Close()
	_, err := p.Acquire(new(wire.Cancel), false, wire.Now())
	assert.Equal(t, fault.Connect, fault.As(err).Kind)
	assert.NotContains(t, fault.As(err).Sentence(), path)

	ln, err := net.Listen("unix", path)
	require.NoError(t, err)
	defer func() { _ = ln.Close() }()
	c := acquire(t, p)
	end, err := ln.Accept()
	require.NoError(t, err)
	defer func() { _ = end.Close() }()
	go answerOnce(end, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
	require.NoError(t, c.Send([]byte("?"), false, wire.Now()+within, within))
	body, err := readAnswer(c, false)
	require.NoError(t, err)
	assert.Equal(t, "hello", body)
	c.Release(true)
	assert.Same(t, c, acquire(t, p))
	c.Release(false)
}
