package redis

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/balancer/discovery"
	"github.com/steelyard-proxy/steelyard/balancer/store"
	"github.com/steelyard-proxy/steelyard/balancer/store/storetest"
)

// fleet is servers that register themselves with one store, and a source that reads it into a damper.
type fleet struct {
	t      *testing.T
	server *storetest.Server
	group  Group

	mu     sync.Mutex
	damper *discovery.Damper // guarded by mu, like what follows
	sure   []bool
	failed []string
	stops  map[string]context.CancelFunc
}

// start runs a source in a bubble. Everything ends with the test.
func start(t *testing.T) *fleet {
	f := &fleet{t: t, server: storetest.New(), group: Group{Name: "chat"}, stops: map[string]context.CancelFunc{}}
	f.damper = discovery.NewDamper(discovery.Limits{MaxGoneRatio: 0.5, Grace: 30 * time.Second})
	source, err := New(Options{Store: f.client(), Group: f.group})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); source.Run(ctx, f) }()
	t.Cleanup(func() {
		cancel()
		<-done
		for _, stop := range f.stops {
			stop()
		}
		f.server.Close()
		synctest.Wait()
	})
	return f
}

func (f *fleet) client() *store.Client {
	return store.New(store.Options{Addresses: []string{"redis.test:6379"}, Dial: f.server.Dial})
}

func (f *fleet) Found(l discovery.List) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sure = append(f.sure, l.Sure)
	f.damper.Found(time.Now(), l)
}

func (f *fleet) Failed(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.failed = append(f.failed, err.Error())
	f.damper.Failed(time.Now(), err)
}

// runs has servers register until they are told to crash.
func (f *fleet) runs(names ...string) {
	for _, name := range names {
		ctx, cancel := context.WithCancel(f.t.Context())
		f.stops[name] = cancel
		r := f.registrar(name)
		go func() {
			defer func() { _ = r.store.Close() }()
			for {
				err := r.Announce(ctx, false)
				pause := r.TTL() / 3
				if err != nil {
					pause = time.Second
				}
				if !discovery.Sleep(ctx, pause) {
					return
				}
			}
		}()
	}
}

func (f *fleet) registrar(name string) *Registrar {
	record := Record{Name: name, URL: "http://10.0.0." + strings.TrimPrefix(name, "s") + ":8000", Capacity: 10, Slots: 4}
	require.NoError(f.t, CheckRecord(&record))
	return NewRegistrar(f.client(), f.group, record, UsualTTL)
}

// state is the endpoints in force; one that departs has a - before its name.
func (f *fleet) state() string {
	synctest.Wait()
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []string
	for _, e := range f.damper.Endpoints() {
		if e.Departing {
			e.Name = "-" + e.Name
		}
		all = append(all, e.Name)
	}
	return strings.Join(all, " ")
}

func (f *fleet) trouble() string {
	synctest.Wait()
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.damper.State(time.Now()).Why
}

// holds looks each second for a while: the endpoints in force are never others.
func (f *fleet) holds(want string, lasts time.Duration) {
	f.t.Helper()
	for end := time.Now().Add(lasts); time.Now().Before(end); <-time.After(time.Second) {
		require.Equal(f.t, want, f.state())
	}
}

const eight = "s1 s2 s3 s4 s5 s6 s7 s8"

// startEight is a fleet at work.
func startEight(t *testing.T) *fleet {
	f := start(t)
	f.runs(strings.Fields(eight)...)
	<-time.After(10 * time.Second)
	require.Equal(t, eight, f.state())
	return f
}

func TestServersRegister(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := startEight(t)
		f.mu.Lock()
		assert.Equal(t, discovery.Endpoint{Name: "s1", URL: "http://10.0.0.1:8000", Capacity: 10, Slots: 4}, f.damper.Endpoints()[0])
		f.mu.Unlock()
		f.runs("s9")
		time.Sleep(3 * time.Second)
		assert.Equal(t, eight+" s9", f.state())
		f.holds(eight+" s9", 10*time.Minute)
		assert.Empty(t, f.failed)
	})
}

// One that crashes departs when its record has expired, and is forgotten later; the others do not notice.
func TestServerThatCrashes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := startEight(t)
		f.stops["s1"]()
		time.Sleep(UsualTTL + 3*time.Second)
		assert.Equal(t, "-s1 s2 s3 s4 s5 s6 s7 s8", f.state())
		f.holds("-s1 s2 s3 s4 s5 s6 s7 s8", 140*time.Second)
		time.Sleep(15 * time.Second)
		assert.Equal(t, "s2 s3 s4 s5 s6 s7 s8", f.state())
		f.runs("s1")
		time.Sleep(3 * time.Second)
		assert.Equal(t, eight, f.state())
		assert.Empty(t, f.failed)
	})
}

