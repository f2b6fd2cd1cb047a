// What a generated trace is like.

package trace

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/steelyard-proxy/steelyard/configs"
)

// Arrivals is how requests follow each other.
type Arrivals string

const (
	Poisson Arrivals = "poisson" // independent of each other; the default
	// Bursts is a Poisson stream of two speeds: a quarter of the time, in spells of 20
	// mean intervals, requests come at 2.5 times the rate, else at half of it.
	Bursts Arrivals = "bursts"
)

// Work is how the work of requests is spread.
type Work string

const (
	Exponential Work = "exponential" // cv² 1; the default
	// Heavy is hyperexponential with cv² 10: nine requests of ten have mean 0.293, the
	// tenth 7.364.
	Heavy    Work = "heavy"
	Constant Work = "constant"
	// LLM is a chat: prompts and answers of log-normal length.
	LLM Work = "llm"
)

var (
	allArrivals = []Arrivals{Poisson, Bursts}
	allWork     = []Work{Exponential, Heavy, Constant, LLM}
)

// Hints is what clients say of their requests as max_tokens. By default they say the
// truth.
type Hints struct {
	// Noise is σ of the log-normal factor of median 1 by which hints are off.
	Noise  float64 `yaml:"noise"`
	Tokens float64 `yaml:"tokens"` // per unit of work; 200 when 0
	None   bool    `yaml:"none"`   // nobody says anything
	Random bool    `yaml:"random"` // everybody says something that has nothing to do with the request
}

// Options describes a trace to generate.
type Options struct {
	Seed     uint64
	Requests int
	Rate     float64  // T: arrivals per second, positive
	Arrivals Arrivals // Poisson when empty
	Work     Work     // Exponential when empty
	Hints    Hints
}

// withDefaults fills in what is left out.
func (o Options) withDefaults() Options {
	o.Arrivals, o.Work = cmp.Or(o.Arrivals, Poisson), cmp.Or(o.Work, Exponential)
	o.Hints.Tokens = cmp.Or(o.Hints.Tokens, 200)
	return o
}

// Check reports everything that cannot be meant, as one error.
func (o Options) Check() error {
	o = o.withDefaults()
	var problems []error
	if o.Requests < 1 {
		problems = append(problems, fmt.Errorf("requests is %d: give the length of a trace, at least 1", o.Requests))
	}
	if !(o.Rate > 0) || math.IsInf(o.Rate, 1) {
		problems = append(problems, fmt.Errorf("rate is %g: give the arrivals per second, > 0", o.Rate))
	}
	return errors.Join(append(problems, oneOf("arrivals", o.Arrivals, allArrivals), oneOf("work", o.Work, allWork), o.Hints.check())...)
}

func (h Hints) check() error {
	switch {
	case !(h.Noise >= 0) || math.IsInf(h.Noise, 1):
		return fmt.Errorf("noise of the hints is %g: must be 0 or more", h.Noise)
	case !(h.Tokens > 0) || math.IsInf(h.Tokens, 1):
		return fmt.Errorf("tokens of the hints is %g: must be > 0", h.Tokens)
	case h.None && h.Random:
		return errors.New("hints are both none and random: choose one")
	}
	return nil
}

func oneOf[T ~string](key string, value T, known []T) error {
	if slices.Contains(known, value) {
		return nil
	}
	var names []string
	for _, name := range known {
		names = append(names, string(name))
	}
	return fmt.Errorf("there is no %s %q: %s", key, value, configs.Suggest(string(value), names))
}
