package cost

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// even is a server like all others.
var even = Place{Capacity: 1}

// desk is a server and an upstream, and a clock.
type desk struct {
	*Server
	up  Upstream
	now time.Duration
}

func newDesk() *desk {
	d := &desk{Server: NewServer()}
	d.up.Begin()
	return d
}

func (d *desk) send(tokens int64, streams bool) *Visit {
	v := new(Visit)
	d.Send(v, &d.up, &Prompt{Bytes: tokens * usualBytes, Streams: streams}, even, d.now)
	return v
}

func (d *desk) token(v *Visit) { d.Token(v, 1, d.now) }
func (d *desk) end(v *Visit)   { d.End(v, true, Usage{}, d.now) }

func TestServerCountsWhatIsThere(t *testing.T) {
	d := newDesk()
	first, second := d.send(1000, true), d.send(2000, true)
	work := int64(1000+25) + int64(2000+100)
	assert.Equal(t, State{Reading: 2, Work: work, Context: 3000}, d.State())
	d.token(second)
	assert.Equal(t, State{Reading: 1, Work: 1025, Writing: 1, Context: 3001}, d.State())
	d.token(first)
	d.Token(first, 7, d.now)
	assert.Equal(t, State{Writing: 2, Context: 3009}, d.State())
	d.end(first)
	assert.Equal(t, State{Writing: 1, Context: 2001}, d.State())
	d.end(second)
	assert.Zero(t, d.State())
	d.end(second)
	d.token(second)
	assert.Zero(t, d.State(), "a visit that has ended does nothing more")
}

func TestServerForgetsWhoLeavesUnread(t *testing.T) {
	d := newDesk()
	first, second, third := d.send(1000, true), d.send(1000, false), d.send(1000, true)
	d.end(second)
	d.end(first)
	assert.Equal(t, State{Reading: 1, Work: 1025, Context: 1000}, d.State())
	d.end(third)
	assert.Zero(t, d.State())
}

// What shows no first token is taken for read when it must have been.
func TestServerTakesSilentOnesForRead(t *testing.T) {
	d := newDesk()
	silent := d.send(10_000, false) // 12,500 of work at 10,000 a second
	assert.Equal(t, 1, d.State().Reading)
	d.now = 1390 * time.Millisecond
	ask := d.up.Ask(&Prompt{}, d.now)
	d.Quote(&ask, even)
	assert.Equal(t, 1, d.State().Reading)
	d.now = 1400 * time.Millisecond // 1.1 × 1.25 s + 20 ms
	ask = d.up.Ask(&Prompt{}, d.now)
	d.Quote(&ask, even)
	assert.Equal(t, State{Writing: 1, Context: 10_000}, d.State())
	d.end(silent)
	assert.Zero(t, d.State())
}

// A prompt that is being read is worth less the longer that takes, but is never done before its first token.
func TestQuoteWaitsForWhatIsLeft(t *testing.T) {
	d := newDesk()
	wait := func() float64 {
		ask := d.up.Ask(&Prompt{Bytes: 4000}, d.now)
		return d.Quote(&ask, even).Wait
	}
	assert.Zero(t, wait())
	d.send(10_000, true)
	d.send(1000, true)
	assert.InDelta(t, 1.25+0.1025, wait(), 1e-9)
	d.now = time.Second
	assert.InDelta(t, 0.25+0.1025, wait(), 1e-9)
	d.now = time.Minute
	assert.InDelta(t, 0.0625+0.1025, wait(), 1e-9)
}
