// What engines that read prompts can carry.

package lab

import (
	"fmt"
	"slices"
	"time"

	"github.com/steelyard-proxy/steelyard/bench/backend"
	"github.com/steelyard-proxy/steelyard/bench/scenario"
	"github.com/steelyard-proxy/steelyard/bench/trace"
)

// batches says whether an engine reads prompts, or its slots slow each other.
func batches(e scenario.Endpoint) bool { return e.Prefill > 0 || e.Slowing > 0 }

// promptTokens is how many tokens the engines count in the prompt of a request, as bench/load writes it.
func promptTokens(r trace.Request) int {
	const around = len(`[{"role":"user","content":""}]`)
	return backend.PromptTokens(around + r.PromptBytes)
}

// meanPrompt is the mean of promptTokens.
func meanPrompt(traces ...trace.Trace) float64 {
	sum, n := 0, 0
	for _, t := range traces {
		for _, r := range t.Requests {
			sum += promptTokens(r)
		}
		n += len(t.Requests)
	}
	return float64(sum) / float64(max(n, 1))
}

// Check fails where the endpoints cannot carry the load, with the prompts that they have to read: those are known only
// once the requests are.
func (l *Lab) Check() error {
	if !slices.ContainsFunc(l.scenario.Endpoints, batches) {
		return nil
	}
	for _, c := range l.scenario.Cases {
		traces, err := l.traces(c)
		if err != nil {
			return err
		}
		if err := l.overload(l.scenario.Rate, l.scenario.Contenders, traces...); err != nil {
			return fmt.Errorf("case %s: %w", c.Name, err)
		}
	}
	return nil
}

// overload is the error where a rate is more than the endpoints carry, with the prompts that they have to read. ΣC
// leaves those out.
func (l *Lab) overload(rate float64, contenders []scenario.Contender, traces ...trace.Trace) error {
	if !slices.ContainsFunc(l.scenario.Endpoints, batches) {
		return nil
	}
	there := *l.scenario
	there.Rate, there.Contenders, there.Endpoints = rate, contenders, slices.Clone(l.scenario.Endpoints)
	prompt := meanPrompt(traces...)
	for i, e := range there.Endpoints {
		there.Endpoints[i].Capacity = e.Sustains(prompt) // what balancers are told stays as it is
	}
	if err := there.Carried(); err != nil {
		return fmt.Errorf("with prompts of %.0f tokens in the mean to be read, %w", prompt, err)
	}
	return nil
}

// alone is the mean time, in seconds, of requests that each have the engine to themselves that is fastest for them.
func (l *Lab) alone(traces []trace.Trace) float64 {
	sum, n := 0.0, 0
	for _, t := range traces {
		for _, r := range t.Requests {
			least := service(l.scenario.Endpoints[0], r)
			for _, e := range l.scenario.Endpoints[1:] {
				least = min(least, service(e, r))
			}
			sum += least.Seconds()
		}
		n += len(t.Requests)
	}
	return sum / float64(max(n, 1))
}

// service is how long an engine takes for a request that has it to itself.
func service(e scenario.Endpoint, r trace.Request) time.Duration {
	prompt, unit := e.Alone(promptTokens(r))
	return prompt + time.Duration(r.Work*float64(unit))
}

// perSlot is what each stream adds to the speed of its engine, the first, the second and so on, in units of work per
// second. Where slots do not slow each other it is the capacity of one. An ideal balancer uses the largest first: j
// requests are served at no more than the sum of the j largest.
func (l *Lab) perSlot() (list []float64) {
	for _, e := range l.scenario.Endpoints {
		before := 0.0
		_, full := e.Speeds(0, e.Slots)
		for streams := 1; streams <= e.Slots; streams++ {
			_, decode := e.Speeds(0, streams)
			speed := e.Capacity * float64(streams) / float64(e.Slots) * decode / full
			list = append(list, speed-before)
			before = speed
		}
	}
	return list
}
