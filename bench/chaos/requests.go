// The load of a trial.

package chaos

import (
	"math/rand/v2"
	"slices"
	"time"

	"github.com/steelyard-proxy/steelyard/bench/trace"
)

// requests are the load of a trial: Poisson arrivals at the rate of each part, half of them streams. The same seed gives
// every contender the same.
func (s *stand) requests() ([]trace.Request, error) {
	var all []trace.Request
	draws := rand.New(rand.NewPCG(s.options.Seed, 1))
	from := time.Duration(0)
	for i, lasts := range []time.Duration{s.times.Before, s.times.During, s.times.After} {
		rate := s.options.Rate
		if s.fault.load != nil {
			rate = s.fault.load(part(i), rate)
		}
		list, err := arrivals(s.options.Seed+uint64(1000*i), rate, lasts)
		if err != nil {
			return nil, err
		}
		for _, r := range list {
			r.At += from
			r.Work = s.fault.servers.work
			r.Stream = draws.IntN(2) == 0
			all = append(all, r)
		}
		from += lasts
	}
	return all, nil
}

// arrivals at a rate, for so long.
func arrivals(seed uint64, rate float64, lasts time.Duration) ([]trace.Request, error) {
	t, err := trace.New(trace.Options{Seed: seed, Rate: rate, Work: trace.Constant, Hints: trace.Hints{None: true},
		Requests: max(int(rate*lasts.Seconds()*1.2), 10)})
	if err != nil {
		return nil, err
	}
	end := slices.IndexFunc(t.Requests, func(r trace.Request) bool { return r.At >= lasts })
	if end < 0 {
		end = len(t.Requests)
	}
	return t.Requests[:end], nil
}
