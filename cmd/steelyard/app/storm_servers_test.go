package app_test

import (
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// dice is a seeded source that many goroutines share.
type dice struct {
	mu     sync.Mutex
	random *rand.Rand // guarded by mu
}

func newDice(seed, stream uint64) *dice { return &dice{random: rand.New(rand.NewPCG(seed, stream))} }

func (d *dice) roll(n int) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.random.IntN(n)
}

func (d *dice) of(list ...string) string { return list[d.roll(len(list))] }

// moody is an endpoint that ends requests in many ways, until it is calm: then it holds each until it is released.
type moody struct {
	*httptest.Server
	dice     *dice
	calm     atomic.Bool
	holding  atomic.Int64
	released chan struct{}
}

func newMoody(t *testing.T, d *dice) *moody {
	m := &moody{dice: d, released: make(chan struct{})}
	m.Server = httptest.NewUnstartedServer(m)
	m.Config.ErrorLog = log.New(io.Discard, "", 0)
	m.Start()
	t.Cleanup(m.Close)
	return m
}

func (m *moody) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if m.calm.Load() {
		m.holding.Add(1)
		defer m.holding.Add(-1)
		select {
		case <-m.released:
		case <-r.Context().Done():
		}
		return
	}
	d := m.dice
	if d.roll(8) > 0 { // else it answers before it has read
		_, _ = io.Copy(io.Discard, r.Body)
	}
	m.rest(r, 10)
	switch d.roll(16) {
	case 0, 1: // a close without a word
		panic(http.ErrAbortHandler)
	case 2, 3:
		w.WriteHeader([]int{429, 500, 503, 503}[d.roll(4)])
	case 4: // it hangs, until it is left or has enough itself
		m.rest(r, 300)
	case 5:
		_, _ = io.WriteString(w, strings.Repeat("x", 300<<10))
	case 6, 7:
		m.stream(w, r, d.roll(30), true)
	case 8, 9, 10:
		m.stream(w, r, 1+d.roll(10), false)
	default:
		_, _ = io.WriteString(w, `{"usage":{"prompt_tokens":7,"completion_tokens":3}}`)
	}
}

// stream sends events, and ends as a chat does or breaks off.
func (m *moody) stream(w http.ResponseWriter, r *http.Request, events int, whole bool) {
	w.Header().Set("Content-Type", "text/event-stream")
	for i := range events {
		_, err := fmt.Fprintf(w, "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"%d \"}}]}\n\n", i)
		if err != nil {
			return
		}
		w.(http.Flusher).Flush()
		m.rest(r, 4)
	}
	if !whole {
		panic(http.ErrAbortHandler)
	}
	_, _ = io.WriteString(w, "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n")
}

// rest takes up to so many milliseconds, unless the gateway leaves.
func (m *moody) rest(r *http.Request, most int) {
	select {
	case <-time.After(time.Duration(m.dice.roll(most+1)) * time.Millisecond):
	case <-r.Context().Done():
	}
}
