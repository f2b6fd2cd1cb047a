// One contender before its servers, for one trial.

package chaos

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/steelyard-proxy/steelyard/bench/alarm"
	"github.com/steelyard-proxy/steelyard/bench/backend"
	"github.com/steelyard-proxy/steelyard/bench/load"
	"github.com/steelyard-proxy/steelyard/bench/peers"
)

// stand is one contender before six servers of its own, and the load that it gets.
type stand struct {
	options   Options
	fault     *fault
	contender Contender
	times     Times
	dir       string

	servers []*server
	process *peers.Process
	visits  visits
	watch   watch
	leavers leavers
	streams streams
	upgrade upgrades

	start time.Time     // of the clock of the trial
	over  chan struct{} // closed when the fault is to end
	end   context.CancelFunc
	ended sync.WaitGroup // the servers
	mu    sync.Mutex
	wrong error // what failed in the servers, under mu
}

// newStand starts the servers and the program.
func newStand(ctx context.Context, o Options, f *fault, c Contender, below string) (*stand, error) {
	dir, err := os.MkdirTemp(below, "stand-")
	if err != nil {
		return nil, fmt.Errorf("make temporary folder: %w", err)
	}
	s := &stand{options: o, fault: f, contender: c, times: o.times(f), dir: dir, over: make(chan struct{})}
	inner, end := context.WithCancel(context.WithoutCancel(ctx)) // they end by stop, after the program before them
	s.end = end
	plan := peers.Plan{Dir: dir, Stock: true, InTurn: true, Recovers: true, Policy: c.Policy}
	for i := range count {
		server, err := s.newServer(ctx, inner, i)
		if err != nil {
			return nil, errors.Join(err, s.stop())
		}
		s.servers = append(s.servers, server)
		plan.Endpoints = append(plan.Endpoints, peers.Endpoint{Name: server.name, Addr: server.addr, Slots: f.servers.slots})
	}
	if f.plan != nil {
		f.plan(&plan)
	}
	if s.process, err = c.Program.Start(ctx, plan); err != nil {
		return nil, errors.Join(err, s.stop())
	}
	return s, nil
}

func (s *stand) newServer(ctx, inner context.Context, i int) (*server, error) {
	name := "server-" + strconv.Itoa(i)
	if i == victim && s.fault.process {
		addr, err := freeAddress()
		if err != nil {
			return nil, err
		}
		server := &server{name: name, addr: addr, command: append(s.options.Server[:len(s.options.Server):len(s.options.Server)], s.fault.servers.flags(name, addr)...)}
		return server, server.start(ctx)
	}
	o := s.fault.servers.options(name, "")
	o.Visited = s.visits.at(i)
	inside, err := backend.New(o)
	if err != nil {
		return nil, err
	}
	s.ended.Go(func() {
		if err := inside.Run(inner); err != nil {
			s.mu.Lock()
			s.wrong = errors.Join(s.wrong, err)
			s.mu.Unlock()
		}
	})
	return &server{name: name, addr: inside.Addr(), inside: inside}, nil
}

// run goes through the trial.
func (s *stand) run(ctx context.Context) (*evidence, error) {
	ctx, cancel := context.WithTimeout(ctx, s.times.whole()+time.Minute)
	defer cancel()
	requests, err := s.requests()
	if err != nil {
		return nil, err
	}
	if err := s.streams.open(ctx, s); err != nil {
		return nil, err
	}
	s.start = time.Now().Add(50 * time.Millisecond)
	e := &evidence{stand: s, requests: requests, samples: make([]load.Sample, len(requests))}
	e.first = s.scrape(ctx)
	var beside sync.WaitGroup
	watching, unwatch := context.WithCancel(ctx)
	beside.Go(func() { s.watch.run(watching, s) })
	var driven error
	beside.Go(func() { driven = s.drive(ctx) })
	sent := load.Send(ctx, slices.Values(requests), load.Options{URL: "http://" + s.process.Addr, Numbered: true, Start: s.start, MaxInFlight: mostInFlight},
		func(n int, sample load.Sample) { e.samples[n] = sample })
	s.streams.wait()
	unwatch()
	beside.Wait()
	if err := errors.Join(sent, driven); err != nil {
		return nil, err
	}
	e.visits = s.visits.taken()
	e.looks = s.watch.looks
	e.rest(ctx)
	return e, nil
}

// mostInFlight is beyond what an overload leaves waiting.
const mostInFlight = 8192

// drive begins and ends the fault.
func (s *stand) drive(ctx context.Context) error {
	if err := alarm.Pause(ctx, time.Until(s.start.Add(s.times.Before))); err != nil {
		return err
	}
	defer time.AfterFunc(s.times.During, func() { close(s.over) }).Stop()
	if s.fault.during == nil {
		return nil
	}
	return s.fault.during(ctx, s)
}

// on and off are when the fault begins and ends, from the start.
func (s *stand) on() time.Duration  { return s.times.Before }
func (s *stand) off() time.Duration { return s.times.Before + s.times.During }

// stop ends the program, then its servers, and says what failed in them.
func (s *stand) stop() error {
	if s.process != nil {
		s.process.Stop()
	}
	for _, server := range s.servers {
		if server != nil {
			server.kill()
		}
	}
	s.end()
	s.ended.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.wrong
}

// reload writes a configuration for so many of the servers, and tells the program.
func (s *stand) rewrite(servers int, remark string) error {
	plan := s.process.Plan
	plan.Endpoints = plan.Endpoints[:servers]
	text, err := s.contender.Program.Config(plan)
	if err != nil {
		return err
	}
	text += "# " + remark + "\n"
	next := filepath.Join(s.dir, "next")
	if err := os.WriteFile(next, []byte(text), 0o600); err != nil {
		return fmt.Errorf("write configuration: %w", err)
	}
	return os.Rename(next, s.process.File)
}

// ours says that the program is steelyard, which can be asked.
func (s *stand) ours() bool { return strings.HasPrefix(s.contender.Program.Name, peers.Steelyard) }
