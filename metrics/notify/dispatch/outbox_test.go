package dispatch

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/metrics/alert"
)

// TestTheNewestStateIsTold when a receiver is back: what it missed is in one message.
func TestTheNewestStateIsTold(t *testing.T) {
	w := newWorld(t)
	w.hook.fail = always(errDown)
	w.fire("endpoint-down ticket chat a")
	w.fire("endpoint-down ticket chat b")
	w.pass(10 * time.Minute)
	w.alerts[0].State, w.alerts[0].EndsAt = alert.Inactive, w.now
	w.pass(10 * time.Minute)
	w.fire("endpoint-down ticket chat c")
	w.pass(10 * time.Minute)
	assert.Empty(t, w.hook.said())
	assert.Equal(t, 1, w.d.Receivers()[0].Waiting)
	assert.Equal(t, "connection refused", w.d.Receivers()[0].LastError)
	assert.Equal(t, start.Add(30*time.Second), w.d.Receivers()[0].FailingSince)
	w.hook.fail = nil
	w.pass(11 * time.Minute)
	require.Len(t, w.hook.all(), 1)
	assert.Equal(t, "endpoint-down/chat +b +c -a", w.hook.all()[0].says)
	assert.Equal(t, []string{"alerts_undelivered", "alerts_delivered"}, w.kinds(), "told once each")
	s := w.d.Stats()[0]
	assert.Equal(t, Stats{Receiver: "hook", Attempts: s.Attempts, Failed: s.Attempts - 1, Delivered: 1}, s)
	assert.Empty(t, w.d.Receivers()[0].LastError)
}

// TestAReceiverThatIsDownIsAskedEverMoreRarely, and not for each of its messages.
func TestAReceiverThatIsDownIsAskedEverMoreRarely(t *testing.T) {
	long(t)
	w := newWorld(t)
	w.hook.fail = always(errDown)
	for i := range 100 {
		w.fire(fmt.Sprintf("rule-%d ticket chat", i))
	}
	w.pass(time.Hour)
	assert.Less(t, len(w.hook.got), 40)
	assert.Greater(t, len(w.hook.got), 6)
	for i, one := range w.hook.got[1:] {
		assert.GreaterOrEqual(t, one.at-w.hook.got[i].at, leastPause/2)
		assert.LessOrEqual(t, one.at-w.hook.got[i].at, mostPause+time.Second)
	}
	w.hook.fail = nil
	w.pass(11 * time.Minute)
	assert.Len(t, w.hook.all(), 100)
}

// TestAReceiverThatAsksForAPauseGetsIt.
func TestAReceiverThatAsksForAPauseGetsIt(t *testing.T) {
	w := newWorld(t)
	w.hook.fail = func(n int) error {
		if n == 0 {
			return &Later{errors.New("answered 429"), 5 * time.Minute}
		}
		return nil
	}
	w.fire("endpoint-down ticket chat a")
	w.pass(10 * time.Minute)
	requireSaid(t, w.hook, "5m30s endpoint-down/chat +a")
}

// TestAMessageIsGivenUpAfterADay, and counted. What still fires is tried again when it is due again.
func TestAMessageIsGivenUpAfterADay(t *testing.T) {
	w := newWorld(t)
	w.step = 10 * time.Second
	w.hook.fail = always(errDown)
	w.fire("no-endpoint page chat")
	w.pass(24*time.Hour + time.Minute)
	s := w.d.Stats()[0]
	assert.EqualValues(t, 1, s.Outdated)
	assert.Zero(t, s.Waiting)
	w.hook.fail = nil
	w.pass(3 * time.Hour)
	assert.Empty(t, w.hook.said())
	w.pass(2 * time.Hour)
	require.Len(t, w.hook.all(), 1)
	assert.Equal(t, "page 1", w.hook.all()[0].from)
}

// TestARefusedMessageIsNotTriedAgain before it is another one.
func TestARefusedMessageIsNotTriedAgain(t *testing.T) {
	w := newWorld(t)
	w.hook.fail = always(errRefused)
	w.fire("endpoint-down ticket chat a")
	w.pass(time.Hour)
	assert.Len(t, w.hook.got, 1)
	w.end("")
	w.pass(time.Hour)
	assert.Len(t, w.hook.got, 2)
	s := w.d.Stats()[0]
	assert.Equal(t, Stats{Receiver: "hook", Attempts: 2, Failed: 2, Refused: 2, Failing: true}, s)
	assert.Equal(t, []string{"alerts_undelivered", "alerts_undelivered"}, w.kinds())
}

func TestAReceiverThatIsGoneGetsNoMore(t *testing.T) {
	w := newWorld(t)
	w.step = 10 * time.Second
	w.hook.fail = always(&Final{Err: errors.New("answered 410"), Gone: true})
	w.fire("endpoint-down ticket chat a")
	w.fire("queue-long ticket chat")
	w.pass(48 * time.Hour)
	assert.Len(t, w.hook.got, 1)
	assert.EqualValues(t, 1, w.d.Stats()[0].Dropped)
	w.names[0].Version = "another"
	w.hook.fail = nil
	w.d.SetReceivers(w.names)
	w.pass(time.Hour)
	assert.Len(t, w.hook.all(), 2, "other settings are another try")
}

