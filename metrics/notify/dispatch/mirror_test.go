package dispatch

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/metrics/alert"
)

// mirror remembers what it was told.
type mirror struct {
	mu   sync.Mutex // guards what follows
	got  []string   // "time +firing -resolved"
	fail error
}

func (m *mirror) Tell(_ context.Context, alerts []alert.Alert, now time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	text := now.Sub(start).String()
	for i := range alerts {
		sign := "+"
		if alerts[i].State == alert.Inactive {
			sign = "-"
		}
		text += " " + sign + alerts[i].Name
	}
	m.got = append(m.got, text)
	return m.fail
}

func (m *mirror) Close() {}

func newMirrors(t *testing.T, n int) (*world, []*mirror) {
	w := newWorld(t)
	r := Receiver{Name: "ops", Kind: "alertmanager"}
	var list []*mirror
	for range n {
		list = append(list, &mirror{})
		r.Mirrors = append(r.Mirrors, list[len(list)-1])
	}
	w.names = []Receiver{r}
	w.restart()
	return w, list
}

// TestAMirrorIsToldAgainAndAgain: at a change, and each minute; what is over for a quarter of an hour.
func TestAMirrorIsToldAgainAndAgain(t *testing.T) {
	w, m := newMirrors(t, 1)
	w.pass(time.Hour)
	assert.Empty(t, m[0].got)
	w.fire("a ticket chat")
	w.pass(2*time.Minute + 30*time.Second)
	w.end("a")
	w.fire("b ticket chat")
	w.pass(time.Minute)
	assert.Equal(t, []string{"1h0m0s +a", "1h1m0s +a", "1h2m0s +a", "1h2m30s -a +b"}, m[0].got)
	m[0].got = nil
	w.end("b")
	w.pass(time.Hour)
	require.Len(t, m[0].got, 15)
	assert.Equal(t, "1h3m30s -a -b", m[0].got[0])
	assert.Equal(t, "1h17m30s -b", m[0].got[14], "the quarter of an hour of a is over")
}

// TestEachMirrorIsTold, whatever becomes of the others, and one that fails is told again soon.
func TestEachMirrorIsTold(t *testing.T) {
	w, m := newMirrors(t, 2)
	m[0].fail = errDown
	w.fire("a ticket chat")
	w.pass(2 * time.Minute)
	assert.Equal(t, []string{"0s +a", "1m0s +a"}, m[1].got)
	assert.Greater(t, len(m[0].got), 3)
	assert.Less(t, len(m[0].got), 40)
	s := w.d.Receivers()[0]
	assert.Equal(t, "urls[0]: connection refused", s.LastError)
	assert.Equal(t, start, s.FailingSince)
	assert.True(t, w.d.Stats()[0].Failing)
	m[0].fail = nil
	w.pass(2 * time.Minute)
	s = w.d.Receivers()[0]
	assert.Empty(t, s.LastError)
	assert.Zero(t, s.FailingSince)
	assert.Equal(t, []string{"alerts_undelivered", "alerts_delivered"}, w.kinds())
}

// TestAMirrorNeverTakesSilenceForTheEnd: what it knows it is told on, and what it does not know it is not told while
// that is muted.
func TestAMirrorNeverTakesSilenceForTheEnd(t *testing.T) {
	w, m := newMirrors(t, 1)
	w.fire("a ticket chat")
	w.pass(time.Second)
	silence(t, w, time.Hour, Matcher{Name: "upstream", Value: "chat"})
	w.fire("b ticket chat")
	w.pass(time.Minute)
	w.restart()
	w.pass(time.Minute)
	assert.Equal(t, []string{"0s +a", "1m0s +a", "1m1s +a"}, m[0].got, "at once after a restart")
	w.pass(time.Hour)
	assert.Contains(t, m[0].got, "59m1s +a")
	assert.Contains(t, m[0].got, "1h0m1s +a +b")
}

func TestTheWatchdogAlwaysFires(t *testing.T) {
	w, m := newMirrors(t, 1)
	w.names[0].Watchdog, w.names[0].Severity = true, alert.Page
	w.restart()
	w.pass(2*time.Minute + time.Second)
	w.fire("a page chat")
	w.fire("b ticket chat")
	w.pass(time.Second)
	assert.Equal(t, []string{"0s +Watchdog", "1m0s +Watchdog", "2m0s +Watchdog", "2m1s +a +Watchdog"}, m[0].got)
	assert.Empty(t, fmt.Sprint(w.d.Receivers()[0].LastError))
}
