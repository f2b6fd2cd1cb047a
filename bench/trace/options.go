package trace

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
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
	Noise  float64
	Tokens float64 // per unit of work; 200 when 0
	None   bool    // nobody says anything
	Random bool    // everybody says something that has nothing to do with the request
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

// complete returns the options with defaults filled in, and everything that is wrong
// with them as one error.
func (o Options) complete() (Options, error) {
	if o.Arrivals == "" {
		o.Arrivals = Poisson
	}
	if o.Work == "" {
		o.Work = Exponential
	}
	if o.Hints.Tokens == 0 {
		o.Hints.Tokens = 200
	}
	var problems []error
	if o.Requests < 1 {
		problems = append(problems, fmt.Errorf("requests must be 1 or more, is %d", o.Requests))
	}
	if !(o.Rate > 0) || math.IsInf(o.Rate, 1) {
		problems = append(problems, fmt.Errorf("rate must be positive and finite, in requests per second, is %v", o.Rate))
	}
	if !slices.Contains(allArrivals, o.Arrivals) {
		problems = append(problems, fmt.Errorf("there are no arrivals %q: use one of %s", o.Arrivals, list(allArrivals)))
	}
	if !slices.Contains(allWork, o.Work) {
		problems = append(problems, fmt.Errorf("there is no work %q: use one of %s", o.Work, list(allWork)))
	}
	if !(o.Hints.Noise >= 0) || math.IsInf(o.Hints.Noise, 1) {
		problems = append(problems, fmt.Errorf("noise of the hints must be 0 or more, is %v", o.Hints.Noise))
	}
	if !(o.Hints.Tokens > 0) || math.IsInf(o.Hints.Tokens, 1) {
		problems = append(problems, fmt.Errorf("tokens of the hints must be positive, is %v", o.Hints.Tokens))
	}
	if o.Hints.None && o.Hints.Random {
		problems = append(problems, errors.New("hints are both none and random: choose one"))
	}
	return o, errors.Join(problems...)
}

func list[T ~string](names []T) string {
	var all []string
	for _, name := range names {
		all = append(all, string(name))
	}
	return strings.Join(all, ", ")
}
