package backend

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// DefaultModel is the model a server serves unless told otherwise.
const DefaultModel = "steelyard-demo"

// Options describe one simulated server. A field left zero takes the default
// named beside it.
type Options struct {
	Name     string  // who answers: header X-Served-By and system_fingerprint; default "backend"
	Model    string  // the one model served; default DefaultModel
	Address  string  // host:port to listen on; default 127.0.0.1:0, a free port of loopback
	Capacity float64 // units of work per second when every slot is busy, > 0; default 100
	Slots    int     // requests served at once, > 0; default 8

	// UnitTokens is how many generated tokens make one unit of work; default 32.
	// Servers compared with each other need the same value, or the same request
	// is more work on one of them.
	UnitTokens int

	// FirstToken is the time spent on the prompt, out of the service time of
	// each request: a request of w units takes FirstToken + w × (Slots/Capacity −
	// FirstToken), which is Slots/Capacity in the mean when work is one unit in
	// the mean. It must lie in [0, Slots/Capacity); default 0.
	FirstToken time.Duration

	Work Work   // the work of a request that does not say how much it wants; default Fixed
	Seed uint64 // of the draws that Work makes
}

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
	if o.Capacity == 0 {
		o.Capacity = 100
	}
	if o.Slots == 0 {
		o.Slots = 8
	}
	if o.UnitTokens == 0 {
		o.UnitTokens = 32
	}
	return o
}

// check refuses what would make the arithmetic of service times meaningless.
func (o Options) check() error {
	var problems []error
	if !(o.Capacity > 0) || math.IsInf(o.Capacity, 1) {
		problems = append(problems, fmt.Errorf("capacity %v: must be a positive number of units per second", o.Capacity))
	}
	if o.Slots < 0 {
		problems = append(problems, fmt.Errorf("slots %d: must be at least 1", o.Slots))
	}
	if o.UnitTokens < 0 {
		problems = append(problems, fmt.Errorf("unit tokens %d: must be at least 1", o.UnitTokens))
	}
	if o.Work > Exponential {
		problems = append(problems, fmt.Errorf("work %d: must be Fixed or Exponential", o.Work))
	}
	if problems == nil && (o.FirstToken < 0 || o.FirstToken >= o.unitService()) {
		problems = append(problems, fmt.Errorf("first token %v: must lie between 0 and the %v (slots/capacity) that one unit takes",
			o.FirstToken, o.unitService()))
	}
	if problems != nil {
		return fmt.Errorf("simulated server %q: %w", o.Name, errors.Join(problems...))
	}
	return nil
}

// unitService is how long one unit of work holds a slot.
func (o Options) unitService() time.Duration {
	return time.Duration(float64(o.Slots) / o.Capacity * float64(time.Second))
}
