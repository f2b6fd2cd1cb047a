package policy

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// clock is moved by a test.
type clock struct {
	now      time.Duration
	readings int
}

func (c *clock) read() time.Duration { c.readings++; return c.now }

// send counts requests at an even rate for so many seconds.
func (c *clock) send(t *traffic, perSecond, seconds int) {
	for range perSecond * seconds {
		c.now += time.Second / time.Duration(perSecond)
		t.count()
	}
}

func TestTrafficMeasures(t *testing.T) {
	for _, perSecond := range []int{1, 7, 100, 1000, 20_000} {
		c := &clock{now: 12345 * time.Millisecond}
		meter := &traffic{now: c.read}
		c.send(meter, perSecond, 10)
		_, ok := meter.rate()
		require.False(t, ok, "after 10 s, of which the first was not complete")
		c.send(meter, perSecond, 5)
		rate, ok := meter.rate()
		require.True(t, ok)
		assert.InDelta(t, perSecond, rate, 1.6, "requests per second: the clock is read each 16th")
	}
}

// TestTrafficFollows lets the rate change: it is followed within the window, which is the
// longer the less there is to count.
func TestTrafficFollows(t *testing.T) {
	c := new(clock)
	meter := &traffic{now: c.read}
	c.send(meter, 1000, 20)
	c.send(meter, 500, 11)
	rate, _ := meter.rate()
	assert.InDelta(t, 500, rate, 1)

	c.send(meter, 20, 11)
	rate, _ = meter.rate()
	assert.InDelta(t, 60, rate, 5, "400 requests reach back to when there were more")
	c.send(meter, 20, 10)
	rate, _ = meter.rate()
	assert.InDelta(t, 20, rate, 1)
	c.send(meter, 2, 62)
	rate, _ = meter.rate()
	assert.InDelta(t, 2, rate, 0.1, "and no further than a minute")
}

func TestTrafficAfterSilence(t *testing.T) {
	c := new(clock)
	meter := &traffic{now: c.read}
	c.send(meter, 1000, 20)
	c.now += 24 * time.Hour
	for range 16 {
		meter.count()
	}
	rate, ok := meter.rate()
	require.True(t, ok)
	assert.Less(t, rate, 0.1)
	assert.Positive(t, rate)
}

func TestTrafficStandsAStuckClock(t *testing.T) {
	c := new(clock)
	meter := &traffic{now: c.read}
	c.send(meter, 1000, 20)
	c.now -= 5 * time.Second
	for range 1000 {
		assert.False(t, meter.count())
	}
}

// TestTrafficReadsTheClockSeldom is what makes measuring cheap where it matters.
func TestTrafficReadsTheClockSeldom(t *testing.T) {
	for perSecond, want := range map[int]int{10: 10, 100: 100, 1000: 100, 16_000: 1000} {
		c := new(clock)
		meter := &traffic{now: c.read}
		c.send(meter, perSecond, 3)
		c.readings = 0
		c.send(meter, perSecond, 10)
		assert.InEpsilon(t, want, c.readings/10, 0.1, "readings per second at %d requests", perSecond)
	}
}
