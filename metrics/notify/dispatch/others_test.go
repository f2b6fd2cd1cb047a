package dispatch

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// othersOf are a gateway's others: one, that it hears some seconds late.
type othersOf struct {
	leads bool
	other *world
	late  time.Duration
}

func (o *othersOf) Leads() bool { return o.leads }

func (o *othersOf) Told(receiver, fingerprint string, firing bool) (at time.Time) {
	if o.other == nil {
		return at
	}
	for _, t := range o.other.d.Tellings() {
		if t.Receiver == receiver && t.Fingerprint == fingerprint && t.Firing == firing && o.other.now.Sub(t.At) >= o.late {
			at = t.At
		}
	}
	return at
}

// pair is two gateways that watch the same; the first leads.
func pair(t *testing.T) (a, b *world, ofA, ofB *othersOf) {
	a, b = newWorld(t), newWorld(t)
	ofA, ofB = &othersOf{leads: true, other: b, late: 4 * time.Second}, &othersOf{other: a, late: 4 * time.Second}
	a.d.Others, b.d.Others = ofA, ofB
	return a, b, ofA, ofB
}

func pass(d time.Duration, all ...*world) {
	for range int(d / time.Second) {
		for _, w := range all {
			w.pass(time.Second)
		}
	}
}

func TestOneGatewayTells(t *testing.T) {
	a, b, _, _ := pair(t)
	a.fire("slow page chat one")
	pass(3*time.Second, a, b) // the other sees it a little later
	b.fire("slow page chat one")
	pass(10*time.Minute, a, b)
	assert.Len(t, a.hook.all(), 1)
	assert.Empty(t, b.hook.all())
	a.end("")
	pass(2*time.Second, a, b)
	b.end("")
	pass(10*time.Minute, a, b)
	assert.Len(t, a.hook.all(), 2)
	assert.Empty(t, b.hook.all(), "that it is over is told once too")
	a.fire("slow page chat one")
	b.fire("slow page chat one")
	pass(26*time.Hour, a, b)
	assert.Greater(t, len(a.hook.all()), 3, "it is told again while it fires")
	assert.Empty(t, b.hook.all())
}

// What only one gateway sees is told by that one, a little later.
func TestWhatTheLeaderDoesNotSeeIsTold(t *testing.T) {
	a, b, _, _ := pair(t)
	b.fire("slow page chat one")
	pass(5*time.Minute, a, b)
	assert.Empty(t, a.hook.all())
	assert.Len(t, b.hook.all(), 1)
	b.end("")
	pass(10*time.Minute, a, b)
	assert.Len(t, b.hook.all(), 2)
}

// The leader dies before it has told, or cannot deliver: another tells.
func TestSomebodyTellsWhenTheLeaderCannot(t *testing.T) {
	a, b, _, ofB := pair(t)
	a.hook.fail = func(int) error { return errDown }
	a.fire("slow page chat one")
	b.fire("slow page chat one")
	pass(2*time.Minute, a, b)
	assert.Empty(t, a.hook.all())
	assert.Len(t, b.hook.all(), 1)
	ofB.other = nil
	b.fire("high ticket chat two")
	pass(5*time.Minute, b)
	assert.Len(t, b.hook.all(), 2)
}

// What the leader has told is not told again by who leads next.
func TestTheNextLeaderKnows(t *testing.T) {
	a, b, _, ofB := pair(t)
	a.fire("slow page chat one")
	b.fire("slow page chat one")
	pass(2*time.Minute, a, b)
	ofB.leads = true
	pass(10*time.Minute, b)
	assert.Len(t, a.hook.all(), 1)
	assert.Empty(t, b.hook.all())
	b.end("")
	pass(10*time.Minute, b)
	assert.Len(t, b.hook.all(), 1, "but that it is over is its to tell")
}
