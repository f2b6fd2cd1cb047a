package shared_test

import (
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/balancer/shared"
)

// mailbox is what a gateway has to tell, and has heard, by name.
type mailbox struct {
	mu    sync.Mutex
	own   string
	heard map[string]string
}

func (m *mailbox) with(w *world) func(*shared.Options) {
	return func(o *shared.Options) {
		o.Post = shared.NewRedis(w.redis, "test")
		o.Documents = func() []byte { m.mu.Lock(); defer m.mu.Unlock(); return []byte(m.own) }
		o.HeardDocument = func(name string, text []byte) { m.mu.Lock(); defer m.mu.Unlock(); m.heard[name] = string(text) }
	}
}

func (m *mailbox) says(text string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.own = text
}

func (m *mailbox) has(name string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.heard[name]
}

// Documents come within seconds, at once where that is asked for, and with the last word of a gateway that ends. A Redis that is away, or
// what somebody else writes there, keeps nobody from anything.
func TestDocuments(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.stopAll()
		a, b := &mailbox{own: "a1", heard: map[string]string{}}, &mailbox{own: "b1", heard: map[string]string{}}
		one, two := w.start("a", a.with(w)), w.start("b", b.with(w))
		w.pass(13 * time.Second)
		require.Equal(t, "b1", a.has("b"))
		require.Equal(t, "a1", b.has("a"))

		a.says("a2")
		one.TellDocuments()
		two.TellDocuments()
		w.pass(time.Second)
		two.TellDocuments()
		w.pass(time.Second)
		require.Equal(t, "a2", b.has("a"))

		w.redis.set(func(r *redis) { r.away = true })
		a.says("a3")
		w.pass(30 * time.Second)
		require.Equal(t, "a2", b.has("a"))
		w.redis.set(func(r *redis) { r.away = false })
		w.pass(time.Minute)
		require.Equal(t, "a3", b.has("a"))

		large := strings.Repeat("x", 3<<20)
		w.redis.set(func(r *redis) {
			for key := range r.texts {
				if strings.Contains(key, ":usage:a@") {
					r.texts[key] = large
				}
			}
		})
		two.TellDocuments()
		w.pass(time.Second)
		assert.Equal(t, "a3", b.has("a"), "no more than a page is read, and what is more is none")

		a.says("the last word")
		one.stop()
		w.pass(12 * time.Second)
		assert.Equal(t, "the last word", b.has("a"))
	})
}
