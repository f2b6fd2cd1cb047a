// Scaling: how many servers an upstream is to have, and having them started and stopped.

package app

import (
	"cmp"
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/balancer/discovery"
	"github.com/steelyard-proxy/steelyard/configs"
	"github.com/steelyard-proxy/steelyard/metrics/autoscale"
	"github.com/steelyard-proxy/steelyard/metrics/event"
)

// knockEvery is how often somebody looks whether a request has come to an upstream that has no server.
const knockEvery = 250 * time.Millisecond

// scaling scales one upstream. It is made by the first configuration that asks for it, and goes on over reloads.
type scaling struct {
	fleet    *fleet
	upstream string
	pool     *balancer.Pool
	woken    chan struct{} // holds one

	// The fleet's mu guards these.
	actuator autoscale.Actuator   // nil: nobody here starts or stops servers
	acts     wantedActuator       // as actuator was made
	ending   context.CancelFunc   // of run; nil before start
	tending  context.CancelFunc   // of the actuator's upkeep; nil before start
	sink     discovery.Sink       // of the servers that actuator says it has; nil: discovery finds them
	started  []discovery.Endpoint // those servers, as sink was told last

	// These belong to run.
	controller *autoscale.Controller
	foreman    *autoscale.Foreman
	meter      meter
	began      time.Time            // it ran first
	firstSeen  map[string]time.Time // of endpoints
	wouldBe    string               // what a dry run told last
	results    chan result          // of orders

	mu sync.Mutex // guards what follows; nothing else is locked while it is held
	scaleState
}

// scaleState is what others may see of a scaling, and tell it.
type scaleState struct {
	config   configs.Scale
	changed  bool // config is to be taken over
	count    counted
	asked    int // by alerts, since the last look
	pausedBy string
	sample   autoscale.Sample
	decision autoscale.Decision // the zero one: none was made yet
	lead     bool               // this gateway is the one that acts
	orders   []scaleOrder       // the newest last
	made     [3]uint64          // decisions by direction, each change once

	objective time.Duration // for the first byte of answers; 0: there is none
	firsts    recent
	tokens    recent // how long a token of each stream took, in the mean
}

// counted is what the actuator said last of how many there are.
type counted struct {
	autoscale.Count
	at      time.Time // zero: it has not said anything yet
	err     error     // of the last time it was asked
	unknown bool      // nobody can say
}

// scaleOrder is an order, and what became of it.
type scaleOrder struct {
	autoscale.Order
	at     time.Time
	result string // "": not known yet
}

type result struct {
	id  string
	err error
}

const mostOrdersShown = 20

func scaleSettings(c *configs.Scale) autoscale.Settings {
	s := autoscale.Settings{
		Min: c.Min, Max: c.Max, Capacity: c.Capacity, Slots: c.Slots, TargetUtilization: c.TargetUtilization, TargetWait: c.TargetWait, Interval: c.Interval,
		ScaleInAfter: c.ScaleInAfter, ZeroAfter: c.ZeroAfter, StartTimeout: c.StartTimeout, DrainTimeout: c.DrainTimeout, MaxStarting: c.MaxStarting,
		Predict: autoscale.Predict(c.Predict),
	}
	for _, t := range c.Thresholds {
		if t.Do == "scale" {
			s.Thresholds = append(s.Thresholds, autoscale.Threshold{Metric: t.Metric, Above: t.Above, Clear: t.Clear, For: t.For})
		}
	}
	return s
}

// setScale takes over what the configuration asks for. The caller holds the fleet's mu.
func (f *fleet) setScale(u *upstream, p *plan) {
	c, acts := p.config.Scale, p.acts
	if c == nil {
		f.endScale(u)
		return
	}
	s := u.scaling
	if s == nil {
		s = &scaling{fleet: f, upstream: u.name, pool: u.pool, woken: make(chan struct{}, 1), results: make(chan result, 1), firstSeen: map[string]time.Time{}}
		s.controller, s.foreman = autoscale.New(scaleSettings(c)), autoscale.NewForeman(u.name, scaleSettings(c))
		s.pausedBy = f.paused.by[u.name]
		u.scaling = s
	}
	s.mu.Lock()
	s.config, s.changed, s.objective = *c, true, p.firstByte
	s.mu.Unlock()
	defer f.listen(u, s, c)
	if s.acts.same(&acts) {
		return
	}
	if s.actuator == nil || !acts.configure(s.actuator) {
		f.replaceActuator(u, s, p)
	}
	s.acts = acts
}

// listen has the servers that an actuator says it has join the upstream, where it knows where they are. The caller holds mu.
func (f *fleet) listen(u *upstream, s *scaling, c *configs.Scale) {
	if s.actuator == nil || !knowsAddresses(c.Actuator) {
		return
	}
	s.sink, _ = f.addSource(u, theActuator, asksOf(c))
}

