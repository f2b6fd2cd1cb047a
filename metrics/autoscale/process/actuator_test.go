package process

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/metrics/autoscale"
	"github.com/steelyard-proxy/steelyard/metrics/autoscale/process/keeper"
	"github.com/steelyard-proxy/steelyard/metrics/event"
)

// world is a machine on which servers are values.
type world struct {
	mu        sync.Mutex
	started   []*fake
	strangers map[int]bool
	refuse    error         // nil: servers start
	life      time.Duration // after which they end by themselves; 0: never
	events    []event.Event
}

// fake is a server.
type fake struct {
	plan  keeper.Plan
	at    time.Time
	ended chan struct{}
	once  sync.Once
	how   keeper.Ending
}

func (f *fake) end(how string) {
	f.once.Do(func() {
		f.how = keeper.Ending{How: how, Output: "its last words", Told: true}
		close(f.ended)
	})
}
func (f *fake) Pid() int               { return 4711 }
func (f *fake) Problem() string        { return "" }
func (f *fake) Ended() <-chan struct{} { return f.ended }
func (f *fake) How() keeper.Ending     { return f.how }
func (f *fake) Stop()                  { f.end("exit status 0, as it was asked to") }
func (f *fake) Copy() (int, error)     { return 99, nil }
func (f *fake) Leave()                 { f.end("another program has it") }

func (w *world) start(p keeper.Plan) (server, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.refuse != nil {
		return nil, w.refuse
	}
	f := &fake{plan: p, at: time.Now(), ended: make(chan struct{})}
	w.started = append(w.started, f)
	if w.life > 0 {
		time.AfterFunc(w.life, func() { f.end("exit status 1") })
	}
	return f, nil
}

func (w *world) servers() []*fake {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.started)
}

// told are the events of a kind.
func (w *world) told(kind event.Kind) (list []event.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range w.events {
		if e.Kind == kind {
			list = append(list, e)
		}
	}
	return list
}

// in runs an actuator in virtual time.
func in(t *testing.T, s Settings, f func(t *testing.T, w *world, a *Actuator)) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{strangers: map[int]bool{}}
		a := New("chat", s, Options{
			Events: event.NewLog(func(e event.Event) {
				w.mu.Lock()
				defer w.mu.Unlock()
				w.events = append(w.events, e)
			}),
			start: w.start,
			free: func(port int) bool {
				w.mu.Lock()
				defer w.mu.Unlock()
				return !w.strangers[port]
			},
			left: func(context.Context, string) int { return 0 },
		})
		ctx, cancel := context.WithCancel(context.Background())
		var running sync.WaitGroup
		running.Go(func() { _ = a.Run(ctx, func() {}) })
		defer func() {
			cancel()
			running.Wait()
			require.NoError(t, a.Close(context.Background()))
		}()
		f(t, w, a)
	})
}

var usual = Settings{Command: []string{"serve", "--port", "{port}"}, First: 9100, Last: 9109, Most: 4, StopTimeout: time.Minute}

func order(id string, to int, victims ...string) autoscale.Order {
	return autoscale.Order{ID: id, Upstream: "chat", To: to, Victims: victims, Reason: "a test"}
}

// shown are the replicas as "name state port".
func shown(t *testing.T, a *Actuator) (list []string) {
	t.Helper()
	synctest.Wait()
	c, err := a.Count(context.Background())
	require.NoError(t, err)
	for _, r := range c.Replicas {
		list = append(list, strings.TrimSpace(r.Name+" "+r.State.String()+" "+strings.TrimPrefix(r.URL, "http://127.0.0.1:")))
	}
	return list
}

func TestOrdersAreAbsolute(t *testing.T) {
	in(t, usual, func(t *testing.T, w *world, a *Actuator) {
		require.NoError(t, a.Scale(t.Context(), order("1", 2)))
		require.Equal(t, []string{"chat-0 running 9100", "chat-1 running 9101"}, shown(t, a))
		require.NoError(t, a.Scale(t.Context(), order("1", 4)), "the same again")
		require.NoError(t, a.Scale(t.Context(), order("2", 2)))
		require.Len(t, shown(t, a), 2)
		require.NoError(t, a.Scale(t.Context(), order("3", 1, "chat-0")))
		require.Equal(t, []string{"chat-1 running 9101"}, shown(t, a))
		require.NoError(t, a.Scale(t.Context(), order("4", 2)))
		require.Equal(t, []string{"chat-0 running 9100", "chat-1 running 9101"}, shown(t, a), "the slot is used again")
		require.Len(t, w.servers(), 3)
		c, err := a.Count(t.Context())
		require.NoError(t, err)
		require.Equal(t, 2, c.Wanted)
		require.Equal(t, 2, c.Running)
		require.Len(t, w.told(event.ReplicaStarted), 3)
		require.Len(t, w.told(event.ReplicaEnded), 1)
		require.Equal(t, "a test", w.told(event.ReplicaEnded)[0].Cause)
	})
}

