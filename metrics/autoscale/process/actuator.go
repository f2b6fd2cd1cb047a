// The actuator: how many are wanted, and the replicas that there are.

package process

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/steelyard-proxy/steelyard/metrics/autoscale"
	"github.com/steelyard-proxy/steelyard/metrics/autoscale/process/keeper"
	"github.com/steelyard-proxy/steelyard/metrics/event"
)

const (
	leastPause = time.Second // before a crashed server is started again; twice as long each time, up to mostPause
	mostPause  = time.Minute
	wellAfter  = time.Minute // it has run for so long: the pauses begin anew
	leftTime   = 10 * time.Second
)

// Actuator runs the replicas of one upstream. It is an autoscale.Actuator.
type Actuator struct {
	upstream string
	o        Options
	news     chan struct{} // holds one: Count would say something else
	swept    chan struct{} // closed when what an earlier gateway has left is gone
	sweep    sync.Once
	living   sync.WaitGroup    // a goroutine for each replica
	answered autoscale.Settled // orders

	mu       sync.Mutex // guards the fields below
	settings Settings
	wanted   int
	replicas map[int]*replica // by slot
	ports    autoscale.Ports
	lent     bool // nothing is started or stopped
	left     bool // another program goes on with them
	closed   bool
}

// New makes an actuator. Nothing is started before Run.
func New(upstream string, s Settings, o Options) *Actuator {
	if o.start == nil {
		o.start = startKept
	}
	if o.left == nil {
		o.left = keeper.EndLeft
	}
	a := &Actuator{
		upstream: upstream, o: o, settings: s.clone(), news: make(chan struct{}, 1), swept: make(chan struct{}), replicas: map[int]*replica{},
		ports: autoscale.Ports{Free: o.free},
	}
	for _, l := range o.Given {
		a.take(l)
	}
	return a
}

// Configure takes over other settings, for servers that are started from now on.
func (a *Actuator) Configure(s Settings) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.settings = s.clone()
}

// Count is what there is.
func (a *Actuator) Count(context.Context) (autoscale.Count, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.left {
		return autoscale.Count{}, errLeft
	}
	c := autoscale.Count{Wanted: a.wanted, Replicas: []autoscale.Replica{}}
	for _, slot := range a.slots() {
		shown := a.replicas[slot].shown()
		if shown.State == autoscale.Starting || shown.State == autoscale.Running {
			c.Running++
		}
		c.Replicas = append(c.Replicas, shown)
	}
	return c, nil
}

var (
	errLeft = errors.New("another process runs the servers now")
	errLent = errors.New("an upgrade of steelyard is under way: ask again")
)

// Scale brings about that there are that many.
func (a *Actuator) Scale(_ context.Context, o autoscale.Order) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.left || a.closed:
		return &autoscale.Refused{Reason: errLeft.Error()}
	case a.lent:
		return errLent
	}
	if settled, said := a.answered.Said(o.ID); settled {
		return said
	}
	if err := o.Check(a.settings.Most); err != nil {
		return err
	}
	a.answered.Add(o.ID, nil)
	rest := a.shrink(o)
	a.wanted = o.To + rest
	a.grow()
	return o.Left(rest)
}

// shrink stops what may be stopped of those that are too many, and says how many more are too many. The caller holds mu.
func (a *Actuator) shrink(o autoscale.Order) (rest int) {
	over := a.here() - o.To
	for _, slot := range slices.Backward(a.slots()) { // those without a process harm nobody, the newest first
		if r := a.replicas[slot]; over > 0 && r.state == autoscale.Failed {
			a.stop(r, "it is no longer wanted")
			over--
		}
	}
	for _, name := range o.Victims {
		for _, r := range a.replicas {
			if over > 0 && r.name == name && !r.stopping() {
				a.stop(r, o.Reason)
				over--
			}
		}
	}
	return max(over, 0)
}

