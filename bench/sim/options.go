// What is simulated.

package sim

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/bench/engine"
	"github.com/steelyard-proxy/steelyard/bench/trace"
)

// Change is a change of one engine's speed at a time.
type Change struct {
	At       time.Duration
	Endpoint int     // its index
	Capacity float64 // its true capacity from then on
	Told     float64 // what the balancer is told at that time; 0: nothing, it goes on as before
	// Restart empties the engine's memory, and leaves its speed as it is. Who was served there begins anew.
	Restart bool
	// Fails has the engine's probes fail from then on, so that balancers send it nothing more, and Recovers pass again. Its speed stays as
	// it is, and it goes on with what it has.
	Fails, Recovers bool
}

// keepsSpeed says whether the change is about something else than the speed.
func (c *Change) keepsSpeed() bool { return c.Restart || c.Fails || c.Recovers }

// Endpoint is one simulated engine, and what the balancer is told of it.
type Endpoint struct {
	Name   string // unique; "endpoint 1" and so on when empty
	Engine engine.Options
	Limit  int     // slots told to the balancer; 0: none
	Told   float64 // capacity told to the balancer; 0: the true one
	// Joins is when the balancers get to know of it; 0: at the start.
	Joins time.Duration
}

// Options describes a run.
type Options struct {
	Endpoints []Endpoint
	// Prompt is how many tokens engines count in the prompt of a request; nil: none.
	Prompt func(trace.Request) int
	// Policy is that of every balancer. For equal results of equal runs, one that draws lots
	// needs a seed, and a builder that was not used before.
	Policy balancer.Builder
	Queue  balancer.QueueOptions
	// Work is what the balancer predicts of a request; nil when it predicts nothing.
	Work func(trace.Request) float64
	// Learn has each balancer learn the work of requests with a predict.Predictor, in virtual time; Work is not asked
	// then.
	Learn bool
	// Balancers is how many there are, over the same engines: none knows what the others
	// have in flight. One when 0.
	Balancers int
	// Hear is how often each of several balancers tells what it has in flight, and hears what the others told last, in
	// turn: what it hears is as old as that in the mean. 0: never.
	Hear    time.Duration
	Seed    uint64 // of which balancer a request comes to, and of Learn; policies have their own
	Changes []Change
	// Guess is σ of the log-normal factor by which the bytes that a balancer sees of a prompt are more or less than four
	// for each token.
	Guess float64
	// Look is called at equal times, while requests arrive; nil: it is not.
	Look      func(at time.Duration, engines Engines)
	LookEvery time.Duration // positive where there is a Look
	Clock     *Clock        // virtual time, for policies that need it too; nil: one of its own

	// For tests.
	status int                     // of every answer; 0 is 200. From one that is no success the balancer learns nothing.
	watch  func(f *fleet) []change // sets f.watch before the first request
}

// validate reports everything that is wrong with the options, as one error. What the
// balancer refuses comes from there.
func (o Options) validate() error {
	problems := []error{validateEndpoints(o.Endpoints)}
	if o.Policy == nil {
		problems = append(problems, errors.New("no policy is given"))
	}
	if o.Hear < 0 {
		problems = append(problems, fmt.Errorf("hear must be 0 or more, is %s", o.Hear))
	}
	if o.Balancers < 0 {
		problems = append(problems, fmt.Errorf("balancers must be 1 or more, is %d", o.Balancers))
	}
	for i, c := range o.Changes {
		switch {
		case c.Endpoint < 0 || c.Endpoint >= len(o.Endpoints):
			problems = append(problems, fmt.Errorf("change %d: there is no endpoint %d", i, c.Endpoint))
		case !positive(c.Capacity) && !c.keepsSpeed():
			problems = append(problems, fmt.Errorf("change %d: capacity must be positive and finite, is %v", i, c.Capacity))
		}
	}
	return wrap(problems)
}

func validateEndpoints(endpoints []Endpoint) error {
	var problems []error
	if len(endpoints) == 0 {
		problems = append(problems, errors.New("there are no endpoints"))
	}
	for i, e := range endpoints {
		if err := e.Engine.Check(); err != nil {
			problems = append(problems, fmt.Errorf("endpoint %d: %w", i, err))
		}
	}
	return wrap(problems)
}

func wrap(problems []error) error {
	if err := errors.Join(problems...); err != nil {
		return fmt.Errorf("simulate: %w", err)
	}
	return nil
}

func positive(x float64) bool { return x > 0 && !math.IsInf(x, 1) }
