package shared_test

import (
	"errors"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/balancer/shared"
)

// All see the sum of what the others have, soon, and nothing of who has left.
func TestLoadIsSummed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		a, b, c := w.start("a"), w.start("b"), w.start("c")
		w.pass(time.Second)
		a.has("a:1", 2)
		b.has("a:1", 1)
		b.has("b:1", 7)
		b.has("x:1", 3)
		w.pass(450 * time.Millisecond)
		assert.EqualValues(t, 3, c.elsewhere("a:1"))
		assert.EqualValues(t, 1, a.elsewhere("a:1"))
		assert.EqualValues(t, 7, a.elsewhere("b:1"))
		assert.Zero(t, a.elsewhere("x:1"), "it is no server of ours")
		assert.Equal(t, 3, a.Count())
		b.has("a:1", 2)
		w.pass(125 * time.Millisecond)
		assert.EqualValues(t, 4, c.elsewhere("a:1"), "while things change all are told within a quarter of publish, and hear within another")
		b.stop()
		w.pass(450 * time.Millisecond)
		assert.EqualValues(t, 2, c.elsewhere("a:1"), "who takes leave counts no more")
		assert.Equal(t, 2, a.Count())
		w.stopAll()
		assert.Zero(t, c.elsewhere("a:1"))
	})
}

// Whatever happens, in the end nothing is left of it.
func TestLoadNeverDrifts(t *testing.T) {
	for seed := range uint64(2) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			chance := rand.New(rand.NewPCG(seed, 0))
			live := []*gateway{w.start("a"), w.start("b"), w.start("c")}
			for range 200 {
				g := live[chance.IntN(len(live))]
				switch chance.IntN(12) {
				case 0:
					w.redis.set(func(r *redis) { r.away = !r.away })
				case 1:
					w.redis.set(func(r *redis) { r.stopped = !r.stopped })
				case 2:
					w.redis.wipe()
				case 3:
					g.stop()
					live[chance.IntN(len(live))] = w.start(g.State().Name)
				case 4:
					w.redis.set(func(r *redis) { r.readonly = errors.New("READONLY You can't write") })
				case 5:
					w.redis.set(func(r *redis) { r.readonly = nil })
				default:
					g.has("a:1", chance.Int64N(6))
					g.has("b:1", chance.Int64N(9))
				}
				w.pass(time.Duration(chance.IntN(700)) * time.Millisecond)
			}
			w.redis.set(func(r *redis) { r.away, r.stopped, r.readonly = false, false, nil })
			for _, g := range w.all {
				g.has("a:1", 0)
				g.has("b:1", 0)
			}
			w.pass(40 * time.Second)
			for _, g := range live {
				assert.Zero(t, g.elsewhere("a:1"), seed)
				assert.Zero(t, g.elsewhere("b:1"), seed)
			}
			w.stopAll()
		})
	}
}

// A store that does not answer is noticed within a second, and again when it does.
func TestAloneWithinASecond(t *testing.T) {
	for name, wrong := range map[string]func(r *redis, on bool){
		"killed":    func(r *redis, on bool) { r.away = on },
		"frozen":    func(r *redis, on bool) { r.stopped = on },
		"read-only": func(r *redis, on bool) { r.readonly = map[bool]error{true: errors.New("READONLY no")}[on] },
		"full":      func(r *redis, on bool) { r.readonly = map[bool]error{true: errors.New("OOM command not allowed")}[on] },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				a, b := w.start("a"), w.start("b")
				b.has("a:1", 2)
				w.pass(30 * time.Second)
				require.True(t, a.Connected())
				w.redis.set(func(r *redis) { wrong(r, true) })
				w.pass(time.Second)
				assert.False(t, a.Connected())
				assert.Equal(t, 1, a.told(shared.Alone))
				assert.NotEmpty(t, a.State().Cause)
				assert.Equal(t, 2, a.Count(), "shares stay as they were")
				w.pass(10 * time.Second)
				assert.Zero(t, a.elsewhere("a:1"), "what is too old counts no more")
				assert.Empty(t, w.holders(), "and nobody acts for all")
				w.redis.set(func(r *redis) { wrong(r, false) })
				w.pass(31 * time.Second)
				assert.True(t, a.Connected())
				assert.Equal(t, 1, a.told(shared.Together), "and not at the start, when nothing had parted them")
				assert.Equal(t, 1, a.told(shared.Alone), "it is told once")
				assert.EqualValues(t, 2, a.elsewhere("a:1"))
				assert.Len(t, w.holders(), 1)
				w.stopAll()
			})
		})
	}
}

// While a store is away it is asked rarely: after 1 s, 2 s, and so on to 30 s.
func TestStoreIsLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.redis.away = true
		g := w.start("a")
		w.pass(time.Minute + 10*time.Second)
		assert.Equal(t, 1, g.told(shared.Alone))
		assert.LessOrEqual(t, w.redis.calls, 11)
		assert.Zero(t, g.told(shared.Together))
		w.redis.set(func(r *redis) { r.away = false })
		w.pass(31 * time.Second)
		assert.Equal(t, 1, g.told(shared.Together))
		w.stopAll()
	})
}

