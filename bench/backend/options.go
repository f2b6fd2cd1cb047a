// The options of a simulated server, and their defaults.

package backend

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"

	"github.com/steelyard-proxy/steelyard/bench/engine"
)

// DefaultModel is the model a server serves unless told otherwise.
const DefaultModel = "steelyard-demo"

// Options describe one simulated server. A field left zero takes the default
// named beside it.
type Options struct {
	Name    string // who answers: header X-Served-By and system_fingerprint; default "backend"
	Model   string // the one model served; default DefaultModel
	Address string // host:port to listen on; default 127.0.0.1:0, a free port of loopback

	// Engine is the law it serves by; default a capacity of 100 and 8 slots. One of a Kind goes by tokens: max_tokens is
	// how long the answer becomes, and the prompt is read as prompt.go says.
	Engine engine.Options

	// Speed is how many times as fast as its law says it is from the start, as by SetSpeed; default 1. It makes an hour of a
	// trace last minutes.
	Speed float64

	// UnitTokens is how many generated tokens make one unit of work; default 32.
	// Servers compared with each other need the same value, or the same request
	// is more work on one of them.
	UnitTokens int

	Work Work   // the work of a request that does not say how much it wants; default Fixed
	Seed uint64 // of the draws that Work makes

	// Visited hears of each inference request when it arrives, and the function that it returns how the request ended. Both
	// are called from the goroutine of the request. nil: nobody listens.
	Visited func(*http.Request) (ended func(Ending)) `json:"-"`
}

// Ending is how a request ended, under the names that Counts has.
type Ending string

const (
	Completed Ending = "completed"
	Aborted   Ending = "aborted"
	Failed    Ending = "failed"
)

// Work says how much work a request is that names neither max_tokens nor the
// WorkHeader.
type Work uint8

const (
	Fixed       Work = iota // one unit each
	Exponential             // exponential with mean one unit, drawn from Options.Seed
)

func (o Options) withDefaults() Options {
	if o.Name == "" {
		o.Name = "backend"
	}
	if o.Model == "" {
		o.Model = DefaultModel
	}
	if o.Address == "" {
		o.Address = "127.0.0.1:0"
	}
	if o.Engine.Kind == "" {
		o.Engine.Slots = cmp.Or(o.Engine.Slots, 8)
		o.Engine.Capacity = cmp.Or(o.Engine.Capacity, 100)
	}
	o.Speed = cmp.Or(o.Speed, 1)
	o.UnitTokens = cmp.Or(o.UnitTokens, 32)
	if o.Visited == nil {
		o.Visited = func(*http.Request) func(Ending) { return func(Ending) {} }
	}
	return o
}

// check refuses what would make the arithmetic of service times meaningless.
func (o Options) check() error {
	problems := []error{o.Engine.Check()}
	if err := checkSpeed(o.Speed); err != nil {
		problems = append(problems, err)
	}
	if o.UnitTokens < 0 {
		problems = append(problems, fmt.Errorf("unit tokens %d: must be at least 1", o.UnitTokens))
	}
	if o.Work > Exponential {
		problems = append(problems, fmt.Errorf("work %d: must be Fixed or Exponential", o.Work))
	}
	if err := errors.Join(problems...); err != nil {
		return fmt.Errorf("simulated server %q: %w", o.Name, err)
	}
	return nil
}
