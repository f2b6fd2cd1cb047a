// A finder: one source of an upstream's endpoints, and how far it is believed.

package app

import (
	"context"
	"errors"
	"io/fs"
	"reflect"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/steelyard-proxy/steelyard/balancer/discovery"
	"github.com/steelyard-proxy/steelyard/balancer/statefile"
	"github.com/steelyard-proxy/steelyard/metrics/event"
)

// theSource is the name of the finder that an upstream's `discovery` asks for. Others have the names of those who tell them.
const theSource = "discovery"

// coalesce is how long a finder lets lists pile up before it looks at the newest: they come in bursts.
const coalesce = 10 * time.Millisecond

// finder believes one source of an upstream's endpoints. It is that source's sink; its own goroutine gives the fleet what
// is in force, so that a source never waits for a pool.
type finder struct {
	fleet    *fleet
	upstream string
	name     string           // of the source, unique in the upstream
	kind     string           // of the source; "": somebody tells the sink
	source   discovery.Source // nil: somebody tells the sink
	initial  time.Duration    // how long its first list is waited for
	cache    string           // the file that keeps the last list; "": none
	woken    chan struct{}    // holds one
	ready    chan struct{}    // closed when its first list is in force, or is waited for no more

	mu     sync.Mutex // guards what follows
	damper *discovery.Damper
	reads  uint64 // lists that were read
	fails  uint64 // times that the source failed
	told   told

	// The fleet's mu guards these.
	asks    *finding
	list    []wanted           // as last applied
	hidden  []string           // names in list that others have
	settled bool               // ready is closed
	ending  context.CancelFunc // nil before it runs
}

func (f *fleet) newFinder(upstream, name string, asks *finding) *finder {
	c := &asks.config
	return &finder{
		fleet: f, upstream: upstream, name: name, kind: c.Kind, source: asks.source, initial: c.InitialTimeout, cache: c.Cache, asks: asks,
		woken: make(chan struct{}, 1), ready: make(chan struct{}), damper: discovery.NewDamper(limitsOf(asks)),
	}
}

func limitsOf(asks *finding) discovery.Limits {
	return discovery.Limits{MaxGoneRatio: asks.config.MaxGoneRatio, Grace: asks.config.Grace}
}

// Found implements discovery.Sink.
func (fd *finder) Found(l discovery.List) {
	fd.mu.Lock()
	defer fd.mu.Unlock()
	fd.reads++
	fd.damper.Found(time.Now(), l)
	fd.wake()
}

// Failed implements discovery.Sink.
func (fd *finder) Failed(err error) {
	fd.mu.Lock()
	defer fd.mu.Unlock()
	fd.fails++
	fd.damper.Failed(time.Now(), err)
	fd.wake()
}

// wake has run look again. The caller holds fd.mu.
func (fd *finder) wake() {
	select {
	case fd.woken <- struct{}{}:
	default:
	}
}

// begin starts the source and the belief in it. The caller holds the fleet's mu.
func (fd *finder) begin(g *group) {
	if fd.ending == nil {
		fd.ending = g.startUntil("find the endpoints of "+fd.upstream, fd.run)
	}
}

// end stops it. The caller holds the fleet's mu.
func (fd *finder) end() {
	if fd.ending != nil {
		fd.ending()
	}
}

// run has the source look, and gives the fleet what is in force whenever that changes.
func (fd *finder) run(ctx context.Context) error {
	kept := fd.remember()
	var looking sync.WaitGroup
	defer looking.Wait()
	if fd.source != nil {
		looking.Go(func() { fd.source.Run(ctx, fd) })
	}
	first := time.NewTimer(fd.initial)
	defer first.Stop()
	grace := time.NewTimer(time.Hour)
	defer grace.Stop()
	var inForce []discovery.Endpoint
	late := false
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-first.C:
			late = true
			fd.restore(kept)
		case <-grace.C:
		case <-fd.woken:
			if !discovery.Sleep(ctx, coalesce) {
				return nil
			}
		}
		list, next, known := fd.look()
		if !sameList(list, inForce) {
			inForce = list
			fd.fleet.take(fd, list)
			fd.keep(list)
		}
		if known || late {
			fd.fleet.settle(fd)
		}
		if grace.Reset(time.Hour); !next.IsZero() {
			grace.Reset(time.Until(next))
		}
	}
}

// sameList says whether both are one list: a damper makes a new one for each change.
func sameList(a, b []discovery.Endpoint) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}

