package register

import (
	"context"
	"errors"
	"os"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

// book is a Registrar that notes what it is told.
type book struct {
	mu   sync.Mutex
	said []string // guarded by mu, like what follows
	at   []time.Time
	err  error
}

func (b *book) say(what string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err == nil {
		b.said, b.at = append(b.said, what), append(b.at, time.Now())
	}
	return b.err
}

func (b *book) Announce(_ context.Context, departing bool) error {
	if departing {
		return b.say("departs")
	}
	return b.say("here")
}

func (b *book) Leave(context.Context) error { return b.say("left") }
func (b *book) Tidy(context.Context) error  { return nil }
func (b *book) TTL() time.Duration          { return 15 * time.Second }

func (b *book) fails(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.err = err
}

// all is what was said, each word once in a row.
func (b *book) all() (words []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, word := range b.said {
		if i == 0 || word != b.said[i-1] {
			words = append(words, word)
		}
	}
	return words
}

func (b *book) count() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.said)
}

// health is a server's answer to its check.
type health struct {
	mu  sync.Mutex
	err error // guarded by mu
}

func (h *health) set(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.err = err
}

func (h *health) check(context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.err
}

// run runs a keeper; the function returned stops it and returns its error.
func run(t *testing.T, o Options) (b *book, said *observer.ObservedLogs, stop func() error) {
	t.Helper()
	b = &book{}
	core, said := observer.New(zap.InfoLevel)
	o.Registrar, o.Log = b, zap.New(core)
	if o.First == nil {
		o.First = func() os.Signal { return syscall.SIGTERM }
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- New(o).Run(ctx) }()
	return b, said, func() error {
		cancel()
		return <-ended
	}
}

// A server is announced three times in a record's life; at the end it departs first, for as long as was asked for.
func TestLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, _, stop := run(t, Options{Drain: 20 * time.Second})
		time.Sleep(time.Minute)
		synctest.Wait()
		assert.Equal(t, []string{"here"}, b.all())
		assert.Equal(t, 13, b.count())
		began := time.Now()
		require.NoError(t, stop())
		assert.Equal(t, 20*time.Second, time.Since(began))
		assert.Equal(t, []string{"here", "departs", "left"}, b.all())
	})
}

// Without time to drain the record is not taken away: nobody would have seen that the server departs.
func TestStopAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, _, stop := run(t, Options{})
		synctest.Wait()
		began := time.Now()
		require.NoError(t, stop())
		assert.Zero(t, time.Since(began))
		assert.Equal(t, []string{"here", "departs"}, b.all())
	})
}

func TestStopAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		again := make(chan os.Signal, 1)
		b, _, stop := run(t, Options{Drain: time.Hour, Stops: again})
		synctest.Wait()
		began := time.Now()
		time.AfterFunc(7*time.Second, func() { again <- syscall.SIGINT })
		require.NoError(t, stop())
		assert.Equal(t, 7*time.Second, time.Since(began))
		assert.Equal(t, []string{"here", "departs", "left"}, b.all())
	})
}

// A server is registered when it answers its check, departs while it does not, and comes back.
func TestCheck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &health{err: errors.New("loading")}
		b, said, stop := run(t, Options{Check: h.check})
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		assert.Empty(t, b.all())
		assert.Equal(t, 1, said.FilterMessage("server does not answer its check yet").Len())
		h.set(nil)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		assert.Equal(t, []string{"here"}, b.all())
		h.set(errors.New("refused"))
		time.Sleep(6 * time.Second)
		synctest.Wait()
		assert.Equal(t, []string{"here"}, b.all(), "once is never")
		time.Sleep(6 * time.Second)
		synctest.Wait()
		assert.Equal(t, []string{"here", "departs"}, b.all())
		time.Sleep(time.Hour)
		h.set(nil)
		time.Sleep(6 * time.Second)
		synctest.Wait()
		assert.Equal(t, []string{"here", "departs", "here"}, b.all())
		require.NoError(t, stop())
	})
}

// Stopped before it has ever been registered, there is nothing to say goodbye to.
func TestStopBeforeItIsReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &health{err: errors.New("loading")}
		b, _, stop := run(t, Options{Check: h.check, Drain: time.Minute})
		time.Sleep(time.Minute)
		began := time.Now()
		require.NoError(t, stop())
		assert.Zero(t, time.Since(began))
		assert.Empty(t, b.all())
	})
}

// A store that is away is tried again each second, and told once.
func TestStoreAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, said, stop := run(t, Options{})
		synctest.Wait()
		b.fails(errors.New("redis://h:6379 cannot be reached"))
		time.Sleep(time.Hour)
		b.fails(nil)
		time.Sleep(1100 * time.Millisecond)
		synctest.Wait()
		assert.Equal(t, 2, b.count())
		assert.Equal(t, 1, said.FilterMessage("server cannot be registered: it is tried again").Len())
		assert.Equal(t, 1, said.FilterMessage("registered again").Len())
		b.fails(errors.New("away at the end"))
		require.NoError(t, stop())
	})
}
