// A contender before engines of its own.

package live

import (
	"context"
	"errors"
	"fmt"

	"github.com/steelyard-proxy/steelyard/bench/backend"
	"github.com/steelyard-proxy/steelyard/bench/engine"
	"github.com/steelyard-proxy/steelyard/bench/peers"
)

// stand is one contender with the engines behind it.
type stand struct {
	process *peers.Process
	engines []*backend.Server
	running *backend.Group // the engines
}

// start starts the engines of an offer, and the program of a contender before them. Files are in dir, its own.
func start(ctx context.Context, c contender, program peers.Program, f offer, dir string) (*stand, error) {
	s := &stand{running: backend.NewGroup(ctx)}
	plan := peers.Plan{Dir: dir, Slots: c.slots > 0, Policy: c.policy, Scale: 1, Speed: f.speed}
	if plan.Slots {
		plan.Wait = longestWait
	}
	if c.queue {
		plan.Queue, plan.ReadAhead, plan.Wait = "shortest_first", scaledTime(readAhead, f.speed), scaledTime(queueWait, f.speed)
	}
	limits, told := c.limits(f.capacities), scaled(f.capacities, f.speed)
	for i, kind := range f.Engines {
		name := fmt.Sprintf("%s-%d", kind, i)
		server, err := backend.New(backend.Options{Name: name, Engine: engine.Options{Kind: kind}})
		if err == nil {
			err = server.SetSpeed(f.speed)
		}
		if err != nil {
			return nil, errors.Join(err, s.stop())
		}
		s.running.Run(server)
		s.engines = append(s.engines, server)
		plan.Endpoints = append(plan.Endpoints, peers.Endpoint{Name: name, Addr: server.Addr(), Capacity: told[i], Slots: limits[i],
			Cache: engine.New(engine.Options{Kind: kind}).State().TotalTokens})
	}
	var err error
	if s.process, err = program.Start(ctx, plan); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", c.name, err), s.stop())
	}
	return s, nil
}

// stop ends the program, then its engines, and says what failed in them.
func (s *stand) stop() error {
	if s.process != nil {
		s.process.Stop()
	}
	return s.running.Stop()
}