// TestOnlyTheDrainedAreStopped, and no more of them than are too many.
func TestOnlyTheDrainedAreStopped(t *testing.T) {
	in(t, usual, func(t *testing.T, w *world, a *Actuator) {
		require.NoError(t, a.Scale(t.Context(), order("1", 4)))
		err := a.Scale(t.Context(), order("2", 1, "chat-3", "a stranger"))
		refused, is := errors.AsType[*autoscale.Refused](err)
		require.True(t, is)
		require.Equal(t, "asked for: 1, left: 3: only servers that have been drained are stopped", refused.Reason)
		require.Equal(t, []string{"chat-0 running 9100", "chat-1 running 9101", "chat-2 running 9102"}, shown(t, a))
		require.NoError(t, a.Scale(t.Context(), order("3", 2, "chat-1", "chat-0")))
		require.Equal(t, []string{"chat-0 running 9100", "chat-2 running 9102"}, shown(t, a))
		require.NoError(t, a.Scale(t.Context(), order("4", 0, "chat-0", "chat-0", "chat-2")))
		require.Empty(t, shown(t, a))
	})
}

func TestOrdersThatCannotBe(t *testing.T) {
	in(t, usual, func(t *testing.T, w *world, a *Actuator) {
		late := order("1", 1)
		late.Deadline = time.Now()
		time.Sleep(time.Second)
		for _, o := range []autoscale.Order{order("2", -1), order("3", 5), late} {
			_, is := errors.AsType[*autoscale.Refused](a.Scale(t.Context(), o))
			require.True(t, is, o)
		}
		require.Empty(t, shown(t, a))
	})
}

// TestACrashIsBackedOff: the pauses grow from a second to a minute, and begin anew after a good minute.
func TestACrashIsBackedOff(t *testing.T) {
	in(t, usual, func(t *testing.T, w *world, a *Actuator) {
		w.life = 10 * time.Millisecond
		require.NoError(t, a.Scale(t.Context(), order("1", 1)))
		time.Sleep(10 * time.Minute)
		var pauses []string
		servers := w.servers()
		for i, f := range servers[1:] {
			pauses = append(pauses, (f.at.Sub(servers[i].at) - w.life).String())
		}
		require.Equal(t, []string{"1s", "2s", "4s", "8s", "16s", "32s", "1m0s", "1m0s"}, pauses[:8])
		require.Len(t, servers, 15, "no loop: about one a minute")
		failures := w.told(event.ReplicaFailed)
		require.Len(t, failures, 15)
		require.Equal(t, "it ended: exit status 1", failures[0].Cause)
		require.Equal(t, "it is started again in 1s", failures[0].Action)
		require.Equal(t, "its last words", failures[0].Evidence["output"])
		require.Equal(t, []string{"chat-0 failed"}, shown(t, a))

		w.mu.Lock()
		w.life = 2 * time.Minute
		w.mu.Unlock()
		time.Sleep(10 * time.Minute)
		failures = w.told(event.ReplicaFailed)
		require.Equal(t, "it is started again in 1s", failures[len(failures)-1].Action)
		require.NoError(t, a.Scale(t.Context(), order("2", 0, "chat-0")))
		require.Empty(t, shown(t, a))
	})
}

// TestWhatCannotBeStartedGoesFirst, though it is no victim: it serves nobody.
func TestWhatCannotBeStartedGoesFirst(t *testing.T) {
	in(t, usual, func(t *testing.T, w *world, a *Actuator) {
		require.NoError(t, a.Scale(t.Context(), order("1", 1)))
		shown(t, a)
		w.mu.Lock()
		w.refuse = errors.New("no memory")
		w.mu.Unlock()
		require.NoError(t, a.Scale(t.Context(), order("2", 3)))
		require.Equal(t, []string{"chat-0 running 9100", "chat-1 failed", "chat-2 failed"}, shown(t, a))
		c, err := a.Count(t.Context())
		require.NoError(t, err)
		require.Equal(t, 1, c.Running)
		require.Equal(t, "no memory", c.Replicas[1].Problem)
		require.NoError(t, a.Scale(t.Context(), order("3", 1, "chat-0")))
		require.Equal(t, []string{"chat-0 running 9100"}, shown(t, a))
	})
}

// ports are those of the servers that run, in order.
func ports(t *testing.T, a *Actuator) (list []string) {
	t.Helper()
	for _, line := range shown(t, a) {
		if _, port, runs := strings.Cut(line, " running "); runs {
			list = append(list, port)
		}
	}
	slices.Sort(list)
	return list
}

