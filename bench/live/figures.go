// How long requests take, from what became of each.

package live

import (
	"math"
	"slices"

	"github.com/steelyard-proxy/steelyard/bench/figure"
)

// Figure is one that contenders are compared by.
type Figure int

const (
	R      Figure = iota // from arrival to the last token, mean
	R99                  // its 99th percentile
	TTFT                 // from arrival to the first token, mean
	TTFT99               // its 99th percentile
	TPOT                 // of a token after the first, mean over requests
	figures
)

func (f Figure) String() string { return [figures]string{"R", "R p99", "TTFT", "TTFT p99", "TPOT"}[f] }

// Spans are the figures of a run, in seconds of the engines' time; NaN where nothing was answered.
type Spans [figures]float64

// over are the figures divided by another's.
func (s Spans) over(other Spans) Spans {
	for i := range s {
		s[i] /= other[i]
	}
	return s
}

// seen is what became of one request, in seconds of the engines' time.
type seen struct {
	response, first float64
	tokens          int // of its answer
}

// spans are the figures of what was answered.
func spans(list []seen) Spans {
	var responses, firsts, tokens []float64
	for _, s := range list {
		responses, firsts = append(responses, s.response), append(firsts, s.first)
		if s.tokens > 1 {
			tokens = append(tokens, (s.response-s.first)/float64(s.tokens-1))
		}
	}
	return Spans{figure.Mean(responses), quantile(responses, 0.99), figure.Mean(firsts), quantile(firsts, 0.99), figure.Mean(tokens)}
}

// quantile is the least of which a part of the list are no more.
func quantile(list []float64, part float64) float64 {
	if len(list) == 0 {
		return math.NaN()
	}
	return figure.Quantile(slices.Sorted(slices.Values(list)), part)
}

// counted are the requests that figures are of: fleets, caches and rules begin knowing nothing.
func counted[T any](list []T) []T { return list[len(list)/10:] }
