// A contender with the engines behind it.

package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/steelyard-proxy/steelyard/bench/backend"
	"github.com/steelyard-proxy/steelyard/bench/peers"
	"github.com/steelyard-proxy/steelyard/bench/scenario"
)

// stand is one contender with the engines behind it.
type stand struct {
	contender scenario.Contender
	processes []*peers.Process // one, or as many gateways as the case has
	store     *peers.Process   // by which these hear of each other; nil: they do not
	seed      uint64           // of which gateway a request comes to
	engines   []*backend.Server
	names     map[string]int // of the engines
	running   *backend.Group // the engines
}

// stand starts the engines and the program of a contender, as often as the case has balancers.
func (l *Lab) stand(ctx context.Context, of scenario.Case, c scenario.Contender, dir string, seed uint64) (*stand, error) {
	s := &stand{contender: c, seed: seed, names: map[string]int{}, running: backend.NewGroup(ctx)}
	plan := peers.Plan{Dir: dir, Slots: c.Queue != "" || c.Peer == scenario.HAProxyMaxconn, Policy: c.Policy, Scale: 1, Queue: c.Queue}
	if plan.Slots {
		plan.Wait = longestWait
	}
	told := l.scenario.Told(c)
	for i, e := range l.scenario.Endpoints {
		engine, err := backend.New(backend.Options{Name: fmt.Sprintf("engine-%d", i), Engine: e.Options, UnitTokens: unitTokens})
		if err != nil {
			return nil, errors.Join(err, s.stop())
		}
		s.running.Run(engine)
		s.engines = append(s.engines, engine)
		s.names[engine.Name()] = i
		plan.Endpoints = append(plan.Endpoints, peers.Endpoint{Name: e.Name, Addr: engine.Addr(), Capacity: told[i], Slots: e.Slots})
	}
	if err := l.start(ctx, s, of, plan); err != nil {
		return nil, errors.Join(fmt.Errorf("contender %s: %w", c.Name, err), s.stop())
	}
	return s, nil
}

// start starts the program, as often as the case has balancers, and what they hear of each other by.
func (l *Lab) start(ctx context.Context, s *stand, of scenario.Case, plan peers.Plan) (err error) {
	if of.Balancers > 1 && of.Hear > 0 {
		if s.store, err = l.options.Programs[peers.Redis].Start(ctx, peers.Plan{Dir: plan.Dir}); err != nil {
			return err
		}
		plan.Store, plan.Publish = s.store.Addr, restless*of.Hear
	}
	dir := plan.Dir
	for i := range of.Balancers {
		plan.Gateway = fmt.Sprintf("gw-%d", i+1)
		plan.Dir = filepath.Join(dir, plan.Gateway)
		if err := os.Mkdir(plan.Dir, 0o755); err != nil {
			return err
		}
		process, err := l.options.Programs[programOf(s.contender)].Start(ctx, plan)
		if err != nil {
			return err
		}
		s.processes = append(s.processes, process)
	}
	return nil
}

// restless is how many times as often as shared.publish gateways tell and hear by a store while things change.
const restless = 20

// changing makes the changes of the scenario to the engines, each at its time, until the returned function is called.
func (l *Lab) changing(s *stand, start time.Time) (stop func()) {
	var timers []*time.Timer
	for _, change := range l.scenario.Changes {
		i := slices.IndexFunc(l.scenario.Endpoints, func(e scenario.Endpoint) bool { return e.Name == change.Endpoint })
		factor := change.Capacity / l.scenario.Endpoints[i].Capacity
		timers = append(timers, time.AfterFunc(time.Until(start.Add(change.At)), func() {
			if err := s.engines[i].SetSpeed(factor); err != nil {
				panic("BUG: " + err.Error()) // scenario has checked that it is positive
			}
		}))
	}
	return func() {
		for _, t := range timers {
			t.Stop()
		}
	}
}

// unitTokens is how many tokens a unit of work makes in streams: few, since every contender carries each of them at the same time.
const unitTokens = 32

// ended says which of its programs have ended by themselves.
func (s *stand) ended() (err error) {
	for _, p := range s.all() {
		err = errors.Join(err, p.Ended())
	}
	return err
}

// all are its programs, in the order in which they are to end.
func (s *stand) all() []*peers.Process {
	if s.store == nil {
		return s.processes
	}
	return append(slices.Clone(s.processes), s.store)
}

// stop ends the programs, then the engines, and says what failed in them.
func (s *stand) stop() error {
	for _, p := range s.all() {
		p.Stop()
	}
	return s.running.Stop()
}
