package dispatch

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/metrics/alert"
)

// TestNothingIsToldTwiceOverARestart, and the end of what was told before is.
func TestNothingIsToldTwiceOverARestart(t *testing.T) {
	w := newWorld(t)
	w.fire("endpoint-down ticket chat a")
	w.pass(time.Minute)
	w.restart()
	w.pass(time.Hour)
	assert.Len(t, w.hook.got, 1)
	w.restart()
	w.end("")
	w.pass(time.Hour)
	w.restart()
	w.pass(time.Hour)
	requireSaid(t, w.hook, "30s endpoint-down/chat +a", "1h1m30s endpoint-down/chat -a")
	assert.Len(t, w.hook.got, 2)
}

// TestWhatWasUnderWayIsToldOnceMore after a crash, under the same ID, at once.
func TestWhatWasUnderWayIsToldOnceMore(t *testing.T) {
	w := newWorld(t)
	w.fire("endpoint-down ticket chat a")
	w.pass(31 * time.Second)
	w.store.err = errors.New("no space left on device") // the state is as it was before this
	w.end("")
	w.pass(10 * time.Minute)
	require.Len(t, w.hook.got, 2)
	w.store.err = nil
	w.restart()
	w.pass(time.Minute)
	require.Len(t, w.hook.got, 3)
	assert.Equal(t, w.hook.got[1].id, w.hook.got[2].id)
	requireSaid(t, w.hook, "30s endpoint-down/chat +a", "5m30s endpoint-down/chat -a")
}

// TestARepeatUnderWayKeepsItsID.
func TestARepeatUnderWayKeepsItsID(t *testing.T) {
	w := newWorld(t)
	w.fire("no-endpoint page chat")
	w.pass(4 * time.Hour)
	w.hook.fail = always(errDown)
	w.pass(time.Minute)
	w.restart()
	w.hook.fail = nil
	w.pass(time.Minute)
	require.Len(t, w.hook.all(), 2)
	var ids []string
	for _, one := range w.hook.got[1:] {
		ids = append(ids, one.id)
	}
	require.Greater(t, len(ids), 1)
	for _, id := range ids {
		assert.Equal(t, ids[0], id)
	}
}

// TestTheOutboxSurvives: what waits is told after a restart without a wait, however long ago it was.
func TestTheOutboxSurvives(t *testing.T) {
	w := newWorld(t)
	w.hook.fail = always(errDown)
	w.fire("endpoint-down ticket chat a")
	w.pass(time.Minute)
	w.now = w.now.Add(48 * time.Hour)
	w.restart()
	w.hook.fail = nil
	w.end("")
	w.pass(2 * time.Second)
	require.Len(t, w.hook.all(), 1)
	assert.Equal(t, "endpoint-down/chat -a", w.hook.all()[0].says, "it is tried once at least, and says how things are")
}

func TestSilencesSurvive(t *testing.T) {
	w := newWorld(t)
	silence(t, w, time.Hour, Matcher{Name: "endpoint", Value: "a.*", Regex: true})
	w.restart()
	w.fire("endpoint-down ticket chat a1")
	w.pass(59 * time.Minute)
	require.Len(t, w.d.Silences(), 1)
	assert.Equal(t, "ann", w.d.Silences()[0].Author)
	assert.Empty(t, w.hook.got)
	w.pass(2 * time.Minute)
	assert.Len(t, w.hook.got, 1)
}

// TestWhatCannotBeReadIsLeftOut: receivers are told anew rather than not at all.
func TestWhatCannotBeReadIsLeftOut(t *testing.T) {
	for _, text := range []string{
		`{"version": 99}`, `[]`, `"`, `{"version":1,"receivers":{"hook":null}}`, `{"version":1,"silences":[null]}`,
		`{"version":1,"receivers":{"hook":{"groups":[null,{},{"name":"endpoint-down","upstream":"chat","alerts":{"x":null,"y":{"told":true}}}]}}}`,
	} {
		w := newWorld(t)
		w.store.text = map[string]json.RawMessage{section: json.RawMessage(text)}
		w.fire("endpoint-down ticket chat a")
		w.pass(time.Hour)
		requireSaid(t, w.hook, "30s endpoint-down/chat +a")
	}
}

// TestAClockThatWasSetBack makes nothing wait for the time to come again.
func TestAClockThatWasSetBack(t *testing.T) {
	w := newWorld(t)
	w.fire("endpoint-down ticket chat a")
	w.pass(time.Minute)
	w.hook.fail = always(errDown)
	w.fire("endpoint-down ticket chat b")
	w.pass(10 * time.Minute)
	w.now = w.now.Add(-1000 * time.Hour)
	w.restart()
	w.hook.fail = nil
	w.pass(time.Minute)
	assert.Len(t, w.hook.all(), 2)
}

// TestEveryReceiverKnowsTheTruthInTheEnd: whatever happens to alerts, the receiver and the process, whoever believes the
// messages that were taken, each once by its ID, believes in the end what is so. And it was told that each alert fired.
func TestEveryReceiverKnowsTheTruthInTheEnd(t *testing.T) {
	seeds := uint64(25)
	if testing.Short() {
		seeds = 2
	}
	for seed := range seeds {
		r := rand.New(rand.NewPCG(seed, 7))
		w := newWorld(t)
		w.step = 5 * time.Second
		believed, heard, fired := map[string]bool{}, map[string]bool{}, map[string]bool{}
		w.hook.takes = func(m *Message) {
			for i := range m.Firing {
				key := m.Firing[i].Fingerprint()
				believed[key], heard[key] = true, true
			}
			for i := range m.Resolved {
				key := m.Resolved[i].Fingerprint()
				believed[key], heard[key] = false, true
			}
		}
		for range 120 {
			switch name := fmt.Sprintf("rule%d ticket up%d e%d", r.IntN(2), r.IntN(2), r.IntN(3)); r.IntN(9) {
			case 0, 1, 2:
				a := w.fire(name)
				fired[a.Fingerprint()] = true
			case 3, 4, 5:
				if len(w.alerts) > 0 {
					if a := &w.alerts[r.IntN(len(w.alerts))]; a.State == alert.Firing {
						a.State, a.EndsAt = alert.Inactive, w.now
					}
				}
			case 6:
				w.hook.fail = always(errDown)
				if r.IntN(3) == 0 {
					w.hook.fail = nil
				}
			case 7:
				w.restart()
			case 8: // the receiver takes a message, and the process is killed before it knows
				w.store.err = errors.New("no space left on device")
				w.pass(time.Duration(r.IntN(40)) * time.Second)
				w.store.err = nil
				w.restart()
			}
			w.pass(time.Duration(r.IntN(400)) * time.Second)
		}
		w.hook.fail = nil
		w.pass(30 * time.Minute)
		for i := range w.alerts {
			key := w.alerts[i].Fingerprint()
			require.Equal(t, w.alerts[i].State == alert.Firing, believed[key], "seed %d, %s %s", seed, w.alerts[i].Name, w.alerts[i].Endpoint)
		}
		for key := range fired {
			require.True(t, heard[key], "seed %d: nobody was told of %s", seed, key)
		}
	}
}
