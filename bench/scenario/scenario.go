// A scenario: endpoints, load and contenders.

package scenario

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/steelyard-proxy/steelyard/bench/engine"
	"github.com/steelyard-proxy/steelyard/bench/trace"
)

// Scenario is one run of the bench: the same traces offered to several contenders.
type Scenario struct {
	Name  string `yaml:"-"`     // the file's, without .yaml
	Title string `yaml:"title"` // one line
	About string `yaml:"about"` // what it shows, and what to look at

	Endpoints []Endpoint     `yaml:"endpoints"`
	Rate      float64        `yaml:"rate"`     // T: arrivals per second, in the mean
	Requests  int            `yaml:"requests"` // of each trace
	Seeds     int            `yaml:"seeds"`    // traces of each case; figures are medians over them; default 1
	Arrivals  trace.Arrivals `yaml:"arrivals"` // poisson (default) or bursts

	Cases      []Case      `yaml:"cases"`
	Contenders []Contender `yaml:"contenders"`
	Changes    []Change    `yaml:"changes"`

	// Simulated leaves out sockets: everything happens in virtual time.
	Simulated bool `yaml:"simulated"`
	// Balancers is how many share the endpoints in each case that does not say it; default 1.
	Balancers int `yaml:"balancers"`
	// Sweep is the loads, T / ΣC, at which the contenders of ours are simulated for the plot over load; none: no plot.
	Sweep []float64 `yaml:"sweep"`
	// Sizes makes it a scenario of fleets instead: for each size, the cost of a pick and the error of the shares.
	Sizes []int `yaml:"sizes"`
	// Published compares the formulas as they are given in the literature of the worked example.
	Published bool `yaml:"published"`
}

// Endpoint is one simulated inference server.
type Endpoint struct {
	Name string  `yaml:"name"`
	Told float64 `yaml:"told"` // the capacity that balancers are told; default Capacity

	engine.Options `yaml:",inline"`
}

// Case is one kind of work.
type Case struct {
	Name  string      `yaml:"name"`  // a heading; default: the work's
	Work  string      `yaml:"work"`  // exponential, heavy, constant, llm, or trace
	Trace string      `yaml:"trace"` // CSV file of a recorded trace, for work trace; relative to the scenario's file
	Hints trace.Hints `yaml:"hints"`
	// Balancers is how many share the endpoints, each of which gets its part of the requests; default the scenario's. Measured
	// they are so many gateways.
	Balancers int `yaml:"balancers"`
	// Hear is how old what each of them hears of the others is in the mean; 0: it hears nothing.
	Hear time.Duration `yaml:"hear"`
	// Simulated keeps it out of the measured part.
	Simulated bool `yaml:"simulated"`
	// Target is the most that our best contender's mean may be of the best peer's; 0: none is set.
	Target float64 `yaml:"target"`
}

// Contender is one way to share the requests: a policy of ours, or a peer.
type Contender struct {
	Name string `yaml:"name"` // default: made of what follows
	Peer string `yaml:"peer"` // nginx_least_conn, haproxy_leastconn or haproxy_maxconn; or Policy

	Policy string `yaml:"policy"`
	// Queue is fifo or shortest_first: the balancer is told the slots, and a request that finds all taken waits there
	// until one is free. Without it requests wait at the endpoints.
	Queue string `yaml:"queue"`

	// Told are the capacities that this contender is told, one for each endpoint, instead of the endpoints' own.
	Told []float64 `yaml:"told"`
	// Unstable says that its shares overload an endpoint, which is what it is there to show.
	Unstable bool `yaml:"unstable"`
	// Simulated keeps it out of the measured part.
	Simulated bool `yaml:"simulated"`
}

// The peers a Contender may be: each program with one way of its own to share requests.
const (
	NginxLeastConn   = "nginx_least_conn"  // least requests in flight over weight
	HAProxyLeastConn = "haproxy_leastconn" // the same
	HAProxyMaxconn   = "haproxy_maxconn"   // and no more at an endpoint than it has slots: the others queue
)

// Change is an endpoint's true capacity from an instant on. Balancers are not told.
type Change struct {
	At       time.Duration `yaml:"at"`
	Endpoint string        `yaml:"endpoint"`
	Capacity float64       `yaml:"capacity"`
}

// Several says whether there are cases of more than one balancer. Peers take no part in them.
func (s *Scenario) Several() bool {
	return slices.ContainsFunc(s.Cases, func(c Case) bool { return c.Balancers > 1 })
}

// Hears says whether measured gateways hear of each other, for which they need a store.
func (s *Scenario) Hears() bool {
	return !s.Simulated && slices.ContainsFunc(s.Cases, func(c Case) bool { return c.Balancers > 1 && c.Hear > 0 && !c.Simulated })
}