// Nobody can have in flight what another gateway says that it has.
func TestNonsenseIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		a, b := w.start("a"), w.start("b")
		b.has("a:1", 1e9)
		b.has("b:1", -5)
		for field, text := range map[string]string{"x": "", "y@1": "{", "z@1": `{"form":9,"name":"z","epoch":1,"seq":1}`, "evil": `{"form":1,"name":"a\n","epoch":1,"seq":1,"load":{"a:1":9}}`} {
			_, err := w.redis.Do(t.Context(), "HSET", "steelyard:{test}:load", field, []byte(text))
			require.NoError(t, err)
		}
		w.pass(time.Second)
		assert.EqualValues(t, 16, a.elsewhere("a:1"), "four times its slots")
		assert.Zero(t, a.elsewhere("b:1"))
		assert.Len(t, a.State().Others, 1)
		w.stopAll()
	})
}

// A gateway that is killed and comes back under its name is one gateway, at once.
func TestKilledAndBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		a := w.start("a")
		_, err := w.redis.Do(t.Context(), "HSET", "steelyard:{test}:load", "b@1", []byte(`{"form":1,"name":"b","epoch":1,"seq":50,"load":{"a:1":4}}`))
		require.NoError(t, err)
		w.pass(500 * time.Millisecond)
		assert.EqualValues(t, 4, a.elsewhere("a:1"), "it was killed just now: nobody knows yet")
		b := w.start("b")
		b.has("a:1", 1)
		w.pass(500 * time.Millisecond)
		assert.EqualValues(t, 1, a.elsewhere("a:1"))
		assert.Equal(t, 2, a.Count())
		assert.Zero(t, b.elsewhere("a:1"), "what an earlier process of ours left behind is nobody's")
		w.pass(70 * time.Second)
		assert.Len(t, w.redis.hashes["steelyard:{test}:load"], 2, "and goes")
		assert.Zero(t, a.told(shared.Twice))
		w.stopAll()
	})
}

// Two gateways with one name both count, and somebody is told.
func TestOneNameTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		a, b := w.start("a"), w.start("gw")
		w.pass(time.Second)
		c := w.start("gw")
		b.has("b:1", 1)
		c.has("b:1", 2)
		w.pass(10 * time.Second)
		assert.EqualValues(t, 3, a.elsewhere("b:1"))
		assert.EqualValues(t, 2, b.elsewhere("b:1"))
		assert.EqualValues(t, 1, c.elsewhere("b:1"))
		assert.Equal(t, 1, a.told(shared.Twice))
		assert.Equal(t, 1, c.told(shared.Twice))
		w.stopAll()
	})
}

// Who has all slots of a server leaves one to a gateway that says its requests starve there, as long as it says so.
func TestNobodyStarves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		a, b := w.start("a"), w.start("b")
		a.has("a:1", 4)
		w.pass(time.Second)
		assert.EqualValues(t, 4, b.elsewhere("a:1"))
		b.waits("a:1", 2*time.Second)
		w.pass(time.Second)
		assert.EqualValues(t, 4, b.elsewhere("a:1"), "what is in use stays so")
		assert.Zero(t, b.left("a:1"))
		assert.EqualValues(t, 1, a.left("a:1"))
		a.has("a:1", 3)
		w.pass(time.Second)
		assert.EqualValues(t, 3, b.elsewhere("a:1"), "it is b's to take")
		assert.Zero(t, a.left("a:1"), "b let it lie: it does not starve")
		a.has("a:1", 4)
		w.pass(2 * time.Second)
		assert.EqualValues(t, 1, a.left("a:1"), "and now it does again")
		b.has("a:1", 1)
		b.waits("a:1", 0)
		w.pass(500 * time.Millisecond)
		assert.Zero(t, a.left("a:1"))
		w.stopAll()
	})
}

// What a gateway has told that is not heard any more costs the others nothing for long.
func TestSlotsAreTakenBackFromWhoIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		a := w.start("a")
		a.has("a:1", 4)
		w.pass(time.Second)
		_, err := w.redis.Do(t.Context(), "HSET", "steelyard:{test}:load", "b@1", []byte(`{"form":1,"name":"b","epoch":1,"seq":50,"starves":{"a:1":900,"x:1":900}}`))
		require.NoError(t, err)
		w.pass(225 * time.Millisecond)
		assert.EqualValues(t, 1, a.left("a:1"))
		w.pass(500 * time.Millisecond)
		assert.Zero(t, a.left("a:1"), "its words are old")
		w.stopAll()
	})
}

// Who takes a slot by what it has just heard tells the others at once: they have heard of the same slot.
func TestWhoTakesASlotSaysSoAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		a := w.start("a")
		a.has("a:1", 4)
		w.pass(time.Second)
		var waits atomic.Pointer[gateway] // that takes a slot as soon as it hears of one
		b := w.start("b", func(o *shared.Options) {
			hears := o.Elsewhere
			o.Elsewhere = func(s shared.Sum) {
				hears(s)
				if b := waits.Load(); b != nil && s.Load["a:1"] == 3 {
					waits.Store(nil)
					b.has("a:1", 1)
					b.holds("chat", 0)
				}
			}
		})
		b.holds("chat", 1)
		waits.Store(b)
		w.pass(time.Second)
		a.has("a:1", 3)
		for range 1000 {
			if waits.Load() == nil {
				break
			}
			w.pass(time.Millisecond)
		}
		require.Nil(t, waits.Load())
		w.pass(3 * time.Millisecond) // a call takes one
		page := ""
		w.redis.set(func(r *redis) {
			for id, text := range r.hashes["steelyard:{test}:load"] {
				if id == b.State().ID {
					page = string(text)
				}
			}
		})
		assert.Contains(t, page, `"a:1":1`)
		w.stopAll()
	})
}
