// A contender with the engines behind it.

package lab

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/steelyard-proxy/steelyard/bench/backend"
	"github.com/steelyard-proxy/steelyard/bench/peers"
	"github.com/steelyard-proxy/steelyard/bench/scenario"
)

// stand is one contender with the engines behind it.
type stand struct {
	contender scenario.Contender
	process   *peers.Process
	engines   []*backend.Server
	names     map[string]int // of the engines
	running   *backend.Group // the engines
}

// stand starts the engines and the program of a contender.
func (l *Lab) stand(ctx context.Context, c scenario.Contender, dir string) (*stand, error) {
	s := &stand{contender: c, names: map[string]int{}, running: backend.NewGroup(ctx)}
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
	var err error
	if s.process, err = l.options.Programs[programOf(c)].Start(ctx, plan); err != nil {
		return nil, errors.Join(fmt.Errorf("contender %s: %w", c.Name, err), s.stop())
	}
	return s, nil
}

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

// stop ends the program, then its engines, and says what failed in them.
func (s *stand) stop() error {
	if s.process != nil {
		s.process.Stop()
	}
	return s.running.Stop()
}