// TestTheOutboxIsBounded: pages go first, and the oldest is dropped.
func TestTheOutboxIsBounded(t *testing.T) {
	long(t)
	w := newWorld(t)
	w.step = 10 * time.Second
	w.hook.fail = always(errDown)
	w.fire("first ticket chat")
	w.pass(time.Minute)
	for i := range mostWaiting + 9 {
		w.fire(fmt.Sprintf("rule-%04d ticket chat", i))
	}
	w.pass(time.Minute)
	w.fire("grave page chat")
	w.pass(time.Minute)
	s := w.d.Stats()[0]
	assert.Equal(t, mostWaiting, s.Waiting)
	assert.EqualValues(t, 11, s.Dropped)
	w.hook.fail = nil
	w.pass(10 * time.Minute)
	all := w.hook.all()
	require.Len(t, all, mostWaiting)
	for _, one := range all {
		assert.NotEqual(t, "first/chat +all", one.says)
		if one.says == "grave/chat +all" {
			assert.LessOrEqual(t, one.at-all[0].at, triedSoon+w.step)
		}
	}
}

// TestAMessageThatCannotBeTakenHoldsUpNoOther, though it pages somebody.
func TestAMessageThatCannotBeTakenHoldsUpNoOther(t *testing.T) {
	w := newWorld(t)
	w.hook.poison = "grave"
	w.fire("grave page chat")
	w.pass(time.Minute)
	for i := range 20 {
		w.fire(fmt.Sprintf("rule-%d ticket chat", i))
	}
	w.pass(15 * time.Minute)
	assert.Len(t, w.hook.all(), 20)
	assert.Equal(t, 1, w.d.Receivers()[0].Waiting)
}

// TestAllThatWaitsIsGivenUpAfterADay, not only what was tried.
func TestAllThatWaitsIsGivenUpAfterADay(t *testing.T) {
	long(t)
	w := newWorld(t)
	w.step = 10 * time.Second
	w.hook.fail = always(errDown)
	for i := range 100 {
		w.fire(fmt.Sprintf("rule-%d ticket chat", i))
	}
	w.pass(24*time.Hour + 2*time.Minute)
	assert.EqualValues(t, 100, w.d.Stats()[0].Outdated)
	assert.Zero(t, w.d.Stats()[0].Waiting)
}

// TestWhatWaitsIsBounded, however many endpoints come and go while nobody can be told.
func TestWhatWaitsIsBounded(t *testing.T) {
	long(t)
	w := newWorld(t)
	w.step = 10 * time.Second
	w.hook.fail = always(errDown)
	for i := range 30 {
		for j := range 80 {
			w.fire(fmt.Sprintf("endpoint-down ticket chat e%d-%d", i, j))
		}
		w.pass(20 * time.Second)
		w.end("")
		w.pass(20 * time.Second)
		w.alerts = nil
	}
	entries := len(w.d.flows[0].groups[groupKey{"endpoint-down", "chat"}].Entries)
	assert.LessOrEqual(t, entries, 2*mostOver+100)
	assert.Positive(t, w.d.Stats()[0].Dropped)
	w.step = 10 * time.Minute
	w.pass(26 * time.Hour)
	assert.Empty(t, w.d.flows[0].groups, "what was given up is kept no longer")
}

// TestASilenceTakesAMessageBack that nobody has taken yet.
func TestASilenceTakesAMessageBack(t *testing.T) {
	w := newWorld(t)
	w.hook.fail = always(errDown)
	w.fire("endpoint-down ticket chat a")
	w.pass(5 * time.Minute)
	_, err := w.d.Silence(Silence{Matchers: []Matcher{{Name: "upstream", Value: "chat"}}, EndsAt: w.now.Add(time.Hour)})
	require.NoError(t, err)
	w.hook.fail = nil
	w.pass(59 * time.Minute)
	assert.Empty(t, w.hook.said())
	assert.Zero(t, w.d.Receivers()[0].Waiting)
	w.pass(2 * time.Minute)
	require.Len(t, w.hook.all(), 1)
}

// TestOtherSettingsOfAReceiver forget nothing of what it was told.
func TestOtherSettingsOfAReceiver(t *testing.T) {
	w := newWorld(t)
	w.names[0].Version = "one"
	w.restart()
	w.fire("endpoint-down ticket chat a")
	w.pass(time.Minute)
	before := w.d.flows[0]
	w.d.SetReceivers(w.names)
	assert.Same(t, before, w.d.flows[0], "the same settings")
	w.names[0].Version, w.names[0].Kind = "two", "slack"
	w.d.SetReceivers(w.names)
	assert.NotSame(t, before, w.d.flows[0])
	w.pass(time.Hour)
	w.end("")
	w.pass(time.Hour)
	requireSaid(t, w.hook, "30s endpoint-down/chat +a", "1h1m30s endpoint-down/chat -a")
	assert.EqualValues(t, 2, w.d.Stats()[0].Delivered)

	w.d.SetReceivers(nil)
	w.fire("endpoint-down ticket chat a")
	w.pass(time.Hour)
	assert.Len(t, w.hook.all(), 2, "one that has gone hears no more")
}