// grow starts what is missing, as far as slots are free. The caller holds mu.
func (a *Actuator) grow() {
	if a.lent || a.left || a.closed {
		return
	}
	for slot := 0; slot < a.settings.Most && a.here() < a.wanted; slot++ {
		if a.replicas[slot] == nil {
			a.begin(&replica{slot: slot, name: autoscale.NameOf(a.upstream, slot), since: time.Now(), stop: make(chan struct{})})
		}
	}
}

// begin lets a replica live. The caller holds mu.
func (a *Actuator) begin(r *replica) {
	a.replicas[r.slot] = r
	a.living.Go(func() { a.live(r) })
	a.notice()
}

// stop ends a replica; its goroutine does. The caller holds mu.
func (a *Actuator) stop(r *replica, why string) {
	r.state, r.why = autoscale.Stopping, why
	close(r.stop)
	a.notice()
}

// here is how many there are that nobody has asked to end. The caller holds mu.
func (a *Actuator) here() (n int) {
	for _, r := range a.replicas {
		if !r.stopping() {
			n++
		}
	}
	return n
}

// slots are those in use, in order. The caller holds mu.
func (a *Actuator) slots() []int {
	list := make([]int, 0, len(a.replicas))
	for slot := range a.replicas {
		list = append(list, slot)
	}
	slices.Sort(list)
	return list
}

// notice lets whoever counts know that there is something new.
func (a *Actuator) notice() {
	select {
	case a.news <- struct{}{}:
	default:
	}
}

func (a *Actuator) tell(kind event.Kind, r *replica, cause, action string, evidence map[string]any) {
	a.o.Events.Publish(event.Event{Kind: kind, Upstream: a.upstream, Endpoint: r.name, Cause: cause, Action: action, Evidence: evidence})
}

// port is a free one for a replica: that of its slot first. 0: there is none. The caller holds mu.
func (a *Actuator) port(r *replica) int {
	s := &a.settings
	used := map[int]bool{}
	for _, other := range a.replicas {
		if other != r {
			used[other.port] = true
		}
	}
	return a.ports.Choose(s.First, s.Last, r.slot, used, func(port int) {
		a.tell(event.PortTaken, r, "somebody else listens there", "another port is used", map[string]any{"port": port})
	})
}

// Run lets servers be started until ctx ends. First it ends what an earlier gateway has left.
func (a *Actuator) Run(ctx context.Context, changed func()) error {
	a.sweep.Do(func() {
		a.mu.Lock()
		fresh := len(a.o.Given) == 0 // else the keepers of the program before this one are no leftovers
		a.mu.Unlock()
		a.endLeft(ctx, fresh)
		close(a.swept)
	})
	for {
		select {
		case <-a.news:
			changed()
		case <-ctx.Done():
			a.mu.Lock()
			defer a.mu.Unlock()
			a.closed = true
			return nil
		}
	}
}

// endLeft ends what servers have left whose keepers are gone. With keepers it waits too for those whose gateway is gone.
func (a *Actuator) endLeft(ctx context.Context, keepers bool) {
	ctx, cancel := context.WithTimeout(ctx, leftTime)
	defer cancel()
	prefix := ""
	if keepers {
		prefix = a.upstream + "-"
	}
	if killed := a.o.left(ctx, prefix); killed > 0 {
		a.o.Events.Publish(event.Event{
			Kind: event.ReplicaEnded, Upstream: a.upstream, Cause: "processes of a server were left by a gateway or a keeper that was killed",
			Action: "killed", Evidence: map[string]any{"processes": killed},
		})
	}
}

// Close ends all servers and waits for their end until ctx ends.
func (a *Actuator) Close(ctx context.Context) error {
	a.mu.Lock()
	a.closed, a.wanted = true, 0
	for _, r := range a.replicas {
		if !a.left && !r.stopping() {
			a.stop(r, "steelyard ends")
		}
	}
	a.mu.Unlock()
	ended := make(chan struct{})
	go func() {
		a.living.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("end the servers of %s: %w: they end when steelyard does", a.upstream, ctx.Err())
	}
}
