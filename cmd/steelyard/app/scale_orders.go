// Orders to actuators, and their upkeep.

package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/steelyard-proxy/steelyard/metrics/autoscale"
	"github.com/steelyard-proxy/steelyard/metrics/event"
)

const (
	countTimeout = 10 * time.Second
	orderTimeout = time.Minute
	// closeTimeout is for all that an actuator has to stop; each has a limit of its own for one server.
	closeTimeout = 5 * time.Minute
	// hangs is how much longer an actuator may take than it was told, before it is left alone.
	hangs = 5 * time.Second
)

var errHangs = errors.New("it does not answer, not even when its time is over")

// inTime calls f, and returns soon after the time is over even if f does not.
func inTime(ctx context.Context, d time.Duration, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, d)
	done := make(chan error, 1)
	go func() {
		defer cancel()
		done <- f(ctx)
	}()
	late := time.NewTimer(d + hangs)
	defer late.Stop()
	select {
	case err := <-done:
		return err
	case <-late.C:
		return errHangs
	}
}

// carryOut does what the foreman says.
func (s *scaling) carryOut(ctx context.Context, now time.Time, a autoscale.Actuator, d autoscale.Deeds) {
	s.note(d.Notes)
	for _, name := range d.Depart {
		s.depart(name, true)
	}
	for _, name := range d.Return {
		s.depart(name, false)
	}
	if d.Order == nil {
		return
	}
	o := *d.Order
	s.mu.Lock()
	if n := len(s.orders); n == 0 || s.orders[n-1].ID != o.ID {
		s.orders = append(s.orders[max(n+1-mostOrdersShown, 0):], scaleOrder{Order: o, at: now})
	}
	s.mu.Unlock()
	go func() { // one at a time: the foreman waits for what becomes of it
		err := inTime(ctx, orderTimeout, func(ctx context.Context) error { return a.Scale(ctx, o) })
		select {
		case s.results <- result{o.ID, err}:
		case <-ctx.Done():
		}
	}()
}

// done tells the foreman what became of an order.
func (s *scaling) done(r result) {
	s.note(s.foreman.Done(time.Now(), r.id, r.err))
	s.mu.Lock()
	for i := range s.orders {
		if o := &s.orders[i]; o.ID == r.id {
			if o.result = "taken"; r.err != nil {
				o.result = r.err.Error()
			}
		}
	}
	s.mu.Unlock()
	if r.err != nil {
		s.fleet.log.Warn("an order for servers failed", zap.String("upstream", s.upstream), zap.String("order", r.id), zap.Error(r.err))
	}
}

// noteKinds are the events that notes become.
var noteKinds = map[autoscale.NoteKind]event.Kind{
	autoscale.NoteOut: event.ScaleOut, autoscale.NoteIn: event.ScaleIn, autoscale.NoteFailed: event.ScaleFailed, autoscale.NoteWorks: event.ScaleBack,
	autoscale.NoteAdopted: event.ScaleAdopted, autoscale.NoteKept: event.ScaleKept,
}

func (s *scaling) note(notes []autoscale.Note) {
	for _, n := range notes {
		s.publish(noteKinds[n.Kind], n.Cause, n.Doing, nil)
	}
}

// tend keeps an actuator up, and knows how many servers it has, until ctx ends.
func (s *scaling) tend(ctx context.Context, a autoscale.Actuator) error {
	changed := make(chan struct{}, 1)
	go func() {
		err := a.Run(ctx, func() {
			select {
			case changed <- struct{}{}:
			default:
			}
		})
		if err != nil && ctx.Err() == nil {
			s.publish(event.ScaleFailed, "the upkeep of servers has ended: "+err.Error(), "orders are given all the same", nil)
		}
	}()
	failing := false
	for {
		failing = s.ask(ctx, a, failing)
		timer := time.NewTimer(s.interval())
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-changed:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// ask asks an actuator how many servers there are.
func (s *scaling) ask(ctx context.Context, a autoscale.Actuator, failing bool) bool {
	var c autoscale.Count
	told := make(chan autoscale.Count, 1) // and not c itself, which a call that hangs might write later
	failed := inTime(ctx, countTimeout, func(ctx context.Context) error {
		count, err := a.Count(ctx)
		told <- count
		return err
	})
	if ctx.Err() != nil {
		return failing
	}
	select {
	case c = <-told:
	default:
	}
	now := counted{Count: c, at: time.Now(), err: failed, unknown: errors.Is(failed, autoscale.ErrUnknown)}
	if now.unknown {
		now.err = nil
	}
	s.mu.Lock()
	before := s.count
	if now.err != nil || now.unknown {
		now.Count, now.at = before.Count, before.at
	}
	s.count = now
	s.mu.Unlock()
	switch {
	case now.err != nil && !failing:
		s.publish(event.ScaleFailed, "how many servers there are cannot be asked: "+now.err.Error(), "nothing is started or stopped until it can", nil)
	case now.err == nil && failing:
		s.publish(event.ScaleBack, "how many servers there are is known again", "", nil)
	}
	if now.err == nil && !now.unknown {
		s.found(&c)
		if c.Wanted != before.Wanted || c.Running != before.Running || before.at.IsZero() {
			s.wake()
		}
	}
	return now.err != nil
}

// closeActuators ends all actuators, after the last request: what must not outlive the gateway is stopped.
func (f *fleet) closeActuators() {
	f.mu.Lock()
	all := map[string]autoscale.Actuator{}
	for _, u := range f.upstreams {
		if u.scaling != nil && u.scaling.actuator != nil {
			all[u.name] = u.scaling.actuator
		}
	}
	f.mu.Unlock()
	ended := make(chan struct{})
	for name, a := range all {
		go func() {
			f.closeActuator(name, a)
			ended <- struct{}{}
		}()
	}
	for range all {
		<-ended
	}
}

func (f *fleet) closeActuator(upstream string, a autoscale.Actuator) {
	if err := inTime(context.Background(), closeTimeout, a.Close); err != nil {
		f.log.Error("servers may have been left behind", zap.String("upstream", upstream), zap.Error(err))
	}
}

// pause switches whether servers are started and stopped. It says whether that changes anything.
func (s *scaling) pause(on bool, by string) (changed bool) {
	s.mu.Lock()
	was := s.pausedBy
	if s.pausedBy = ""; on {
		s.pausedBy = by
	}
	s.mu.Unlock()
	if (was == "") != on {
		return false
	}
	s.fleet.keepPause(s.upstream, by, on)
	kind, action := event.ScalePaused, "no server is started or stopped until it is resumed"
	if !on {
		kind, action = event.ScaleResumed, ""
	}
	s.publish(kind, by, action, nil)
	s.wake()
	return true
}

// askedByAlert takes in that an alert asks for servers more, or fewer.
func (f *fleet) askedByAlert(upstream string, step int) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	u := find(f.upstreams, upstream)
	if u == nil || u.scaling == nil {
		return fmt.Sprintf("asks for %+d endpoints; nobody here scales upstream %s", step, upstream)
	}
	s := u.scaling
	s.mu.Lock()
	s.asked += step
	s.mu.Unlock()
	s.wake()
	return fmt.Sprintf("asks for %+d endpoints", step)
}