// look lets the damper act, and tells of what has changed for people.
func (fd *finder) look() (list []discovery.Endpoint, next time.Time, known bool) {
	fd.mu.Lock()
	now := time.Now()
	fd.damper.Step(now)
	list, next = fd.damper.Endpoints(), fd.damper.Next()
	was, is := fd.told, told{fd.damper.State(now), ""}
	is.faulty = discovery.Told(is.Faults)
	fd.told = is
	fd.mu.Unlock()
	fd.tell(&was, &is)
	return list, next, is.Known
}

// told is what people were last told of a source.
type told struct {
	discovery.State
	faulty string // its faults in words
}

// tell tells of a trouble, and of faults, that are others than before.
func (fd *finder) tell(was, is *told) {
	if is.faulty != was.faulty && is.faulty != "" {
		fd.publish(event.Event{Kind: event.DiscoveryFaults, Cause: is.faulty, Action: "they are left out, or stay as they were",
			Evidence: map[string]any{"faults": len(is.Faults)}})
	}
	if is.Trouble == was.Trouble {
		return
	}
	e := event.Event{Cause: is.Why, Evidence: map[string]any{"endpoints": is.Endpoints}}
	switch is.Trouble {
	case discovery.None:
		e.Kind, e.Evidence["lasted_seconds"] = event.DiscoveryBack, time.Since(was.Since).Seconds()
	case discovery.Away:
		e.Kind, e.Action = event.DiscoveryFailed, "the last list stays in force"
	case discovery.Empty, discovery.Held:
		e.Kind, e.Action = event.DiscoveryHeld, "those that it no longer names stay for now"
	}
	fd.publish(e)
}

func (fd *finder) publish(e event.Event) {
	e.Upstream = fd.upstream
	if e.Evidence == nil {
		e.Evidence = map[string]any{}
	}
	e.Evidence["source"] = fd.name
	fd.fleet.events.Publish(e)
}

// state is how the source fares, with what was counted of it.
func (fd *finder) state() (s discovery.State, reads, fails uint64) {
	fd.mu.Lock()
	defer fd.mu.Unlock()
	return fd.damper.State(time.Now()), fd.reads, fd.fails
}

// remember reads what was kept of an earlier run, so that what the first list drops of it counts as gone.
func (fd *finder) remember() []discovery.Endpoint {
	if fd.cache == "" {
		return nil
	}
	text, err := statefile.Read(fd.cache)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // nothing was found yet
	}
	var l discovery.List
	if err == nil {
		l, err = discovery.Parse(text, discovery.Shape{})
	}
	var good []discovery.Endpoint
	if err == nil {
		good, _, err = discovery.Check(l.Endpoints)
	}
	if err != nil {
		fd.fleet.log.Warn("what was last found cannot be read", zap.String("upstream", fd.upstream), zap.String("discovery.cache", fd.cache), zap.Error(err))
		return nil
	}
	fd.mu.Lock()
	defer fd.mu.Unlock()
	fd.damper.Remember(good)
	return good
}

// restore puts what was kept in force, if the source has said nothing yet.
func (fd *finder) restore(kept []discovery.Endpoint) {
	fd.mu.Lock()
	defer fd.mu.Unlock()
	if fd.damper.Restore(kept) {
		fd.fleet.log.Warn("the source of endpoints has said nothing yet: those that were last found are used",
			zap.String("upstream", fd.upstream), zap.Int("endpoints", len(kept)))
	}
}

// keep writes what is in force to the cache, for a start without the source.
func (fd *finder) keep(list []discovery.Endpoint) {
	path := fd.cache
	if path == "" || len(list) == 0 {
		return
	}
	if err := statefile.Replace(path, discovery.Print(list)); err != nil {
		fd.fleet.log.Warn("what was found cannot be kept", zap.String("upstream", fd.upstream), zap.String("discovery.cache", path), zap.Error(err))
	}
}

// sameSource says whether both ask for the same source: then what it has said counts on.
func sameSource(a, b *finding) bool {
	x, y := a.config, b.config
	x.Grace, y.Grace = 0, 0
	x.MaxGoneRatio, y.MaxGoneRatio = 0, 0
	x.InitialTimeout, y.InitialTimeout = 0, 0
	x.Capacity, x.Slots, x.Tier, x.TLS = y.Capacity, y.Slots, y.Tier, y.TLS
	return reflect.DeepEqual(x, y)
}
