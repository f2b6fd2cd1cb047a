package shared_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/balancer/shared"
)

// One has the lease, another takes it when that one is gone, and each fence is higher.
func TestLeaseGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		a, b := w.start("a"), w.start("b")
		w.pass(4 * time.Second)
		assert.Empty(t, w.holders(), "nobody knows yet who else is there")
		w.pass(4 * time.Second)
		require.Len(t, w.holders(), 1)
		first := w.holders()[0]
		fence := first.State().Leases["scale"]
		w.pass(time.Minute)
		require.Equal(t, []*gateway{first}, w.holders())
		assert.Equal(t, 1, first.told(shared.Acts))
		first.stop()
		w.pass(2 * time.Second)
		require.Len(t, w.holders(), 1, "it was given back")
		next := w.holders()[0]
		assert.Contains(t, []*gateway{a, b}, next)
		assert.Greater(t, next.State().Leases["scale"], fence)
		w.stopAll()
	})
}

// The store forgets the lease while it is held. Nobody else takes it, and the next fence is still higher.
func TestLeaseOutlivesAWipe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		for _, name := range []string{"a", "b", "c"} {
			w.start(name)
		}
		w.pass(10 * time.Second)
		first := w.holders()[0]
		for range 50 {
			w.redis.wipe()
			w.pass(330 * time.Millisecond)
			require.Equal(t, []*gateway{first}, w.holders())
		}
		w.redis.wipe()
		late := w.start("late")
		w.pass(10 * time.Second)
		require.Equal(t, []*gateway{first}, w.holders())
		fence := first.State().Leases["scale"]
		first.stop()
		w.redis.wipe()
		w.pass(10 * time.Second)
		require.Len(t, w.holders(), 1)
		assert.Greater(t, w.holders()[0].State().Leases["scale"], fence)
		_ = late
		w.stopAll()
	})
}

// Loss of the store ends a lease within TTL, and its last holder is known.
func TestLeaseEndsWithTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		a := w.start("a")
		w.pass(10 * time.Second)
		require.True(t, a.Holds("scale"))
		w.redis.set(func(r *redis) { r.stopped = true })
		w.pass(shared.TTL)
		assert.False(t, a.Holds("scale"))
		assert.True(t, a.HeldLast("scale"))
		assert.Equal(t, 1, a.told(shared.Rests))
		w.stopAll()
	})
}

// net is gateways that speak to each other, some of which cannot.
type net struct {
	mu    sync.Mutex
	pages map[string][]byte
	cut   map[[2]string]bool // two who do not hear each other, by name, in order
}

// peer is one of a net. As over HTTP, two exchange both ways or not at all.
type peer struct {
	*net
	name string
}

func (p peer) Exchange(_ context.Context, kind shared.Kind, id string, text []byte) (map[string][]byte, error) {
	<-time.After(time.Millisecond)
	if kind != shared.Load {
		return nil, nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pages[id] = text
	heard := map[string][]byte{}
	for other, text := range p.pages {
		name := other[:1]
		if !p.cut[[2]string{min(p.name, name), max(p.name, name)}] {
			heard[other] = text
		}
	}
	if len(heard) == 1 {
		return nil, errors.New("nobody answers")
	}
	return heard, nil
}

func (p peer) Leave(context.Context, string) error { return nil }
func (p peer) Forget(context.Context, string)      {}

// Whatever cuts there are between gateways without a store, no two have the lease; and when all is well one has it.
func TestVotesAreNeverSplit(t *testing.T) {
	seeds := uint64(4)
	if testing.Short() {
		seeds = 1
	}
	for seed := range seeds {
		synctest.Test(t, func(t *testing.T) {
			chance := rand.New(rand.NewPCG(seed, 1))
			w, n := newWorld(t), &net{pages: map[string][]byte{}, cut: map[[2]string]bool{}}
			names := []string{"a", "b", "c"}
			by := func(name string) func(*shared.Options) {
				return func(o *shared.Options) {
					o.Transport, o.Keeper, o.Gateways = peer{n, name}, nil, func() int { return len(names) }
				}
			}
			live := map[string]*gateway{}
			for _, name := range names {
				live[name] = w.start(name, by(name))
			}
			held := 0
			for range 60 {
				n.mu.Lock()
				clear(n.cut)
				for range chance.IntN(4) {
					x, y := names[chance.IntN(3)], names[chance.IntN(3)]
					n.cut[[2]string{min(x, y), max(x, y)}] = x != y
				}
				n.mu.Unlock()
				if name := names[chance.IntN(3)]; chance.IntN(6) == 0 {
					live[name].stop()
					live[name] = w.start(name, by(name))
				}
				w.pass(time.Duration(chance.IntN(9000)) * time.Millisecond)
				held += len(w.holders())
			}
			assert.Greater(t, held, 12, "and often one has it")
			n.mu.Lock()
			clear(n.cut)
			n.mu.Unlock()
			w.pass(40 * time.Second)
			assert.Len(t, w.holders(), 1)
			w.stopAll()
		})
	}
}

// One of two cannot know whether the other lives.
func TestTwoWithoutAStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, n := newWorld(t), &net{pages: map[string][]byte{}, cut: map[[2]string]bool{}}
		for _, name := range []string{"a", "b"} {
			w.start(name, func(o *shared.Options) {
				o.Transport, o.Keeper, o.Gateways = peer{n, name}, nil, func() int { return 2 }
			})
		}
		w.pass(15 * time.Second)
		require.Len(t, w.holders(), 1)
		n.mu.Lock()
		n.cut[[2]string{"a", "b"}] = true
		n.mu.Unlock()
		w.pass(15 * time.Second)
		assert.Empty(t, w.holders())
		w.stopAll()
	})
}
