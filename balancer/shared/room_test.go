package shared_test

import (
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/balancer/shared"
)

const server = "a:1"

// desk is a gateway before one server, in virtual time.
type desk struct {
	room     *shared.Room
	ends     []time.Duration // of its requests in flight
	waits    []time.Duration // when those that wait came
	others   int64           // as it heard last, with what it leaves
	told     int64
	starves  time.Duration // as told
	toldAt   time.Duration
	longest  time.Duration // that one of its requests has waited
	patterns func(now time.Duration) (arrivals int)
}

// counter is gateways before one server.
type counter struct {
	t      *testing.T
	slots  int64
	desks  []*desk
	answer func() time.Duration
}

func moment(at time.Duration) time.Time { return time.Unix(0, 0).Add(at) }

func (c *counter) own(d *desk, now time.Duration) *shared.Own {
	own := &shared.Own{Load: map[string]int64{}}
	if n := len(d.ends); n > 0 {
		own.Load[server] = int64(n)
	}
	if len(d.waits) > 0 && now-d.waits[0] >= shared.LongWait {
		own.Oldest = map[string]time.Duration{server: now - d.waits[0]}
	}
	return own
}

// pass is one moment: answers end, requests come, and who has room takes.
func (c *counter) pass(d *desk, now time.Duration) {
	kept := d.ends[:0]
	for _, end := range d.ends {
		if end > now {
			kept = append(kept, end)
		}
	}
	d.ends = kept
	for range d.patterns(now) {
		d.waits = append(d.waits, now)
	}
	c.take(d, now)
}

func (c *counter) take(d *desk, now time.Duration) {
	for len(d.waits) > 0 && int64(len(d.ends))+d.others < c.slots {
		d.longest = max(d.longest, now-d.waits[0])
		d.waits = d.waits[1:]
		d.ends = append(d.ends, now+c.answer())
	}
	if len(d.waits) > 0 {
		d.longest = max(d.longest, now-d.waits[0])
	}
}

func (c *counter) tell(d *desk, now time.Duration) {
	own := c.own(d, now)
	d.told, d.starves, d.toldAt = own.Load[server], d.room.Starves(moment(now), own)[server], now
}

func (c *counter) hear(d *desk, now time.Duration) {
	c.tell(d, now)
	sum, starving := shared.Sum{Load: map[string]int64{}}, map[string][]shared.Starved{}
	for i, other := range c.desks {
		if other == d {
			continue
		}
		sum.Load[server] += other.told
		if other.starves > 0 {
			starving[server] = append(starving[server], shared.Starved{By: strconv.Itoa(i), For: other.starves + now - other.toldAt})
		}
	}
	heard := sum.Load[server]
	left := d.room.Leave(moment(now), &sum, c.own(d, now), map[string]int64{server: c.slots}, starving)[server]
	require.Equal(c.t, heard, sum.Load[server])
	require.GreaterOrEqual(c.t, left, int64(0), "a slot that is in use is never given again")
	d.others = heard + left
	c.take(d, now)
	c.tell(d, now)
}

// However requests come to others, one that comes to a quiet gateway is served within a bound.
func TestAQuietGatewayDoesNotStarve(t *testing.T) {
	const longestAnswer, until, tick = 400 * time.Millisecond, 30 * time.Second, 2 * time.Millisecond
	for seed := range uint64(16) {
		chance := rand.New(rand.NewPCG(seed, 1))
		c := &counter{t: t, slots: 1 + chance.Int64N(4)}
		shortest := longestAnswer / time.Duration(1+chance.IntN(40))
		c.answer = func() time.Duration { return 1 + time.Duration(chance.Int64N(int64(shortest))) }
		every := []time.Duration{10 * time.Millisecond, 50 * time.Millisecond}[seed%2]
		gateways := 2 + chance.IntN(3)
		for i := range gateways {
			d := &desk{room: shared.NewRoom(strconv.Itoa(i), every)}
			at, burst := i, 1+chance.IntN(30)
			d.patterns = func(time.Duration) int {
				switch {
				case at == 0 && len(d.waits) == 0 && len(d.ends) == 0 && chance.IntN(200) == 0:
					return 1
				case at > 0 && chance.IntN(10) == 0:
					return burst
				}
				return 0
			}
			c.desks = append(c.desks, d)
		}
		for now := time.Duration(0); now < until; now += tick {
			for i, d := range c.desks {
				c.pass(d, now)
				if (now+time.Duration(i)*tick)%every == 0 {
					c.hear(d, now)
				}
			}
		}
		bound := time.Duration(gateways) * (2*shared.LongWait + longestAnswer + 6*every)
		assert.Less(t, c.desks[0].longest, bound, "seed %d: %d gateways, %d slots, %s", seed, gateways, c.slots, every)
		assert.Positive(t, c.desks[0].longest, "it was full when some came")
	}
}

// leaving asks a Room of one server with one slot what it leaves to another gateway that says it starves.
func leaving(r *shared.Room, at time.Duration, own, elsewhere int64, starves time.Duration) int64 {
	starving := map[string][]shared.Starved{}
	if starves > 0 {
		starving[server] = []shared.Starved{{By: "other", For: starves}}
	}
	sum := shared.Sum{Load: map[string]int64{server: elsewhere}}
	return r.Leave(moment(at), &sum, &shared.Own{Load: map[string]int64{server: own}}, map[string]int64{server: 1}, starving)[server]
}

// A gateway that says it starves and takes nothing costs a slot for a bounded time, and then not again for long.
func TestWordsThatAreNotMeantCostLittle(t *testing.T) {
	r := shared.NewRoom("me", 10*time.Millisecond)
	idle := time.Duration(0)
	for at := time.Duration(0); at < time.Minute; at += 10 * time.Millisecond {
		if leaving(r, at, 0, 0, time.Hour) > 0 {
			idle += 10 * time.Millisecond
		}
	}
	assert.Greater(t, idle, 2*time.Second)
	assert.Less(t, idle, 4*time.Second, "a quarter of a second of five")
}

// Who has just got a server keeps it for LongWait, and then leaves a slot once it is free.
func TestASlotIsKeptForAWhile(t *testing.T) {
	r := shared.NewRoom("me", 10*time.Millisecond)
	assert.Zero(t, leaving(r, time.Second, 1, 0, time.Hour))
	assert.Zero(t, leaving(r, time.Second+shared.LongWait-1, 1, 0, time.Hour))
	assert.EqualValues(t, 1, leaving(r, time.Second+shared.LongWait, 1, 0, time.Hour))
	assert.Zero(t, leaving(r, 2*time.Second, 1, 0, 0), "nobody starves any more")
}
