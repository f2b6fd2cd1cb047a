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

// How much a long wait counts has nothing to do with how long it is.
func TestServerTakesSilentOnesForReadInTheirTurn(t *testing.T) {
	d := newDesk()
	for range 100 {
		d.send(1000, true)
	}
	d.send(1000, false)
	seconds := 101 * 0.1025
	d.now = time.Duration(1.15 * seconds * float64(time.Second))
	ask := d.up.Ask(&Prompt{}, d.now)
	d.Quote(&ask, even)
	assert.EqualValues(t, 1, d.State().Writing)
}

// A prompt that is being read is worth less the longer that takes, but is never done before its first token.
func TestQuoteWaitsForWhatIsLeft(t *testing.T) {
	d := newDesk()
	tuning := Tuned
	tuning.Patience = 0
	d.up.Tune(&tuning)
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

// A wait counts the more the longer it is, by how long usual prompts take.
func TestQuoteIsPatientForAWhile(t *testing.T) {
	d := newDesk()
	wait := func() float64 {
		ask := d.up.Ask(&Prompt{Bytes: 4000}, d.now)
		return d.Quote(&ask, even).Wait
	}
	for range 12 {
		d.send(1000, true)
	}
	seconds := 12 * 0.1025
	assert.InDelta(t, 2*seconds, wait(), 0.02*seconds)
	for range 12 {
		d.send(1000, true)
	}
	assert.InDelta(t, 3*2*seconds, wait(), 0.02*seconds)
}

// A rate is the upper third of what is seen, and the prior until enough was.
func TestServerLearnsHowFastItReads(t *testing.T) {
	d := newDesk()
	for i := range 600 {
		v := d.send(4000, true)
		took := 400 * time.Millisecond // 11,000 of work a second
		if i%2 > 0 {
			took *= 3
		}
		d.now += took
		d.token(v)
		d.end(v)
	}
	assert.InDelta(t, 11_000, d.Pace().Rate, 2500)
	ask := d.up.Ask(&Prompt{Bytes: 40_000}, d.now)
	assert.InDelta(t, 12_500/d.Pace().Rate, d.Quote(&ask, Place{Capacity: 100}).Read, 0.2, "whatever its capacity is said to be")
	fresh := NewServer()
	assert.InDelta(t, 12_500/10_000.0/2, fresh.Quote(&ask, Place{Capacity: 2}).Read, 1e-9)
}

// How long a token takes by context is learned from gaps in which no prompt was read.
func TestServerLearnsHowFastItWrites(t *testing.T) {
	d := newDesk()
	streams := []*Visit{d.send(1000, true)}
	for i := range 2000 {
		if i%200 == 0 && len(streams) < 10 {
			streams = append(streams, d.send(10_000, true))
			d.now += 5 * time.Second // a stall, which says nothing
			for _, v := range streams {
				d.token(v)
			}
		}
		d.now += time.Duration((0.01 + 1e-7*float64(d.State().Context)) * float64(time.Second))
		for _, v := range streams {
			d.token(v)
		}
	}
	pace := d.Pace()
	held := float64(d.State().Context)
	assert.InDelta(t, 0.01+1e-7*held, pace.Step+pace.Slope*held, 0.001)
	assert.InDelta(t, 1e-7, pace.Slope, 4e-8)
	for _, v := range streams {
		d.end(v)
	}
	assert.Zero(t, d.State())
}

// As long as nothing was measured the cost goes by (n+½)/C.
func TestQuoteBeginsLikeLeastLoad(t *testing.T) {
	d := newDesk()
	var at []float64
	for range 3 {
		ask := d.up.Ask(nil, d.now)
		parts := d.Quote(&ask, Place{Capacity: 2})
		at = append(at, parts.Write+parts.Slow)
		d.send(1, true)
	}
	assert.InDelta(t, 1, at[0], 1e-9) // ½ · 200 tokens · 20 ms / 2
	assert.InDelta(t, 3, at[1], 1e-9)
	assert.InDelta(t, 5, at[2], 1e-9)
}

// A client that takes nothing makes its server look neither slow nor fast, by what had piled up meanwhile.
func TestServerIsNotJudgedByItsClients(t *testing.T) {
	d := newDesk()
	v := d.send(1000, true)
	d.token(v)
	for range 5 {
		for range 20 {
			d.now += 100 * time.Millisecond
			d.token(v)
		}
		d.now += 5 * time.Second
		d.Blocked(v, 5*time.Second, d.now)
		d.token(v)
		for range 200 { // what had piled up, and then what comes
			d.now += time.Millisecond
			d.token(v)
		}
		for range 50 {
			d.now += 100 * time.Millisecond
			d.token(v)
		}
	}
	pace := d.Pace()
	assert.InDelta(t, 0.1, pace.Step+pace.Slope*float64(d.State().Context), 1e-3)
	d.end(v)
	d.Blocked(v, time.Second, d.now)
	assert.Zero(t, *v, "a visit that has ended does nothing more")
}

// Others weigh as much as our own; where the number of gateways is known, ours stand for them.
func TestQuoteCountsOthers(t *testing.T) {
	d := newDesk()
	tuning := Tuned
	tuning.Patience = 0
	d.up.Tune(&tuning)
	v := d.send(1000, true)
	d.token(v)
	d.send(1000, true)
	ask := d.up.Ask(&Prompt{Bytes: 4000}, d.now)
	alone := d.Quote(&ask, even)
	foreign := d.Quote(&ask, Place{Capacity: 1, Waiting: 1, Running: 1})
	assert.InDelta(t, 2*alone.Stall, foreign.Stall, 1e-9)
	assert.InDelta(t, 2*alone.Wait, foreign.Wait, 0.01)
	tuning.Gateways = 2
	twice := d.Quote(&ask, Place{Capacity: 1, Waiting: 7, Running: 7})
	assert.InDelta(t, 2*alone.Stall, twice.Stall, 1e-9)
	assert.InDelta(t, 2*alone.Wait, twice.Wait, 1e-9)
}

// What engines say at the end corrects how long a token and an answer are taken to be.
func TestUpstreamLearnsLengths(t *testing.T) {
	d := newDesk()
	for range 1000 {
		v := d.send(1000, true) // 4,000 bytes
		d.token(v)
		d.Token(v, 9, d.now)
		d.End(v, true, Usage{PromptTokens: 2000, CompletionTokens: 30}, d.now)
	}
	ask := d.up.Ask(&Prompt{Bytes: 4000}, d.now)
	assert.InDelta(t, 2000, ask.tokens, 100)
	assert.InDelta(t, 10, ask.answer, 1)
	v := d.send(1000, true)
	d.Token(v, 10, d.now)
	assert.InDelta(t, 2000+30, d.State().Context, 100, "an event of this engine has three tokens")
	d.end(v)
	for range 1000 {
		v := d.send(1000, false) // an embedding
		d.End(v, true, Usage{PromptTokens: 2000}, d.now)
	}
	ask = d.up.Ask(&Prompt{Bytes: 4000}, d.now)
	assert.InDelta(t, 0, ask.answer, 0.1)
}

func TestQuoteAllocatesNothing(t *testing.T) {
	d := newDesk()
	prompt := Prompt{Bytes: 4000, Streams: true}
	var v Visit
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		ask := d.up.Ask(&prompt, d.now)
		d.Quote(&ask, even)
		d.Send(&v, &d.up, &prompt, even, d.now)
		d.token(&v)
		d.token(&v)
		d.end(&v)
	}))
}