// AddPeers adds those contenders that the programs named ("nginx", "haproxy") can be, where the scenario names no peer.
func (s *Scenario) AddPeers(programs []string) {
	if s.Simulated || s.Several() || slices.ContainsFunc(s.Contenders, func(c Contender) bool { return c.Peer != "" }) {
		return
	}
	var added []Contender
	for _, peer := range peerSettings {
		program, _, _ := strings.Cut(peer, "_")
		if slices.Contains(programs, program) {
			added = append(added, Contender{Peer: peer, Name: peerNames[peer]})
		}
	}
	s.Contenders = append(added, s.Contenders...)
}

// KeepPolicies leaves only the peers and the contenders of the policies named; a policy that none has is added without a queue.
func (s *Scenario) KeepPolicies(policies []string) {
	s.Contenders = slices.DeleteFunc(s.Contenders, func(c Contender) bool { return c.Peer == "" && !slices.Contains(policies, c.Policy) })
	for _, policy := range policies {
		if !slices.ContainsFunc(s.Contenders, func(c Contender) bool { return c.Policy == policy }) {
			s.Contenders = append(s.Contenders, Contender{Policy: policy, Name: policy})
		}
	}
}

// Capacity is ΣC.
func (s *Scenario) Capacity() (sum float64) {
	for _, e := range s.Endpoints {
		sum += e.Capacity
	}
	return sum
}

// Told are the capacities that a contender is told.
func (s *Scenario) Told(c Contender) []float64 {
	if c.Told != nil {
		return c.Told
	}
	told := make([]float64, len(s.Endpoints))
	for i, e := range s.Endpoints {
		told[i] = e.Told
	}
	return told
}

// Traced describes the traces of a case that is not recorded.
func (s *Scenario) Traced(c Case, seed uint64) trace.Options {
	return trace.Options{Seed: seed, Requests: s.Requests, Rate: s.Rate, Arrivals: s.Arrivals, Work: trace.Work(c.Work), Hints: c.Hints}
}

// Lasts is how long one trace takes at its rate.
func (s *Scenario) Lasts() time.Duration {
	return time.Duration(float64(s.Requests) / s.Rate * float64(time.Second))
}

// OverloadError says that endpoints cannot carry what they are to be given.
type OverloadError struct{ text string }

func (e *OverloadError) Error() string { return e.text }

// Carried returns an OverloadError if the load is more than the endpoints can carry, as a whole or by the fixed shares of a
// contender that is not marked as unstable: its requests would wait without end, and a figure would only
// tell how long the run was.
func (s *Scenario) Carried() error {
	if s.Sizes != nil {
		return nil
	}
	if sum := s.Capacity(); s.Rate >= sum {
		how := "more than the endpoints can carry"
		if figures(s.Rate) == figures(sum) {
			how = "all that the endpoints can carry"
		}
		return &OverloadError{fmt.Sprintf("a load of T = %s requests/s is %s, ΣC = %s: "+
			"the queue would grow without bound: lower rate below %s", figures(s.Rate), how, figures(sum), figures(sum))}
	}
	for _, c := range s.Contenders {
		shares := s.fixedShares(c)
		for i, share := range shares {
			e := s.Endpoints[i]
			if got := share * s.Rate; got >= e.Capacity && !c.Unstable {
				return &OverloadError{fmt.Sprintf("contender %s gives endpoint %s %s requests/s and it carries %s: "+
					"its queue would grow without bound: lower rate, or set unstable: true to show just that", c.Name, e.Name, figures(got), figures(e.Capacity))}
			}
		}
	}
	return nil
}

// figures are a number to four places that count, without an exponent.
func figures(v float64) string {
	if v >= 1000 {
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.4g", v)
}

// Unreached are the changes that come after the end of a trace at its rate.
func (s *Scenario) Unreached() (list []Change) {
	for _, c := range s.Changes {
		if c.At >= s.Lasts() {
			list = append(list, c)
		}
	}
	return list
}

// fixedShares are the shares of a policy that looks at nothing else, nil for others.
func (s *Scenario) fixedShares(c Contender) []float64 {
	shares := make([]float64, len(s.Endpoints))
	switch {
	case c.Queue != "" || c.Peer != "":
		return nil
	case c.Policy == "round_robin":
		for i := range shares {
			shares[i] = 1 / float64(len(shares))
		}
	case c.Policy == "capacity" || c.Policy == "random":
		sum := 0.0
		for i, told := range s.Told(c) {
			shares[i] = told
			sum += told
		}
		for i := range shares {
			shares[i] /= sum
		}
	default:
		return nil
	}
	return shares
}