// Servers that say that they go are believed at once, all of them if need be.
func TestServersThatSayGoodbye(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := start(t)
		a, b := f.registrar("s1"), f.registrar("s2")
		defer func() { _, _ = a.store.Close(), b.store.Close() }()
		for _, r := range []*Registrar{a, b} {
			require.NoError(t, r.Announce(t.Context(), false))
		}
		time.Sleep(3 * time.Second)
		require.Equal(t, "s1 s2", f.state())
		for _, r := range []*Registrar{a, b} {
			require.NoError(t, r.Announce(t.Context(), true))
		}
		time.Sleep(3 * time.Second)
		require.Equal(t, "-s1 -s2", f.state())
		for _, r := range []*Registrar{a, b} {
			require.NoError(t, r.Leave(t.Context()))
			require.NoError(t, r.Leave(t.Context()), "twice")
		}
		time.Sleep(3 * time.Second)
		assert.Empty(t, f.state())
		assert.Empty(t, f.failed)
		assert.Empty(t, f.trouble())
	})
}

// Whatever happens to the store, no server goes, and it is told.
func TestStoreInTrouble(t *testing.T) {
	on := func(f func(*storetest.Server, bool)) func(*fleet) { return func(fl *fleet) { f(fl.server, true) } }
	off := func(f func(*storetest.Server, bool)) func(*fleet) { return func(fl *fleet) { f(fl.server, false) } }
	says := func(text string) func(*fleet) { return func(f *fleet) { f.server.Say(text) } }
	for name, c := range map[string]struct {
		do, undo func(*fleet)
		why      string
	}{
		"away":    {on((*storetest.Server).Away), off((*storetest.Server).Away), "start it"},
		"stopped": {on((*storetest.Server).Stop), off((*storetest.Server).Stop), "in time"},
		"loading": {says("LOADING Redis is loading the dataset in memory"), says(""), "not ready yet"},
		"noauth":  {says("NOAUTH Authentication required."), says(""), "does not let us in"},
		"readonly": {func(f *fleet) { f.server.Role("slave") }, func(f *fleet) { f.server.Role("master") },
			"none of the servers is registered"}, // nobody can renew
		"emptied":    {func(f *fleet) { f.server.Empty() }, func(*fleet) {}, ""},
		"clock":      {func(f *fleet) { f.server.Step(time.Hour) }, func(*fleet) {}, ""},
		"clock back": {func(f *fleet) { f.server.Step(-time.Hour) }, func(*fleet) {}, ""},
		"restarted": {func(f *fleet) { f.server.Away(true); f.server.Empty() },
			off((*storetest.Server).Away), "start it"},
	} {
		for _, lasts := range []time.Duration{5 * time.Second, 90 * time.Second} {
			t.Run(fmt.Sprint(name, lasts), func(t *testing.T) {
				if testing.Short() && lasts > time.Minute {
					t.Skip("takes long with the race detector")
				}
				synctest.Test(t, func(t *testing.T) {
					f := startEight(t)
					c.do(f)
					f.holds(eight, lasts)
					if lasts > time.Minute {
						assert.Contains(t, f.trouble(), c.why)
					}
					c.undo(f)
					f.holds(eight, 2*time.Minute)
					assert.Empty(t, f.trouble())
					f.stops["s8"]() // and all is as before
					time.Sleep(UsualTTL + 3*time.Second)
					assert.Equal(t, "s1 s2 s3 s4 s5 s6 s7 -s8", f.state())
				})
			})
		}
	}
}

// A store that was emptied is told, at once.
func TestEmptiedStoreIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := startEight(t)
		for name, stop := range f.stops {
			if name != "s1" {
				stop()
			}
		}
		synctest.Wait()
		f.server.Empty()
		time.Sleep(8 * time.Second) // s1 has registered again
		assert.Contains(t, f.trouble(), "7 of 8 servers are not registered any more")
		f.holds(eight, 6*time.Second)
		time.Sleep(20 * time.Second)
		assert.Equal(t, "s1 -s2 -s3 -s4 -s5 -s6 -s7 -s8", f.state(), "they had the time to register again")
		f.stops["s1"]()
		time.Sleep(time.Hour)
		assert.Contains(t, f.trouble(), "the last list stays")
		assert.True(t, strings.HasPrefix(f.state(), "s1"), "the last one never goes without a word")
	})
}

