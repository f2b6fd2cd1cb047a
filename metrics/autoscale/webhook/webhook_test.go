package webhook

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/metrics/autoscale"
	"github.com/steelyard-proxy/steelyard/metrics/notify"
)

// receiver is one that answers as it is told, the last word again and again.
type receiver struct {
	*httptest.Server
	mu       sync.Mutex
	statuses []int // guarded by mu
	bodies   []string
	headers  []http.Header
}

func newReceiver(t *testing.T, statuses ...int) *receiver {
	t.Helper()
	r := &receiver{statuses: statuses}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		body, _ := io.ReadAll(request.Body)
		r.mu.Lock()
		defer r.mu.Unlock()
		r.bodies, r.headers = append(r.bodies, string(body)), append(r.headers, request.Header.Clone())
		w.WriteHeader(r.statuses[0])
		if len(r.statuses) > 1 {
			r.statuses = r.statuses[1:]
		}
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) got() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.bodies
}

const key = "a key of at least 24 bytes"

func (r *receiver) actuator(t *testing.T) *Actuator {
	t.Helper()
	a := New(Options{Target: notify.Target{URL: notify.NewSecret(r.URL), Keys: []notify.Secret{notify.NewSecret(key)}, Timeout: time.Minute}, Gateway: "gw"})
	t.Cleanup(func() { _ = a.Close(context.Background()) })
	return a
}

var order = autoscale.Order{
	ID: "id-7", Upstream: "chat", From: 4, To: 2, Victims: []string{"a", "b"}, Reason: "idle", Deadline: time.Date(2100, 1, 2, 3, 4, 5, 0, time.UTC),
}

func TestAnOrderIsAMessage(t *testing.T) {
	r := newReceiver(t, http.StatusAccepted)
	a := r.actuator(t)
	require.NoError(t, a.Scale(t.Context(), order))
	require.NoError(t, a.Scale(t.Context(), order))
	require.Equal(t, []string{
		`{"id":"id-7","upstream":"chat","from":4,"to":2,"reason":"idle","victims":["a","b"],"deadline":"2100-01-02T03:04:05Z","gateway":"gw"}`,
	}, r.got(), "the same order is one message")
	h := r.headers[0]
	require.Equal(t, "id-7", h.Get("Webhook-Id"))
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte("id-7." + h.Get("Webhook-Timestamp") + "." + r.got()[0]))
	require.Equal(t, "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)), h.Get("Webhook-Signature"))
	other := order
	other.ID, other.Victims, other.Deadline = "id-8", nil, time.Time{}
	require.NoError(t, a.Scale(t.Context(), other))
	require.Contains(t, r.got()[1], `"victims":[],"gateway"`)
}

func TestWhatIsRefusedForGood(t *testing.T) {
	for status, want := range map[int]string{
		409: "the webhook says that the order is out of date (409)", 400: "the webhook answered 400", 403: "the webhook answered 403",
		307: "the webhook answered 307, and redirects are not followed: give the address they lead to",
	} {
		r := newReceiver(t, status)
		a := r.actuator(t)
		for range 2 {
			refused, is := errors.AsType[*autoscale.Refused](a.Scale(t.Context(), order))
			require.True(t, is, status)
			require.Equal(t, want, refused.Reason)
		}
		require.Len(t, r.got(), 1)
	}
}

// TestWhatMayPassIsTriedAgain, with the same id.
func TestWhatMayPassIsTriedAgain(t *testing.T) {
	r := newReceiver(t, 503, 200)
	require.NoError(t, r.actuator(t).Scale(t.Context(), order))
	require.Len(t, r.got(), 2)
	require.Equal(t, r.headers[0].Get("Webhook-Id"), r.headers[1].Get("Webhook-Id"))
}

// TestAReceiverThatHangs is given up when the order's time is over, and asked again when the order comes again.
func TestAReceiverThatHangs(t *testing.T) {
	asked, end := make(chan struct{}, 10), make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		select {
		case <-end:
		case <-r.Context().Done():
		}
	}))
	defer s.Close()
	defer close(end)
	a := New(Options{Target: notify.Target{URL: notify.NewSecret(s.URL), Timeout: time.Hour}, CountURL: notify.NewSecret(s.URL)})
	for range 2 {
		late := order
		late.Deadline = time.Now().Add(50 * time.Millisecond)
		require.ErrorIs(t, a.Scale(t.Context(), late), context.DeadlineExceeded)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := a.Count(ctx)
	require.ErrorContains(t, err, "ask for the count")
	require.NotContains(t, err.Error(), s.URL)
}

func TestTheCountIsAskedFor(t *testing.T) {
	answer, status := `{"wanted": 4, "running": 3}`, 200
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	}))
	defer s.Close()
	a := New(Options{Target: notify.Target{Timeout: time.Minute}, CountURL: notify.NewSecret(s.URL)})
	c, err := a.Count(t.Context())
	require.NoError(t, err)
	require.Equal(t, autoscale.Count{Wanted: 4, Running: 3}, c)
	status = 500
	_, err = a.Count(t.Context())
	require.EqualError(t, err, "ask for the count: answered 500")
	_, err = New(Options{}).Count(t.Context())
	require.ErrorIs(t, err, autoscale.ErrUnknown)
}