// A server may say anything, and a body may be anything.
func TestNoSingleAnswerTurnsWhatWasLearned(t *testing.T) {
	const billion = 999_999_999
	for name, c := range map[string]struct {
		bytes int64
		usage Usage
	}{
		"tokens of the prompt": {4000, Usage{PromptTokens: billion}},
		"tokens of the answer": {4000, Usage{PromptTokens: 1000, CompletionTokens: billion}},
		"a body of pictures":   {60 << 20, Usage{PromptTokens: 2000}},
	} {
		for _, events := range []int{0, 1} {
			d := newDesk()
			v := new(Visit)
			d.Send(v, &d.up, &Prompt{Bytes: c.bytes, Streams: true}, even, d.now)
			d.Token(v, events, d.now)
			d.End(v, true, c.usage, d.now)
			ask := d.up.Ask(&Prompt{Bytes: 4000}, d.now)
			assert.InDelta(t, 1000, ask.tokens, 300, name)
			assert.Less(t, ask.answer, 11_000.0, name)
			assert.LessOrEqual(t, d.up.tokens(1), int64(110), name)
			assert.Zero(t, d.State(), name)
		}
	}
}

// A large body that nobody looks into is most likely pictures: as text it would keep everybody else away for days.
func TestUnreadBodiesAreTakenForTheUsualPrompt(t *testing.T) {
	d := newDesk()
	v := new(Visit)
	d.Send(v, &d.up, &Prompt{Bytes: 60 << 20, Unread: true, Streams: true}, even, d.now)
	assert.LessOrEqual(t, d.State().Context, int64(usualPrompt))
	ask := d.up.Ask(&Prompt{Bytes: 4000}, d.now)
	assert.Less(t, d.Quote(&ask, even).Wait, 1.0)
	d.end(v)
	for range 1000 { // that have nothing to read
		d.Send(v, &d.up, &Prompt{}, even, d.now)
		d.end(v)
	}
	ask = d.up.Ask(&Prompt{Bytes: 4000}, d.now)
	assert.EqualValues(t, usualPrompt, ask.usual.work.value)
}

// After a start of ours a server may have all of a prompt in its cache, and answer at once.
func TestFirstMeasurementOfAServerIsBounded(t *testing.T) {
	d := newDesk()
	for i := range 40 {
		v := d.send(30_000, true)
		took := 5250 * time.Millisecond // 10,000 of work a second
		if i == 0 {
			took = time.Millisecond
		}
		d.now += took
		d.token(v)
		d.end(v)
	}
	assert.Less(t, d.Pace().Rate, 30_000.0)
	fast := newDesk()
	for range 60 {
		v := fast.send(30_000, true)
		fast.now += 262500 * time.Microsecond
		fast.token(v)
		fast.end(v)
	}
	assert.InDelta(t, 200_000, fast.Pace().Rate, 10_000, "one that is fast shows it")
}
