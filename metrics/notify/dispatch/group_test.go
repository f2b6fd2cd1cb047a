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

func TestAPageWaitsLessThanATicket(t *testing.T) {
	w := newWorld(t)
	w.fire("no-endpoint page chat")
	w.fire("queue-long ticket chat")
	w.pass(time.Minute)
	requireSaid(t, w.hook, "10s no-endpoint/chat +all", "30s queue-long/chat +all")
}

// TestAlertsOfAGroupAreOneMessage: those that come later wait until Interval is over.
func TestAlertsOfAGroupAreOneMessage(t *testing.T) {
	w := newWorld(t)
	w.fire("endpoint-down ticket chat a")
	w.pass(20 * time.Second)
	w.fire("endpoint-down ticket chat b")
	w.fire("endpoint-down ticket other a")
	w.pass(time.Minute)
	w.fire("endpoint-down ticket chat c")
	w.pass(time.Minute)
	w.fire("endpoint-down ticket chat d")
	w.pass(10 * time.Minute)
	w.fire("endpoint-down ticket chat e")
	w.pass(time.Minute)
	requireSaid(t, w.hook,
		"30s endpoint-down/chat +a +b", "50s endpoint-down/other +a",
		"5m30s endpoint-down/chat +a +b +c +d",
		"12m50s endpoint-down/chat +a +b +c +d +e") // Interval was long over: it waits for others only
}

// TestWhatIsOverBeforeItWasToldIsToldOnce, with both.
func TestWhatIsOverBeforeItWasToldIsToldOnce(t *testing.T) {
	w := newWorld(t)
	w.fire("endpoint-down ticket chat a")
	w.pass(10 * time.Second)
	w.end("")
	w.pass(time.Hour)
	requireSaid(t, w.hook, "30s endpoint-down/chat -a")
	m := w.hook.got[0]
	assert.True(t, m.taken)
	assert.Empty(t, w.d.flows[0].groups, "nothing is kept of it")
}

func TestTheEndIsTold(t *testing.T) {
	w := newWorld(t)
	w.fire("endpoint-down ticket chat a")
	w.fire("endpoint-down ticket chat b")
	w.pass(time.Minute)
	w.alerts[0].State, w.alerts[0].EndsAt = alert.Inactive, w.now
	w.pass(10 * time.Minute)
	w.end("")
	w.pass(time.Minute)
	w.alerts, w.step = nil, time.Minute
	w.pass(48 * time.Hour)
	requireSaid(t, w.hook, "30s endpoint-down/chat +a +b", "5m30s endpoint-down/chat +b -a", "11m30s endpoint-down/chat -b")
}

// TestWhatGoesOnIsToldAgain under another ID, since it is told to be heard.
func TestWhatGoesOnIsToldAgain(t *testing.T) {
	w := newWorld(t)
	w.step = 10 * time.Second
	w.fire("no-endpoint page chat")
	w.fire("queue-long ticket chat")
	w.pass(25 * time.Hour)
	requireSaid(t, w.hook,
		"10s no-endpoint/chat +all", "30s queue-long/chat +all",
		"4h0m10s no-endpoint/chat +all", "8h0m10s no-endpoint/chat +all", "12h0m10s no-endpoint/chat +all",
		"16h0m10s no-endpoint/chat +all", "20h0m10s no-endpoint/chat +all", "24h0m10s no-endpoint/chat +all", "24h0m30s queue-long/chat +all")
	assert.Equal(t, "page 6", w.hook.all()[7].from)
}

// TestAnOutageIsOneMessage, not one for each endpoint, and so is its end.
func TestAnOutageIsOneMessage(t *testing.T) {
	w := newWorld(t)
	w.fire("no-endpoint page chat")
	for i := range 8 {
		w.fire(fmt.Sprintf("endpoint-down ticket chat e%d", i))
		w.fire(fmt.Sprintf("endpoint-unreachable ticket chat e%d", i))
	}
	w.fire("endpoint-down ticket other a")
	w.pass(10 * time.Minute)
	w.end("no-endpoint")
	w.pass(2 * time.Minute)
	w.end("") // they are well a moment later
	w.pass(time.Hour)
	requireSaid(t, w.hook, "10s no-endpoint/chat +all", "30s endpoint-down/other +a", "10m10s no-endpoint/chat -all", "12m30s endpoint-down/other -a")
}

// TestWhatAnOutageLeavesIsTold when the upstream has been back for a while.
func TestWhatAnOutageLeavesIsTold(t *testing.T) {
	w := newWorld(t)
	w.fire("no-endpoint page chat")
	w.fire("endpoint-down ticket chat a")
	w.pass(10 * time.Minute)
	_, by := w.d.Muted(&w.alerts[1])
	assert.Equal(t, w.alerts[0].Fingerprint(), by)
	w.end("no-endpoint")
	w.pass(time.Hour)
	requireSaid(t, w.hook, "10s no-endpoint/chat +all", "10m10s no-endpoint/chat -all", "15m29s endpoint-down/chat +a")
}

