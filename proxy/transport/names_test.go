package transport

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/metrics"
	"github.com/steelyard-proxy/steelyard/proxy/wire"
)

func addresses(list ...string) (found []netip.Addr) {
	for _, a := range list {
		found = append(found, netip.MustParseAddr(a))
	}
	return found
}

// A name that moves is noticed, and one of whose addresses some are told in turn does not.
func TestNamesFollowTheLastAnswers(t *testing.T) {
	var answer []netip.Addr
	var failure error
	n := newNames(Options{Network: "tcp", Address: "gpu.test:80", Lookup: func(_ context.Context, host string) ([]netip.Addr, error) {
		assert.Equal(t, "gpu.test", host)
		return answer, failure
	}})
	old, moved := netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.2")
	assert.True(t, n.lead(old), "nothing is known yet")
	answer = addresses("::ffff:10.0.0.1")
	n.look(t.Context())
	assert.True(t, n.lead(old))
	assert.False(t, n.lead(moved))
	assert.True(t, n.lead(netip.Addr{}), "a peer without an address")

	answer = addresses("10.0.0.2")
	for range lastLookUps - 1 {
		n.look(t.Context())
		assert.True(t, n.lead(old))
		assert.True(t, n.lead(moved))
	}
	n.look(t.Context())
	assert.False(t, n.lead(old))

	answer, failure = nil, errors.New("name server failed")
	for range 2 * lastLookUps {
		n.look(t.Context())
	}
	assert.True(t, n.lead(moved), "what is known stays while look-ups fail")
}

// The name is looked up time and again, for as long as the pool is kept up.
func TestNamesAreLookedUpByRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var looks atomic.Int64
		n := newNames(Options{Network: "tcp", Address: "gpu.test:80", Lookup: func(context.Context, string) ([]netip.Addr, error) {
			looks.Add(1)
			return addresses("10.0.0.1"), nil
		}})
		ctx, stop := context.WithTimeout(t.Context(), 3*lookUpEvery+time.Second)
		defer stop()
		n.run(ctx)
		assert.EqualValues(t, 4, looks.Load())
	})
}

func TestOnlyNamesAreLookedUp(t *testing.T) {
	for _, o := range []Options{{Network: "tcp", Address: "127.0.0.1:80"}, {Network: "tcp", Address: "[::1]:80"}, {Network: "unix", Address: "/run/a:b"}} {
		assert.Empty(t, newNames(o).host, o.Address)
	}
	assert.Equal(t, "gpu.test", newNames(Options{Network: "tcp", Address: "gpu.test:80"}).host)
}

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
	c, err := p.Acquire(new(wire.Cancel), false)
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

	c = take(t, p)
	gone := addresses("10.0.0.1")
	c.Release(true)
	p.names.current.Store(&gone)
	closeAll(p.takeUnfit(wire.Now()))
	idle, _ = p.Connections()
	assert.Zero(t, idle, "where it leads to is gone")
	c = take(t, p)
	c.Release(true)
	idle, _ = p.Connections()
	assert.Zero(t, idle)
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