func TestAStrangersPortIsPassedOver(t *testing.T) {
	s := usual
	s.Last = 9102
	in(t, s, func(t *testing.T, w *world, a *Actuator) {
		w.strangers[9100] = true
		require.NoError(t, a.Scale(t.Context(), order("1", 3)))
		require.Len(t, ports(t, a), 2, "the third has none")
		require.Equal(t, []string{"9101", "9102"}, ports(t, a))
		require.Len(t, w.told(event.PortTaken), 1)
		require.Equal(t, 9100, w.told(event.PortTaken)[0].Evidence["port"])
		require.Equal(t, "no port from 9100 to 9102 is free", w.told(event.ReplicaFailed)[0].Cause)
		w.mu.Lock()
		w.strangers[9100] = false
		w.mu.Unlock()
		time.Sleep(time.Minute)
		require.Equal(t, []string{"9100", "9101", "9102"}, ports(t, a))
	})
}

func TestTheTemplateIsFilledIn(t *testing.T) {
	s := Settings{
		Command: []string{"serve", "{upstream}", "--port={port}", "{name}/{slot}", "{unknown}"}, Env: []string{"GPU={gpu}", "A=b=c"},
		Dir: "/run/{slot}", First: 9100, Last: 9101, GPUs: []string{"0,1", "2,3"}, Most: 2, Logs: "/logs",
	}
	in(t, s, func(t *testing.T, w *world, a *Actuator) {
		require.NoError(t, a.Scale(t.Context(), order("1", 2)))
		shown(t, a)
		servers := w.servers()
		slices.SortFunc(servers, func(x, y *fake) int { return strings.Compare(x.plan.Name, y.plan.Name) })
		p := servers[1].plan
		require.Equal(t, []string{"serve", "chat", "--port=9101", "chat-1/1", "{unknown}"}, p.Args)
		require.Contains(t, p.Env, "GPU=2,3")
		require.Contains(t, p.Env, "A=b=c")
		require.Equal(t, "/run/1", p.Dir)
		require.Equal(t, "/logs/chat-1.log", p.Log)
		a.Configure(usual)
		require.NoError(t, a.Scale(t.Context(), order("2", 3)))
		shown(t, a)
		require.Equal(t, []string{"serve", "--port", "9102"}, w.servers()[2].plan.Args, "other settings are for those that start")
		require.Len(t, w.servers(), 3)
	})
}

// TestAnotherProgramTakesOver: until it has, nothing is started; then nothing is ended.
func TestAnotherProgramTakesOver(t *testing.T) {
	in(t, usual, func(t *testing.T, w *world, a *Actuator) {
		require.NoError(t, a.Scale(t.Context(), order("1", 2)))
		shown(t, a)
		lent := a.Lend(t.Context())
		require.Len(t, lent, 2)
		require.Equal(t, Lent{Slot: 1, Port: 9101, Pid: 4711, Since: time.Now(), Descriptor: 99}, lent[1])
		require.ErrorIs(t, a.Scale(t.Context(), order("2", 3)), errLent)
		w.servers()[0].end("exit status 1")
		time.Sleep(time.Minute)
		require.Len(t, w.servers(), 2, "what crashes meanwhile is not started")
		a.Keep()
		time.Sleep(time.Minute)
		require.Len(t, w.servers(), 3)
		require.NoError(t, a.Scale(t.Context(), order("2", 3)), "the same order, now")
		require.Len(t, shown(t, a), 3)
		a.Lend(t.Context())
		a.Leave()
		synctest.Wait()
		_, err := a.Count(t.Context())
		require.ErrorIs(t, err, errLeft)
		require.Error(t, a.Scale(t.Context(), order("3", 1)))
		for _, f := range w.servers()[1:] {
			require.Equal(t, "another program has it", f.how.How)
		}
	})
}

// TestAnySequence of orders, crashes and refusals ends in what was asked for last.
func TestAnySequence(t *testing.T) {
	in(t, usual, func(t *testing.T, w *world, a *Actuator) {
		for i := range 200 {
			to := (i * 7) % 5
			var names []string
			for slot := range 4 {
				names = append(names, fmt.Sprintf("chat-%d", (slot+i)%4))
			}
			require.NoError(t, a.Scale(t.Context(), order(fmt.Sprint(i), to, names...)))
			if i%3 == 0 {
				for _, f := range w.servers() {
					f.end("exit status 1")
				}
			}
			time.Sleep(time.Duration(i%5) * 400 * time.Millisecond)
			c, err := a.Count(t.Context())
			require.NoError(t, err)
			require.LessOrEqual(t, c.Running, 4)
			require.Equal(t, to, c.Wanted)
			ports := map[string]bool{}
			for _, r := range c.Replicas {
				require.False(t, r.URL != "" && ports[r.URL], "two servers have one port")
				ports[r.URL] = true
			}
		}
		time.Sleep(2 * time.Minute)
		require.Len(t, shown(t, a), (199*7)%5)
	})
}
