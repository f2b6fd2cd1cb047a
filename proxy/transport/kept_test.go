package transport

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/health/names"
	"github.com/steelyard-proxy/steelyard/metrics"
	"github.com/steelyard-proxy/steelyard/proxy/fault"
	"github.com/steelyard-proxy/steelyard/proxy/wire"
)

// keeping returns a pool over a server that does nothing.
func keeping(t *testing.T, o Options) *Pool {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = ln.Close() })
	o.Network, o.Address, o.MaxIdle = "tcp", ln.Addr().String(), 10
	o.Metrics = metrics.New(metrics.Build{}).Endpoint("chat", "a")
	p := NewPool(o)
	t.Cleanup(p.Close)
	return p
}

func take(t *testing.T, p *Pool) *Conn {
	t.Helper()
	c, err := p.Acquire(new(wire.Cancel), false, wire.Now())
	require.NoError(t, err)
	return c
}

// A kept connection ends at its next idle moment when it is too old, or leads to where the
// name no longer does.
func TestOutdatedConnectionsAreNotKept(t *testing.T) {
	p := keeping(t, Options{MaxAge: time.Hour})
	c := take(t, p)
	assert.LessOrEqual(t, c.expires, wire.Now()+time.Hour)
	assert.GreaterOrEqual(t, c.expires, wire.Now()+time.Duration((1-ageSpread)*float64(time.Hour))-time.Minute)
	c.Release(true)
	require.Same(t, c, take(t, p), "it is young")
	c.expires = wire.Now()
	c.Release(true)
	idle, active := p.Connections()
	assert.Zero(t, idle+active)
}

// leading runs a name that leads to what answer says, and waits until that is known.
func leading(t *testing.T, address string, answer func() ([]netip.Addr, error)) *names.Name {
	t.Helper()
	n := names.New(names.Options{
		Address: address, Observe: func(names.Result) {},
		Lookup: func(context.Context, string) ([]netip.Addr, error) { return answer() },
	})
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		assert.NoError(t, <-done)
	})
	none := &net.Dialer{Control: func(string, string, syscall.RawConn) error { return errors.New("nobody is to be reached") }}
	_, err := n.Dial(ctx, none, "tcp", address) // which waits for the first look-up
	require.Error(t, err)
	return n
}

// A kept connection ends at its next idle moment when it leads to where the name does not.
func TestConnectionsToWhereTheNameIsNotAreNotKept(t *testing.T) {
	p := keeping(t, Options{})
	c := take(t, p)
	c.Release(true)
	require.Same(t, c, take(t, p))
	p.options.Where = leading(t, "gpu.test:80", func() ([]netip.Addr, error) {
		return []netip.Addr{netip.MustParseAddr("10.0.0.1")}, nil
	})
	c.Release(true)
	idle, active := p.Connections()
	assert.Zero(t, idle+active)

	p.options.Where = nil
	c = take(t, p)
	c.Release(true)
	p.options.Where = leading(t, "gpu.test:80", func() ([]netip.Addr, error) {
		return []netip.Addr{netip.MustParseAddr("10.0.0.1")}, nil
	})
	closeAll(p.takeUnfit(wire.Now()))
	idle, _ = p.Connections()
	assert.Zero(t, idle)
}

// That a name cannot be looked up is told at once and as what it is: nothing was late that
// timeouts.connect bounds.
func TestUnknownName(t *testing.T) {
	for err, want := range map[*net.DNSError]string{
		{Err: "i/o timeout", IsTimeout: true}:   "could not connect: look up name: timed out",
		{Err: "no such host", IsNotFound: true}: "could not connect: look up name: no such host",
		{Err: "server misbehaving"}:             "could not connect: look up name: name server failed",
		{Err: "dial udp: too many open files"}:  fault.New(fault.Shortage, nil).Sentence() + ": look up name: name server failed",
	} {
		p := keeping(t, Options{})
		p.options.Where = leading(t, "gpu.test:80", func() ([]netip.Addr, error) { return nil, err })
		_, got := p.Acquire(new(wire.Cancel), false, wire.Now())
		assert.Equal(t, want, fault.As(got).Sentence())
		assert.False(t, fault.As(got).Sent)
	}
}

// Those in use are found in any order of release.
func TestForsakeFindsThoseWithoutAnAnswer(t *testing.T) {
	p := keeping(t, Options{})
	var all []*Conn
	for range 5 {
		c := take(t, p)
		c.hearing.Store(asked)
		all = append(all, c)
	}
	all[2].Release(false)
	all[0].Release(false)
	require.True(t, all[4].heard())
	assert.Equal(t, 2, p.Forsake())
	assert.True(t, all[1].Poked() && all[3].Poked())
	assert.False(t, all[4].Poked(), "its answer has begun")
	assert.False(t, all[1].heard(), "what comes now comes too late")
	assert.Zero(t, p.Forsake())
	for _, i := range []int{4, 1, 3} {
		all[i].Release(true)
	}
	idle, active := p.Connections()
	assert.Equal(t, 1, idle)
	assert.Zero(t, active)
}
