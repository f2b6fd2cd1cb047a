// Defaults of a scenario, and what cannot be meant.

package scenario

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/steelyard-proxy/steelyard/bench/engine"
	"github.com/steelyard-proxy/steelyard/bench/trace"
	"github.com/steelyard-proxy/steelyard/configs"
)

// recorded is the work of a trace that was not generated.
const recorded = "trace"

var (
	works        = []string{"exponential", "heavy", "constant", "llm", recorded}
	orders       = []string{"fifo", "shortest_first"}
	peerSettings = []string{NginxLeastConn, HAProxyLeastConn, HAProxyMaxconn}
)

var peerNames = map[string]string{
	NginxLeastConn: "nginx least_conn", HAProxyLeastConn: "HAProxy leastconn", HAProxyMaxconn: "HAProxy maxconn queue",
}

func (s *Scenario) withDefaults() {
	if s.Seeds == 0 {
		s.Seeds = 1
	}
	if s.Balancers == 0 {
		s.Balancers = 1
	}
	if s.Arrivals == "" {
		s.Arrivals = trace.Poisson
	}
	s.Simulated = s.Simulated || s.Sizes != nil
	for i := range s.Endpoints {
		e := &s.Endpoints[i]
		if e.Told == 0 {
			e.Told = e.Capacity
		}
		if e.Slots == 0 {
			e.Slots = 1
		}
		if e.Discipline == "" {
			e.Discipline = engine.FirstCome
		}
	}
	for i := range s.Cases {
		c := &s.Cases[i]
		if c.Balancers == 0 {
			c.Balancers = s.Balancers
		}
		if c.Name == "" {
			if c.Name = c.Work; c.Work != recorded {
				c.Name += " work"
			}
		}
	}
	for i := range s.Contenders {
		s.Contenders[i].withDefaults()
	}
}

func (c *Contender) withDefaults() {
	if c.Name != "" {
		return
	}
	if c.Peer != "" {
		c.Name = peerNames[c.Peer]
		return
	}
	c.Name = c.Policy
	if c.Queue != "" {
		c.Name += " + " + c.Queue
	}
}

// check finds the first thing that cannot be meant.
func (s *Scenario) check(policies []string) error {
	if s.Title == "" {
		return fmt.Errorf("title is missing: say in one line what it shows")
	}
	for i, c := range s.Contenders {
		if err := c.check(s, policies); err != nil {
			return fmt.Errorf("contenders[%d]: %w", i, err)
		}
		if slices.ContainsFunc(s.Contenders[:i], func(o Contender) bool { return o.Name == c.Name }) {
			return fmt.Errorf("contenders[%d]: a second one is called %q: give it a name of its own", i, c.Name)
		}
	}
	if len(s.Contenders) == 0 {
		return fmt.Errorf("contenders is empty: name at least one policy")
	}
	if s.Sizes != nil {
		return s.checkSizes()
	}
	return s.checkLoad()
}

func (s *Scenario) checkSizes() error {
	for i, n := range s.Sizes {
		if n < 1 || n > 100_000 {
			return fmt.Errorf("sizes[%d]: %d endpoints: must be 1 to 100000", i, n)
		}
	}
	return nil
}

func (s *Scenario) checkLoad() error {
	if len(s.Endpoints) == 0 {
		return fmt.Errorf("endpoints is empty: give at least one, with its capacity")
	}
	for i, e := range s.Endpoints {
		if err := e.check(); err != nil {
			return fmt.Errorf("endpoints[%d]: %w", i, err)
		}
		if slices.ContainsFunc(s.Endpoints[:i], func(o Endpoint) bool { return o.Name == e.Name }) {
			return fmt.Errorf("endpoints[%d]: a second one is called %q: give it a name of its own", i, e.Name)
		}
	}
	if err := s.Traced(Case{}, 0).Check(); err != nil {
		return first(err)
	}
	if s.Seeds < 0 || s.Balancers < 0 {
		return fmt.Errorf("seeds is %d and balancers %d: each must be at least 1", s.Seeds, s.Balancers)
	}
	if len(s.Cases) == 0 {
		return fmt.Errorf("cases is empty: give at least one, with its work")
	}
	for i, c := range s.Cases {
		if err := c.check(s); err != nil {
			return fmt.Errorf("cases[%d]: %w", i, err)
		}
		if slices.ContainsFunc(s.Cases[:i], func(o Case) bool { return o.Name == c.Name }) {
			return fmt.Errorf("cases[%d]: a second one is called %q: give it a name of its own", i, c.Name)
		}
	}
	for i, load := range s.Sweep {
		if !(load > 0 && load < 1) {
			return fmt.Errorf("sweep[%d]: a load of %g: must lie between 0 and 1", i, load)
		}
	}
	return s.checkChanges()
}

