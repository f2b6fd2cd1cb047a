// What a bench run will measure, by its flags and scenario.

package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/steelyard-proxy/steelyard/balancer/policy"
	"github.com/steelyard-proxy/steelyard/bench/peers"
	"github.com/steelyard-proxy/steelyard/bench/scenario"
	"github.com/steelyard-proxy/steelyard/bench/trace"
	"github.com/steelyard-proxy/steelyard/configs"
)

// check refuses numbers that cannot be meant. given says whether a flag was given, as 0 stands for the scenario's own.
func (s *benchSettings) check(given func(flag string) bool) error {
	switch {
	case given("seeds") && s.seeds < 1:
		return fmt.Errorf("--seeds %d: give 1 trace of each kind of work or more, or leave it out for the scenario's", s.seeds)
	case given("requests") && s.requests < 1:
		return fmt.Errorf("--requests %d: give 1 request of each trace or more, or leave it out for the scenario's", s.requests)
	case given("rate") && !(s.rate > 0 && !math.IsInf(s.rate, 0)):
		return fmt.Errorf("--rate %g: give requests per second, more than 0, or leave it out for the scenario's", s.rate)
	case given("policy") && len(s.policies) == 0:
		return errors.New("--policy: name one policy or more, with commas between, or leave it out for all contenders")
	}
	return nil
}

// scenario is the one named, with what the flags change in it.
func (s *benchSettings) scenario(name string) (*scenario.Scenario, error) {
	known := policy.Names()
	what, err := scenario.Load(name, known, otherBenches...)
	if err != nil {
		return nil, err
	}
	for _, p := range s.policies {
		if err := scenario.CheckPolicy(p, known); err != nil {
			return nil, fmt.Errorf("--policy: %w", err)
		}
	}
	what.Simulated = what.Simulated || s.simulate
	if s.policies != nil {
		what.KeepPolicies(s.policies)
	}
	if s.seeds > 0 {
		what.Seeds = s.seeds
	}
	if s.requests > 0 {
		what.Requests = s.requests
	}
	if s.rate > 0 {
		what.Rate = s.rate
	}
	if s.trace != "" {
		name := strings.TrimSuffix(filepath.Base(s.trace), filepath.Ext(s.trace))
		what.Cases = []scenario.Case{{Name: name, Work: "trace", Trace: s.trace, Balancers: what.Balancers}}
	}
	if err := s.recorded(what); err != nil {
		return nil, err
	}
	return what, what.Carried()
}

// recorded takes the rate and the length of a run from its recorded traces, if it has any.
func (s *benchSettings) recorded(what *scenario.Scenario) error {
	for _, c := range what.Cases {
		if c.Trace == "" {
			continue
		}
		if s.rate > 0 {
			return fmt.Errorf("--rate %g: case %s is a recorded trace, which has its own", s.rate, c.Name)
		}
		t, err := trace.Read(c.Trace)
		if err != nil {
			if s.trace != "" {
				return fmt.Errorf("--trace: %w", err)
			}
			return fmt.Errorf("case %s: %w", c.Name, err)
		}
		what.Rate, what.Sweep = t.Rate()*t.MeanWork(), nil // in units of work, as capacities are
		if s.requests == 0 {
			what.Requests = len(t.Requests)
		}
		if err := what.Carried(); err != nil {
			return err
		}
	}
	return nil
}

// programs finds steelyard and the peers that take part. notes say which peers do not, and why.
func (s *benchSettings) programs(ctx context.Context, what *scenario.Scenario) (found map[string]peers.Program, notes []string, err error) {
	wanted, must, err := s.wantedPeers()
	switch {
	case err != nil:
		return nil, nil, err
	case must && s.simulate:
		return nil, nil, fmt.Errorf("--peers %s: peers cannot be simulated: leave out --simulate to measure them, or --peers", s.peers)
	case must && what.Several() && !what.Simulated:
		return nil, nil, fmt.Errorf("--peers %s: scenario %s has several gateways, of which peers know nothing: leave out --peers", s.peers, what.Name)
	case must && what.Simulated:
		return nil, nil, fmt.Errorf("--peers %s: scenario %s is simulated, and peers cannot be: leave out --peers", s.peers, what.Name)
	case what.Simulated:
		return nil, nil, nil
	}
	if what.Several() {
		wanted = nil
	}
	found = map[string]peers.Program{}
	if what.Hears() {
		if found[peers.Redis], err = peers.Find(ctx, peers.Redis); err != nil {
			return nil, nil, fmt.Errorf("gateways hear of each other by Redis: %w (or give --simulate)", err)
		}
	}
	for _, name := range wanted {
		program, err := peers.Find(ctx, name)
		switch {
		case err == nil:
			found[name] = program
		case errors.Is(err, peers.ErrMissing) && !must:
			notes = append(notes, fmt.Sprintf("%s is not installed and takes no part; to have it beside: apt-get install %s", name, name))
		case errors.Is(err, peers.ErrMissing):
			return nil, nil, fmt.Errorf("%w (or leave it out with --peers none)", err)
		default:
			return nil, nil, err
		}
	}
	if must {
		what.AddPeers(wanted)
	}
	self, err := os.Executable()
	if err != nil {
		return nil, nil, fmt.Errorf("find this program: %w", err)
	}
	found[peers.Steelyard], err = peers.Ours(ctx, self)
	return found, notes, err
}

// wantedPeers reads --peers; must says that they were named and may not be missing.
func (s *benchSettings) wantedPeers() (wanted []string, must bool, err error) {
	switch s.peers {
	case "auto":
		return peers.Installable, false, nil
	case "none", "":
		return nil, false, nil
	}
	for _, name := range strings.Split(s.peers, ",") {
		name = strings.TrimSpace(name)
		if !slices.Contains(peers.Installable, name) {
			return nil, false, fmt.Errorf("--peers: there is no peer %q: %s", name, configs.Suggest(name, append([]string{"auto", "none"}, peers.Installable...)))
		}
		wanted = append(wanted, name)
	}
	return wanted, true, nil
}
