package outlier

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// hangs lets a hang: so many requests wait, and nothing comes, while b and c answer theirs in
// the given time.
func (r *rig) hangs(waiting int64, took, lasts time.Duration) {
	r.edit("a", func(reading *Reading) { reading.Waiting = waiting })
	r.lives(took, lasts)
}

// lives lets b and c answer requests.
func (r *rig) lives(took, lasts time.Duration) {
	for range lasts / tickEvery {
		for _, name := range []string{"b", "c"} {
			r.endpoints[name].Ended(Attempt{Ending: Served, Held: took, Took: took, FirstByte: took})
			r.edit(name, func(reading *Reading) { reading.Waiting, reading.Received = 2, reading.Received+100 })
		}
		<-time.After(tickEvery)
	}
}

// A server that takes requests and answers none is out after ten seconds.
func TestStall(t *testing.T) {
	for _, waiting := range []int64{1, 5} {
		judged(t, usual(), func(t *testing.T, r *rig) {
			r.lives(100*time.Millisecond, 20*time.Second)
			r.hangs(waiting, 100*time.Millisecond, 9*time.Second)
			require.Empty(t, r.takes())
			r.hangs(waiting, 100*time.Millisecond, 2*time.Second)
			all := r.takes()
			require.Equal(t, []string{"eject a stall"}, actions(all))
			assert.Equal(t, waiting, all[0].Evidence["waiting"])
			assert.Equal(t, 10.0, all[0].Evidence["limit_seconds"])
		})
	}
}

// A byte, or nobody who waits, is no stall.
func TestWhatIsNoStall(t *testing.T) {
	judged(t, usual(), func(t *testing.T, r *rig) {
		r.lives(100*time.Millisecond, 20*time.Second)
		for range 5 {
			r.hangs(3, 100*time.Millisecond, 9*time.Second)
			r.edit("a", func(reading *Reading) { reading.Received++ })
		}
		for range 5 {
			r.hangs(3, 100*time.Millisecond, 9*time.Second)
			r.hangs(0, 100*time.Millisecond, 2*time.Second)
		}
		require.Empty(t, r.takes())
	})
}

// Where the peers' requests take long, so may those of the endpoint: five times as long as
// nearly all, or twenty times while there is only one.
func TestLongRequestsAreNoStall(t *testing.T) {
	judged(t, usual(), func(t *testing.T, r *rig) {
		r.lives(10*time.Second, time.Minute)
		r.hangs(3, 10*time.Second, 45*time.Second)
		require.Empty(t, r.takes())
		r.hangs(3, 10*time.Second, 10*time.Second)
		require.Equal(t, []string{"eject a stall"}, actions(r.takes()))
	})
	judged(t, usual(), func(t *testing.T, r *rig) {
		r.lives(10*time.Second, time.Minute)
		r.hangs(1, 10*time.Second, 180*time.Second)
		require.Empty(t, r.takes())
		r.hangs(1, 10*time.Second, 36*time.Second)
		require.Equal(t, "eject a stall", actions(r.takes())[0])
	})
}

// Where nobody answers there is nobody to be held against: the first requests may be long, or
// it is the requests.
func TestAllSilentAlike(t *testing.T) {
	judged(t, usual(), func(t *testing.T, r *rig) {
		silent := func() {
			for _, name := range []string{"a", "b", "c"} {
				r.edit(name, func(reading *Reading) { reading.Waiting = 4 })
			}
			time.Sleep(time.Minute)
			require.Empty(t, r.takes())
		}
		silent()
		r.edit("a", func(reading *Reading) { reading.Received, reading.Waiting = 1, 0 })
		r.lives(100*time.Millisecond, 20*time.Second)
		silent()
	})
}
