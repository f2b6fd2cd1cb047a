package dispatch

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/metrics/alert"
	"github.com/steelyard-proxy/steelyard/metrics/event"
)

// hanging is a receiver that takes nothing and never says no.
type hanging struct {
	mu    sync.Mutex
	calls int
}

func (h *hanging) Send(ctx context.Context, _ *Message, _ func() bool, _ func(error)) error {
	h.mu.Lock()
	h.calls++
	h.mu.Unlock()
	<-ctx.Done()
	return ctx.Err()
}

func (h *hanging) Tell(ctx context.Context, _ []alert.Alert, _ time.Time) error {
	return h.Send(ctx, nil, nil, nil)
}

func (h *hanging) Close() {}

// quick is a receiver that takes all.
type quick struct {
	mu  sync.Mutex
	ids []string
}

func (q *quick) Send(_ context.Context, m *Message, wanted func() bool, attempted func(error)) error {
	if !wanted() {
		return errors.New("BUG: a message that nobody wants is sent")
	}
	q.mu.Lock()
	q.ids = append(q.ids, m.ID)
	q.mu.Unlock()
	attempted(nil)
	return nil
}

func (q *quick) Close() {}

func (q *quick) seen() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.ids)
}

// TestAReceiverThatHangsHarmsNoOther, nor the end.
func TestAReceiverThatHangsHarmsNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var alerts []alert.Alert
		fire := func(name string) {
			mu.Lock()
			defer mu.Unlock()
			alerts = append(alerts, alert.Alert{Name: name, Severity: alert.Page, State: alert.Firing, StartsAt: time.Now()})
		}
		store := &memory{}
		d := New(Options{
			Alerts: func() []alert.Alert {
				mu.Lock()
				defer mu.Unlock()
				return append([]alert.Alert(nil), alerts...)
			},
			Store: store, Events: event.NewLog(nil),
		})
		stuck, well := &hanging{}, &quick{}
		receivers := []Receiver{
			{Name: "stuck", Channel: stuck, Timing: Usual, Version: "1"}, {Name: "mirror", Mirrors: []Mirror{&hanging{}, &hanging{}}, Version: "1"},
			{Name: "well", Channel: well, Timing: Usual, Version: "1"},
		}
		d.SetReceivers(receivers)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- d.Run(ctx) }()
		for i := range 3 {
			fire(string(rune('a' + i)))
			d.Wake()
			time.Sleep(time.Minute)
			synctest.Wait()
			assert.Equal(t, i+1, well.seen())
		}
		assert.Equal(t, 3, d.Receivers()[0].Waiting)

		receivers[0].Version, receivers[0].Channel = "2", &quick{}
		d.SetReceivers(receivers)
		time.Sleep(time.Minute)
		synctest.Wait()
		assert.Equal(t, 3, receivers[0].Channel.(*quick).seen(), "other settings end what hangs, and lose nothing")
		assert.Equal(t, 3, well.seen())
		before := time.Now()
		cancel()
		require.NoError(t, <-ended)
		assert.Equal(t, before, time.Now())

		// Another Run, as of the next process, tells nothing twice.
		ctx, cancel = context.WithCancel(t.Context())
		go func() { ended <- d.Run(ctx) }()
		time.Sleep(time.Minute)
		assert.Equal(t, 3, well.seen())
		cancel()
		<-ended
	})
}