func (s *Scenario) checkChanges() error {
	for i, c := range s.Changes {
		var names []string
		for _, e := range s.Endpoints {
			names = append(names, e.Name)
		}
		if err := oneOf("endpoint", c.Endpoint, names); err != nil {
			return fmt.Errorf("changes[%d]: %w", i, err)
		}
		if !positive(c.Capacity) || c.At < 0 {
			return fmt.Errorf("changes[%d]: capacity %g at %v: the one must be > 0 and the other not negative", i, c.Capacity, c.At)
		}
	}
	return nil
}

func (e Endpoint) check() error {
	if e.Name == "" {
		return fmt.Errorf("name is missing")
	}
	if err := e.Check(); err != nil {
		return fmt.Errorf("%s: %w", e.Name, first(err))
	}
	if !positive(e.Told) {
		return fmt.Errorf("%s: told %g: must be > 0", e.Name, e.Told)
	}
	return nil
}

func (c Case) check(s *Scenario) error {
	switch {
	case (c.Work == recorded) != (c.Trace != ""):
		return fmt.Errorf("work is %q and trace %q: a recorded trace needs work: trace and the file in trace", c.Work, c.Trace)
	case c.Hear < 0:
		return fmt.Errorf("hear is %s: must be 0 or more", c.Hear)
	case c.Balancers < 0:
		return fmt.Errorf("balancers is %d: must be at least 1", c.Balancers)
	case c.Target < 0:
		return fmt.Errorf("target is %g: must be a ratio > 0", c.Target)
	}
	if err := oneOf("work", c.Work, works); err != nil || c.Work == recorded {
		return err
	}
	return first(s.Traced(c, 0).Check())
}

func (c Contender) check(s *Scenario, policies []string) error {
	switch {
	case c.Peer != "" && (c.Policy != "" || c.Queue != ""):
		return fmt.Errorf("%s names a peer: policy and queue are for ours", c.Name)
	case c.Peer != "" && s.Several():
		return fmt.Errorf("%s cannot take part where a case has several balancers: leave it out", c.Name)
	case c.Peer != "" && (s.Simulated || c.Simulated):
		return fmt.Errorf("%s cannot be simulated: only measured scenarios have peers", c.Name)
	case c.Told != nil && len(c.Told) != len(s.Endpoints):
		return fmt.Errorf("%s is told %d capacities and there are %d endpoints", c.Name, len(c.Told), len(s.Endpoints))
	case slices.ContainsFunc(c.Told, func(told float64) bool { return !positive(told) }):
		return fmt.Errorf("%s is told %v: capacities must be > 0", c.Name, c.Told)
	case c.Peer != "":
		return oneOf("peer", c.Peer, peerSettings)
	}
	if c.Queue != "" {
		if err := oneOf("queue", c.Queue, orders); err != nil {
			return err
		}
	}
	return CheckPolicy(c.Policy, policies)
}

// CheckPolicy is nil for a known policy.
func CheckPolicy(name string, policies []string) error {
	if name == "" {
		return fmt.Errorf("policy is missing: choose among %s", strings.Join(policies, ", "))
	}
	return oneOf("policy", name, policies)
}

func oneOf(key, value string, known []string) error {
	if slices.Contains(known, value) {
		return nil
	}
	return fmt.Errorf("there is no %s %q: %s", key, value, configs.Suggest(value, known))
}

// first is the first of several problems.
func first(err error) error {
	if all, ok := err.(interface{ Unwrap() []error }); ok {
		return all.Unwrap()[0]
	}
	return err
}

func positive(x float64) bool { return x > 0 && !math.IsInf(x, 1) }
