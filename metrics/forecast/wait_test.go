package forecast

import (
	"testing"
	"time"

	"github.com/steelyard-proxy/steelyard/metrics/usage"
)

// TestRequestsDoNotWaitForALook: a look at all series takes long, and Add must not need what it holds.
func TestRequestsDoNotWaitForALook(t *testing.T) {
	traffic := New(Options{})
	traffic.Keep([]string{"chat"})
	traffic.looking.Lock()
	defer traffic.looking.Unlock()
	done := make(chan struct{})
	go func() {
		defer close(done)
		traffic.Add(&usage.Row{At: time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC), Upstream: "chat", Status: 200, Work: 1})
	}()
	select {
	case <-done:
	case <-time.After(time.Minute):
		t.Fatal("the request waits")
	}
}
