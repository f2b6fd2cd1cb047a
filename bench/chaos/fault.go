// What a fault is, and the list of them.

package chaos

import (
	"context"
	"time"

	"github.com/steelyard-proxy/steelyard/bench/backend"
	"github.com/steelyard-proxy/steelyard/bench/peers"
	"github.com/steelyard-proxy/steelyard/bench/report"
)

// fault is what is done, and what must hold.
type fault struct {
	name  string
	what  string
	goal  string
	times Times

	servers shape
	load    func(part, float64) float64 // requests per second in a part, of those asked for; nil: as asked for
	plan    func(*peers.Plan)           // what the programs are told beyond the addresses; nil: nothing
	process bool                        // the faulty server is a process
	streams int                         // open beside the load from before the fault until after it

	notAsked func(Contender) string                 // why a contender cannot be asked; nil or "": it can
	during   func(context.Context, *stand) error    // breaks and mends; it is called when the fault begins and has until its end
	judge    func(*evidence) []report.Check         // holds what was seen to the goals
	atRest   func(*stand, *evidence) []report.Check // what is looked at when all is over; nil: nothing
}

// faults in the order in which they are run.
func faults() []*fault {
	return []*fault{
		&killed, &hung, &failsFast, &slower, &resetMidStream, &outage, &outageReset, &flapping, &changes, &leaving, &overload,
	}
}

// victim is the server that a fault is switched on at.
const victim = 0

// count of the servers.
const count = 6

// shape is what the six servers of a trial are like: each works on so many requests at once, and on a unit of work for so long.
type shape struct {
	slots  int
	unit   time.Duration
	tokens int     // events of a stream for each unit
	work   float64 // units of each request of the load
}

// usual is two slots of 20 ms: 100 requests/s each, and 600 together.
var usual = shape{slots: 2, unit: 20 * time.Millisecond, tokens: 8, work: 1}

// roomy servers carry hundreds of long streams beside the load, which is of 20 ms each as well.
var roomy = shape{slots: 64, unit: 100 * time.Millisecond, tokens: 1, work: 0.2}

func (s shape) capacity() float64 { return float64(s.slots) / s.unit.Seconds() }

// part is one of the three of a trial.
type part int

const (
	before part = iota
	during
	after
)

// held makes the faulty server ill for as long as the fault lasts.
func held(kind backend.Fault) func(context.Context, *stand) error {
	return func(ctx context.Context, s *stand) error {
		if err := s.servers[victim].suffer(kind); err != nil {
			return err
		}
		<-s.over
		return s.servers[victim].suffer(backend.None)
	}
}

// everywhere does so with all servers.
func everywhere(kind backend.Fault) func(context.Context, *stand) error {
	return func(ctx context.Context, s *stand) error {
		for _, server := range s.servers {
			if err := server.suffer(kind); err != nil {
				return err
			}
		}
		<-s.over
		for _, server := range s.servers {
			if err := server.suffer(backend.None); err != nil {
				return err
			}
		}
		return nil
	}
}
