// The fleets, and what their engines finish of a trace.

package real

import (
	"fmt"
	"sync"

	"github.com/steelyard-proxy/steelyard/bench/engine"
	"github.com/steelyard-proxy/steelyard/bench/trace"
)

// fleet is engines by kind.
type fleet struct {
	name  string
	kinds []string
}

var (
	unequal = fleet{"L4", []string{"h100", "a100", "a40", "a40"}}
	twice   = fleet{"L8", []string{"h100", "h100", "a100", "a100", "a40", "a40", "a40", "a40"}}
	equal   = fleet{"E4", []string{"a100", "a100", "a100", "a100"}}
	scraped = fleet{"S6", []string{"h100", "a100", "a10", "a10", "l4", "l4"}}
)

// names are unique.
func (f fleet) names() (list []string) {
	count := map[string]int{}
	for _, k := range f.kinds {
		count[k]++
		list = append(list, fmt.Sprintf("%s-%d", k, count[k]))
	}
	return list
}

// source is a trace of one seed, read once, and what engines finish of it.
type source struct {
	kind     kind
	seed     uint64
	requests int

	mu    sync.Mutex
	trace trace.Trace // written under mu by the first who reads it, and no more
	rates map[engine.Options]float64
}

// read returns the trace at its own rate. Nobody may change its requests.
func (s *source) read() (trace.Trace, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.trace.Requests != nil {
		return s.trace, nil
	}
	var err error
	s.trace, err = s.kind.trace(s.seed, s.requests)
	return s.trace, err
}

// rate is what the engine finishes of the trace, which has been read, when it is never idle, in requests per second.
func (s *source) rate(o engine.Options) float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rates[o] == 0 {
		var jobs []engine.Job
		for _, r := range s.trace.Requests {
			jobs = append(jobs, engine.Job{PromptTokens: r.PromptTokens, Tokens: r.AnswerTokens, Prefix: r.Prefix})
		}
		s.rates[o] = engine.Finishes(o, jobs)
	}
	return s.rates[o]
}
