package dns

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/assert"

	"github.com/steelyard-proxy/steelyard/balancer/discovery"
)

// heard is a sink with what it heard, and when.
type heard struct {
	mu    sync.Mutex
	began time.Time
	lists []discovery.List
	errs  []error
	at    []time.Duration
}

func (h *heard) Found(l discovery.List) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.lists, h.at = append(h.lists, l), append(h.at, time.Since(h.began))
}

func (h *heard) Failed(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.errs, h.at = append(h.errs, err), append(h.at, time.Since(h.began))
}

func (h *heard) counts() (lists, errs int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.lists), len(h.errs)
}

// It looks when a record ends, at most every second and at least every Interval; after a failure it backs off.
func TestWhenItLooks(t *testing.T) {
	for ttl, between := range map[string][2]time.Duration{
		"0": {time.Second, 1101 * time.Millisecond}, "5": {5 * time.Second, 5501 * time.Millisecond}, "9000": {30 * time.Second, 33*time.Second + 1},
	} {
		conf := resolvConf(t)
		synctest.Test(t, func(t *testing.T) {
			s := &nameServer{}
			s.set(t, "e.test. "+ttl+" A 10.0.0.1")
			source, err := New(Options{Name: "e.test", Port: 80, Exchange: s.exchange, Servers: []string{"x:1"}, ResolvConf: conf})
			assert.NoError(t, err)
			h := &heard{began: time.Now()}
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan struct{})
			go func() { defer close(done); source.Run(ctx, h) }()
			time.Sleep(10 * between[1])
			synctest.Wait()
			h.mu.Lock()
			assert.GreaterOrEqual(t, len(h.at), 10)
			for i := 1; i < len(h.at); i++ {
				pause := h.at[i] - h.at[i-1]
				assert.GreaterOrEqual(t, pause, between[0])
				assert.LessOrEqual(t, pause, between[1])
			}
			h.mu.Unlock()

			s.answersOddly(func(q *dns.Msg, _ bool) *dns.Msg { return with(q, dns.RcodeServerFailure) })
			time.Sleep(40 * time.Second)
			synctest.Wait()
			_, before := h.counts()
			time.Sleep(10 * time.Minute)
			synctest.Wait()
			lists, after := h.counts()
			assert.Less(t, after-before, 30, "it backs off")
			assert.Greater(t, after-before, 10)
			s.answersOddly(nil)
			time.Sleep(37 * time.Second)
			synctest.Wait()
			more, _ := h.counts()
			assert.Greater(t, more, lists)
			cancel()
			<-done
		})
	}
}

// The end comes at once, also while a name server does not answer.
func TestEndWhileAsking(t *testing.T) {
	conf := resolvConf(t)
	synctest.Test(t, func(t *testing.T) {
		source, err := New(Options{Name: "e.test", Port: 80, Servers: []string{"x:1"}, ResolvConf: conf,
			Exchange: func(ctx context.Context, _, _ string, _ *dns.Msg) (*dns.Msg, error) {
				<-ctx.Done()
				return nil, ctx.Err()
			}})
		assert.NoError(t, err)
		h := &heard{began: time.Now()}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); source.Run(ctx, h) }()
		time.Sleep(time.Second)
		cancel()
		<-done
		assert.Equal(t, time.Second, time.Since(h.began))
		_, errs := h.counts()
		assert.Zero(t, errs, "the end is no failure")
	})
}

// What no server answers ends in its time.
func TestNobodyAnswers(t *testing.T) {
	conf := resolvConf(t, "options timeout:5 attempts:9")
	synctest.Test(t, func(t *testing.T) {
		source, err := New(Options{Name: "e.test", Port: 80, Servers: []string{"x:1", "y:1"}, ResolvConf: conf,
			Exchange: func(ctx context.Context, _, _ string, _ *dns.Msg) (*dns.Msg, error) {
				<-ctx.Done()
				return nil, ctx.Err()
			}})
		assert.NoError(t, err)
		h := &heard{began: time.Now()}
		var backoff discovery.Backoff
		source.look(t.Context(), h, &backoff)
		assert.Equal(t, longestLook, time.Since(h.began))
		assert.ErrorContains(t, h.errs[0], "name server x:1: it did not answer in time")
	})
}
