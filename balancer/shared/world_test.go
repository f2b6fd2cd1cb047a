package shared_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/balancer/shared"
)

const callTime = 100 * time.Millisecond

// redis is as much of one as gateways use, in memory.
type redis struct {
	mu       sync.Mutex
	hashes   map[string]map[string][]byte
	texts    map[string]string
	ends     map[string]time.Time
	away     bool  // it refuses connections
	stopped  bool  // it answers nothing
	readonly error // what it says to writes; nil: they are fine
	calls    int
}

func newRedis() *redis {
	r := &redis{}
	r.wipe()
	return r
}

func (r *redis) wipe() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.hashes, r.texts, r.ends = map[string]map[string][]byte{}, map[string]string{}, map[string]time.Time{}
}

func (r *redis) set(f func(r *redis)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f(r)
}

func (r *redis) Do(ctx context.Context, command string, args ...any) (any, error) {
	answers, err := r.Pipe(ctx, append([]any{command}, args...))
	if err != nil {
		return nil, err
	}
	if err, is := answers[0].(error); is {
		return nil, err
	}
	return answers[0], nil
}

func (r *redis) Pipe(ctx context.Context, commands ...[]any) (answers []any, err error) {
	r.mu.Lock()
	r.calls++
	away, stopped := r.away, r.stopped
	r.mu.Unlock()
	if away {
		return nil, errors.New("connection refused")
	}
	if stopped {
		select {
		case <-ctx.Done():
		case <-time.After(callTime):
		}
		return nil, errors.New("no answer in time")
	}
	<-time.After(time.Millisecond)
	r.mu.Lock()
	defer r.mu.Unlock()
	for key, end := range r.ends {
		if !time.Now().Before(end) {
			delete(r.ends, key)
			delete(r.texts, key)
			delete(r.hashes, key)
		}
	}
	for _, c := range commands {
		answers = append(answers, r.do(c[0].(string), c[1:]))
	}
	return answers, nil
}

func (r *redis) do(command string, args []any) any {
	key := fmt.Sprint(args[0])
	if command != "HGETALL" && r.readonly != nil {
		return r.readonly
	}
	switch command {
	case "HSET":
		if r.hashes[key] == nil {
			r.hashes[key] = map[string][]byte{}
		}
		r.hashes[key][args[1].(string)] = args[2].([]byte)
	case "HDEL":
		delete(r.hashes[key], args[1].(string))
	case "PEXPIRE":
		r.ends[key] = time.Now().Add(time.Duration(args[1].(int64)) * time.Millisecond)
	case "HGETALL":
		list := []any{}
		for field, text := range r.hashes[key] {
			list = append(list, []byte(field), text)
		}
		return list
	case "SET":
		r.texts[key] = string(args[1].([]byte))
		r.ends[key] = time.Now().Add(time.Duration(args[3].(int64)) * time.Millisecond)
	case "GETRANGE":
		return []byte(r.texts[key][:min(len(r.texts[key]), args[2].(int)+1)])
	case "EVAL":
		if args[1] == 1 {
			if r.texts[args[2].(string)] == args[3] {
				delete(r.texts, args[2].(string))
			}
			return int64(0)
		}
		return r.keep(args[2].(string), args[3].(string), args[4].(string), args[5].(int64), args[6].(uint64))
	default:
		return errors.New("ERR unknown command " + command)
	}
	return int64(1)
}

// keep does what the script of leases does.
func (r *redis) keep(key, fenceKey, id string, ms int64, floor uint64) any {
	holder, fence := r.texts[key], uint64(0)
	_, _ = fmt.Sscan(r.texts[fenceKey], &fence)
	if holder == "" {
		fence = max(fence, floor) + 1
		r.texts[key], r.texts[fenceKey], holder = id, fmt.Sprint(fence), id
	}
	if holder == id {
		r.ends[key] = time.Now().Add(time.Duration(ms) * time.Millisecond)
	}
	return []any{[]byte(holder), []byte(fmt.Sprint(max(fence, floor)))}
}

// gateway is one of a world.
type gateway struct {
	*shared.Gateway
	cancel context.CancelFunc
	ended  chan struct{}

	mu   sync.Mutex
	own  shared.Own
	sum  shared.Sum
	news []shared.News
}

// world has gateways over one store, or over each other.
type world struct {
	t     *testing.T
	redis *redis
	slots map[string]int64
	all   []*gateway
}

func newWorld(t *testing.T) *world {
	return &world{t: t, redis: newRedis(), slots: map[string]int64{"a:1": 4, "b:1": 0}}
}

// start begins a gateway; change may change its options.
func (w *world) start(name string, change ...func(*shared.Options)) *gateway {
	g := &gateway{ended: make(chan struct{}), own: shared.Own{Load: map[string]int64{}}}
	r := shared.NewRedis(w.redis, "test")
	o := shared.Options{
		Name: name, Publish: 200 * time.Millisecond, Transport: r, Keeper: r, Leases: []string{"scale"},
		Own: func() shared.Own {
			g.mu.Lock()
			defer g.mu.Unlock()
			o := g.own
			o.Load, o.Oldest = maps.Clone(o.Load), maps.Clone(o.Oldest)
			return o
		},
		Slots:     func() map[string]int64 { return w.slots },
		Elsewhere: func(s shared.Sum) { g.mu.Lock(); defer g.mu.Unlock(); g.sum = s },
		Tell:      func(n shared.News) { g.mu.Lock(); defer g.mu.Unlock(); g.news = append(g.news, n) },
	}
	for _, f := range change {
		f(&o)
	}
	g.Gateway = shared.New(o)
	ctx, cancel := context.WithCancel(w.t.Context())
	g.cancel = cancel
	go func() {
		defer close(g.ended)
		_ = g.Run(ctx)
	}()
	w.all = append(w.all, g)
	return g
}

// stop ends a gateway in good order.
func (g *gateway) stop() {
	g.cancel()
	<-g.ended
}

func (w *world) stopAll() {
	for _, g := range w.all {
		g.stop()
	}
}

func (g *gateway) has(address string, n int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.own.Load[address] = n
}

// waits says for how long its requests have waited for a server.
func (g *gateway) waits(address string, d time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.own.Oldest = map[string]time.Duration{}
	if d > 0 {
		g.own.Oldest[address] = d
	}
}

func (g *gateway) left(address string) int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.sum.Left[address]
}

func (g *gateway) holds(upstream string, n int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.own.Waits = map[string]int64{}
	if n > 0 {
		g.own.Waits[upstream] = n
	}
}

func (g *gateway) elsewhere(address string) int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.sum.Load[address]
}

func (g *gateway) told(what shared.What) (n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, one := range g.news {
		if one.What == what {
			n++
		}
	}
	return n
}

// holders are those who may act now. Two at once is what must never be.
func (w *world) holders() (list []*gateway) {
	for _, g := range w.all {
		if g.Holds("scale") {
			list = append(list, g)
		}
	}
	return list
}

// pass lets time pass, and looks every 25 ms that nobody shares a lease.
func (w *world) pass(d time.Duration) {
	w.t.Helper()
	for end := time.Now().Add(d); time.Now().Before(end); {
		<-time.After(min(25*time.Millisecond, time.Until(end)))
		synctest.Wait()
		require.LessOrEqual(w.t, len(w.holders()), 1, "two have one lease")
	}
}