// Two that register by one name: the first has it until it goes, or is the same server.
func TestNameThatIsTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := start(t)
		first, second := f.registrar("s1"), f.registrar("s1")
		second.record.URL = "http://10.9.9.9:8000"
		defer func() { _, _ = first.store.Close(), second.store.Close() }()
		require.NoError(t, first.Announce(t.Context(), false))
		err := second.Announce(t.Context(), false)
		taken, is := errors.AsType[*Taken](err)
		require.True(t, is, "%v", err)
		assert.Equal(t, "http://10.0.0.1:8000", taken.URL)
		require.NoError(t, second.Leave(t.Context()))
		time.Sleep(3 * time.Second)
		assert.Equal(t, "s1", f.state(), "leaving removes nobody else's")
		require.NoError(t, first.Announce(t.Context(), true))
		require.NoError(t, second.Announce(t.Context(), false), "the first one goes")
		require.NoError(t, first.Leave(t.Context()))
		require.ErrorAs(t, first.Announce(t.Context(), false), &taken)
		again := f.registrar("s1")
		again.record.URL = second.record.URL
		defer func() { _ = again.store.Close() }()
		require.NoError(t, again.Announce(t.Context(), false), "the same server, registered anew")
	})
}

// What is written in the store by others does no harm, and is told by name.
func TestRecordsThatAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := startEight(t)
		c := f.client()
		defer func() { _ = c.Close() }()
		for name, text := range map[string]string{
			"broken": "{", "list": "[]", "nothing": `{"url":""}`, "metadata": `{"url":"http://169.254.169.254:80"}`, "much": `{"url":"http://10.0.0.1:80","capacity":1e300}`,
			"slots": `{"url":"http://10.0.0.1:80","slots":-1}`, "a/b": `{"url":"http://10.0.0.1:80"}`,
		} {
			_, err := c.Do(t.Context(), "SET", f.group.entry(name), text)
			require.NoError(t, err)
			_, err = c.Do(t.Context(), "SADD", f.group.index(), name)
			require.NoError(t, err)
		}
		time.Sleep(3 * time.Second)
		assert.Equal(t, eight, f.state())
		f.mu.Lock()
		assert.Len(t, f.damper.State(time.Now()).Faults, 7)
		f.mu.Unlock()
		_, err := c.Do(t.Context(), "DEL", f.group.index())
		require.NoError(t, err)
		_, err = c.Do(t.Context(), "SET", f.group.index(), "no set")
		require.NoError(t, err)
		f.holds(eight, time.Minute)
	})
}

// Names of servers that are gone do not fill the set.
func TestTidy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := startEight(t)
		f.stops["s1"]()
		time.Sleep(time.Minute)
		r := f.registrar("s9")
		defer func() { _ = r.store.Close() }()
		require.NoError(t, r.Tidy(t.Context()))
		reply, err := r.store.Do(t.Context(), "SMEMBERS", f.group.index())
		require.NoError(t, err)
		names, err := texts(reply)
		require.NoError(t, err)
		assert.Len(t, names, 7)
		require.NoError(t, r.Tidy(t.Context()))
	})
}

// A thousand servers are read by a few commands.
func TestThousandServers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := start(t)
		c := f.client()
		defer func() { _ = c.Close() }()
		for i := range 1000 {
			name := fmt.Sprintf("10.0.%d.%d:8000", i/250, i%250+1)
			r := Record{Name: name, URL: "http://" + name, TTLMillis: 15000}
			_, err := c.Pipe(t.Context(), []any{"SET", f.group.entry(name), r.text(), "PX", 60000}, []any{"SADD", f.group.index(), name})
			require.NoError(t, err)
		}
		before := f.server.Calls("SCARD")
		time.Sleep(3 * time.Second)
		assert.Len(t, strings.Fields(f.state()), 1000)
		assert.LessOrEqual(t, f.server.Calls("SCARD")-before, 2)
	})
}

func TestGroupsThatAreRefused(t *testing.T) {
	for _, g := range []Group{{}, {Name: " a"}, {Name: "a\nb"}, {Name: strings.Repeat("a", 129)}, {Cluster: "a:b", Name: "c"}, {Cluster: "a b", Name: "c"}, {Cluster: "*", Name: "c"}} {
		require.Error(t, g.Check(), "%v", g)
	}
	a, b := Group{Name: "a"}, Group{Name: "a:b"}
	require.NoError(t, a.Check())
	require.NoError(t, b.Check())
	assert.NotEqual(t, a.entry("b:c"), b.entry("c"))
}