// TestOneThatComesAndGoesIsToldOnce as such, and how it ended when it is at rest.
func TestOneThatComesAndGoesIsToldOnce(t *testing.T) {
	for _, end := range []bool{true, false} {
		w := newWorld(t)
		w.fire("endpoint-down ticket chat a")
		w.pass(10 * time.Minute)
		w.alerts[0].Flapping = true
		w.pass(time.Hour)
		w.alerts[0].Flapping = false
		want := []string{"30s endpoint-down/chat +a", "10m30s endpoint-down/chat +a"}
		if end {
			w.end("")
			want = append(want, "1h10m30s endpoint-down/chat -a")
		}
		w.pass(time.Hour)
		requireSaid(t, w.hook, want...)
	}
}

// TestSilenceEndsNothing: an alert of which the rules no longer speak is over after a long while only.
func TestSilenceEndsNothing(t *testing.T) {
	w := newWorld(t)
	w.fire("endpoint-down ticket chat a")
	w.pass(time.Minute)
	known := w.alerts
	w.alerts = nil
	w.pass(10 * time.Minute)
	w.alerts = known
	w.pass(10 * time.Minute)
	w.alerts[0].State = alert.NoData
	w.alerts[0].StartsAt = time.Time{}
	w.pass(time.Hour)
	requireSaid(t, w.hook, "30s endpoint-down/chat +a")
	w.alerts = nil
	w.pass(20 * time.Minute)
	require.Len(t, w.hook.all(), 2)
	assert.Equal(t, "endpoint-down/chat -a", w.hook.all()[1].says)
}

// TestOnePendingAgainHadEnded, whatever the rules have forgotten to say.
func TestOnePendingAgainHadEnded(t *testing.T) {
	w := newWorld(t)
	w.fire("endpoint-down ticket chat a")
	w.pass(10 * time.Minute)
	w.alerts[0].State, w.alerts[0].EndsAt = alert.Pending, time.Time{}
	w.pass(time.Minute)
	w.fire("endpoint-down ticket chat a")
	w.pass(10 * time.Minute)
	requireSaid(t, w.hook, "30s endpoint-down/chat +a", "10m30s endpoint-down/chat -a", "11m30s endpoint-down/chat +a")
}

// TestOldAlertsAreNoNews for a receiver that is new.
func TestOldAlertsAreNoNews(t *testing.T) {
	w := newWorld(t)
	w.fire("endpoint-down ticket chat a")
	w.fire("queue-long ticket chat")
	w.end("queue-long")
	w.pass(10 * time.Minute)
	requireSaid(t, w.hook, "30s endpoint-down/chat +a")
}

func TestOnlyGraveOnesAreTold(t *testing.T) {
	w := newWorld(t)
	w.names[0].Severity = alert.Ticket
	w.restart()
	w.fire("no-endpoint page chat")
	w.fire("queue-long ticket chat")
	w.fire("odd info chat")
	w.fire("strange unheard-of chat")
	w.pass(time.Minute)
	requireSaid(t, w.hook, "10s no-endpoint/chat +all", "30s queue-long/chat +all")
}

// TestGatewaysThatSeeTheSameSayTheSame: the ID knows no gateway, and depends on all else.
func TestGatewaysThatSeeTheSameSayTheSame(t *testing.T) {
	make := func(change func(*Message)) string {
		m := &Message{Name: "endpoint-down", Upstream: "chat", Gateway: "gw1", Firing: []alert.Alert{
			{Name: "endpoint-down", Severity: "ticket", Upstream: "chat", Endpoint: "a", State: alert.Firing, StartsAt: start},
			{Name: "endpoint-down", Severity: "ticket", Upstream: "chat", Endpoint: "b", State: alert.Firing, StartsAt: start},
		}}
		change(m)
		m.seal()
		return m.ID
	}
	usual := make(func(*Message) {})
	assert.Equal(t, usual, make(func(m *Message) { m.Gateway, m.Receiver = "gw2", "other" }))
	assert.Equal(t, usual, make(func(m *Message) { m.Firing[0], m.Firing[1] = m.Firing[1], m.Firing[0] }))
	assert.Equal(t, usual, make(func(m *Message) { m.Firing[0].Value, m.Firing[0].Summary = 7, "other words" }))
	for _, change := range []func(*Message){
		func(m *Message) { m.Upstream = "other" },
		func(m *Message) { m.Repeats = 1 },
		func(m *Message) { m.Firing[0].StartsAt = start.Add(time.Second) },
		func(m *Message) { m.Firing = m.Firing[:1] },
		func(m *Message) { m.Firing, m.Resolved = m.Firing[:1], m.Firing[1:] },
		func(m *Message) { m.Firing[0].Flapping = true },
	} {
		assert.NotEqual(t, usual, make(change))
	}
}

var errRefused = &Final{Err: errors.New("answered 400")}