// endScale ends scaling; the servers that there are stay as their actuator leaves them. Those that it was about to stop get
// requests again, where somebody still names them. The caller holds mu, and reconciles the upstream.
func (f *fleet) endScale(u *upstream) {
	s := u.scaling
	if s == nil {
		return
	}
	if s.ending != nil {
		s.ending()
	}
	f.dismiss(u, s)
	for _, m := range u.members {
		m.asked = ""
	}
	u.scaling = nil
}

// beginScale starts what does not run yet. The caller holds mu.
func (f *fleet) beginScale(u *upstream) {
	s := u.scaling
	if s == nil {
		return
	}
	if s.actuator != nil && s.tending == nil {
		a := s.actuator
		s.tending = f.group.startUntil("run the servers of "+u.name, func(ctx context.Context) error { return s.tend(ctx, a) })
	}
	if s.ending == nil { // it ends when the serving does: a process that drains must not start servers
		ctx, cancel := context.WithCancel(f.serving)
		context.AfterFunc(f.group.ctx, cancel)
		s.ending = cancel
		f.group.startWith(ctx, "scale "+u.name, s.run)
	}
}

// actsAs is what the actuator was made of.
func (s *scaling) actsAs() *wantedActuator {
	s.fleet.mu.Lock()
	defer s.fleet.mu.Unlock()
	acts := s.acts
	return &acts
}

// wake has run look now.
func (s *scaling) wake() {
	select {
	case s.woken <- struct{}{}:
	default:
	}
}

// run decides every interval until ctx ends, and at once when a request comes to an upstream without a server.
func (s *scaling) run(ctx context.Context) error {
	ticker := time.NewTicker(knockEvery)
	defer ticker.Stop()
	last := time.Now()
	s.began = last
	for {
		select {
		case <-ctx.Done():
			return nil
		case r := <-s.results:
			s.done(r)
			continue
		case <-s.woken:
		case <-ticker.C:
			if time.Since(last) < s.interval() && !s.knocked() {
				continue
			}
		}
		last = time.Now()
		s.step(ctx, last)
	}
}

func (s *scaling) interval() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.config.Interval
}

// knocked says whether a request waits for a first server that nobody has asked for.
func (s *scaling) knocked() bool {
	s.mu.Lock()
	wanted := s.decision.Wanted
	s.mu.Unlock()
	return wanted == 0 && s.pool.Queue().Waiting+s.fleet.waitElsewhere(s.upstream) > 0
}

// step looks, decides, and has done what is to be done.
func (s *scaling) step(ctx context.Context, now time.Time) {
	s.mu.Lock()
	config, changed, count, asked, paused := s.config, s.changed, s.count, s.asked, s.pausedBy
	s.changed, s.asked = false, 0
	s.mu.Unlock()
	if changed {
		s.controller.Configure(scaleSettings(&config))
		s.foreman.Configure(scaleSettings(&config))
	}
	s.fleet.mu.Lock()
	actuator := s.actuator
	s.fleet.mu.Unlock()
	scene := autoscale.Scene{Uncounted: actuator == nil || count.unknown}
	if fresh := max(3*config.Interval, 15*time.Second); !count.at.IsZero() && now.Sub(count.at) <= fresh {
		scene.Count = &count.Count
	}
	lead := s.fleet.mayScale == nil || s.fleet.mayScale()
	scene.May = actuator != nil && lead && paused == "" && !config.DryRun
	scene.Chooser, _ = actuator.(autoscale.Chooser)
	sample := s.look(now, &config, &scene)
	sample.Asked = asked
	if scene.Count == nil && !scene.Uncounted {
		sample.Age = now.Sub(cmp.Or(count.at, s.began)) // what its servers are is the oldest of all figures
	}
	d := s.controller.Step(now, sample)
	scene.Decision = d
	deeds := s.foreman.Step(now, scene)
	s.show(sample, d, lead)
	s.tellDryRun(&config, &d, actuator != nil && lead && paused == "")
	s.carryOut(ctx, now, actuator, deeds)
}

// tellDryRun says what would be done.
func (s *scaling) tellDryRun(config *configs.Scale, d *autoscale.Decision, would bool) {
	what := ""
	if would && config.DryRun && d.Direction != autoscale.Stay {
		what = fmt.Sprintf("%d -> %d", d.Now, d.Wanted)
	}
	if what != "" && what != s.wouldBe {
		s.publish(event.WouldScale, d.Reason, fmt.Sprintf("ask for %d servers in place of %d", d.Wanted, d.Now), map[string]any{"from": d.Now, "to": d.Wanted})
	}
	s.wouldBe = what
}

func (s *scaling) publish(kind event.Kind, cause, action string, evidence map[string]any) {
	s.fleet.events.Publish(event.Event{Kind: kind, Upstream: s.upstream, Cause: cause, Action: action, Evidence: evidence})
}
