// What a program is told to do, in no program's own words.

package peers

import (
	"cmp"
	"fmt"
	"net"
	"os/exec"
	"strings"
	"text/template"
	"time"
)

// Plan is what a contender is to share among which endpoints. What a program has no word for is left out.
type Plan struct {
	Dir       string // for its files; exists, and is the contender's own
	Endpoints []Endpoint
	// Begin starts the command and says how it is scheduled; nil: like this program under PreferSelf, in short slices.
	Begin func(*exec.Cmd) error

	// Stock leaves what is not named here at the program's own defaults. Otherwise limits are beyond what a run meets:
	// a proxy that closes a kept connection after its 1,000th request would be measured opening connections. Nothing is
	// tried twice, and little is logged.
	Stock     bool
	Slots     bool          // no endpoint gets more requests at once than it has slots; the others queue, but at nginx, which refuses them
	Wait      time.Duration // the longest wait for a slot; 0: the default
	Answer    time.Duration // the longest wait for an answer's head; 0: a minute, ten if not Stock; steelyard's default
	AccessLog bool          // a line for each request, to standard error
	Probes    bool          // every 500 ms by GET, two failures take a server out; nginx has none
	Files     int           // it may open no more; nginx and HAProxy are told what fits, steelyard has to find out; 0: enough
	Recovers  bool          // nginx and HAProxy do what they can against faults of servers: try elsewhere, judge by real traffic, and notice clients that leave
	Master    bool          // HAProxy has one, which is what can be told to reload

	// What follows is for nginx and HAProxy only, which share by what is in flight over weight and add no header.
	InTurn    bool // they share by turns in proportion to weight, as they do by default
	Forwarded bool // they add X-Forwarded-For, -Proto and -Host, as steelyard does
	Buffered  bool // they may hold a piece of an answer back to send it with the next

	// What follows is for steelyard only.
	Policy            string        // "": its default
	Scale             float64       // requests/s that a unit of capacity sustains; 0: unknown
	Queue             string        // fifo or shortest_first; "": its default
	ReadAhead         time.Duration // of its queue: what a server may have to read while requests are sent there; 0: any
	Speed             float64       // how many times as fast as the clock the engines' time runs; 0: as fast
	BodyMemory        string        // the bound on held bodies
	CertFile, KeyFile string        // of TLS on both sides; "": none
	Store             string        // host:port of a Redis by which gateways hear of each other; "": it is alone
	Gateway           string        // its name among them
	Publish           time.Duration // the longest time between two of its pages

	Listen, Admin string // host:port; chosen by Start
}

// Endpoint is one server behind a contender.
type Endpoint struct {
	Name     string
	Addr     string  // host:port
	Capacity float64 // what the contender is told; 0: nothing
	Slots    int
	Cache    int // prompt tokens that its cache has room for, for steelyard; 0: it finds out
}

// longest is how many requests may wait where waiting has a bound: more than a run ever has.
const longest = 100_000

// rendered is a Plan as the templates see it.
type rendered struct {
	Plan
	Root bool
}

// Longest is the bound on the queue.
func (rendered) Longest() int { return longest }

// Port is that of Listen.
func (r rendered) Port() (string, error) {
	_, port, err := net.SplitHostPort(r.Listen)
	return port, err
}

// AnswerSeconds are whole, since configurations are read by people too.
func (r rendered) AnswerSeconds() int {
	switch {
	case r.Answer != 0:
		return int(r.Answer.Seconds())
	case r.Stock:
		return 60
	}
	return 600
}

// NginxConnections count both sides and the listener; it opens some ten files more.
func (r rendered) NginxConnections() int {
	switch {
	case r.Files != 0:
		return r.Files - 10
	case r.Stock:
		return 1024
	}
	return 24000
}

// HAProxyConnections are those of clients; 0: the default. It says at its start that it needs two files for each, and 14 more.
func (r rendered) HAProxyConnections() int {
	switch {
	case r.Files != 0:
		return (r.Files - 14) / 2
	case r.Stock:
		return 0
	}
	return 22000
}

// weighted is an endpoint for those who know whole weights only.
type weighted struct {
	Name, Addr    string
	Weight, Slots int
}

// Weighted are the endpoints with weights in proportion to capacity: whole numbers from 1 to 256, which is the most that HAProxy
// takes, as near as they can be.
func (r rendered) Weighted() []weighted {
	list := make([]weighted, len(r.Endpoints))
	for i, weight := range Weights(r.capacities()) {
		e := r.Endpoints[i]
		list[i] = weighted{fmt.Sprintf("e%d", i), e.Addr, weight, e.Slots}
	}
	return list
}

func (r rendered) capacities() []float64 {
	list := make([]float64, len(r.Endpoints))
	for i, e := range r.Endpoints {
		list[i] = cmp.Or(e.Capacity, 1)
	}
	return list
}

func (p Plan) render(t *template.Template, root bool) (string, error) {
	var b strings.Builder
	if err := t.Execute(&b, rendered{p, root}); err != nil {
		return "", fmt.Errorf("write %s configuration: %w", t.Name(), err)
	}
	return b.String(), nil
}
