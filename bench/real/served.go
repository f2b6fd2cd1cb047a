// One contender on one trace, from the run to its figures.

package real

import (
	"math"
	"slices"

	"github.com/steelyard-proxy/steelyard/bench/figure"
	"github.com/steelyard-proxy/steelyard/bench/report"
	"github.com/steelyard-proxy/steelyard/bench/sim"
	"github.com/steelyard-proxy/steelyard/bench/trace"
)

// skipped is the part of the requests, from the first, that does not count: fleets and caches begin empty.
const skipped = 0.1

// served are the figures of one run.
type served struct {
	report.Spans
	shares           []float64
	cached, expected report.Number
	thrownBack       report.Number
	unserved         int
	stalled          []report.Point
}

// figures are those of the requests that count.
func figures(results sim.Results, t trace.Trace) served {
	s := served{}
	var responses, firsts, tokens []float64
	counts := make([]float64, len(results.Engines))
	prompt, cached, expected := 0, 0, 0.0
	for i := int(skipped * float64(len(t.Requests))); i < len(t.Requests); i++ {
		if results.Response[i] == sim.Unserved {
			s.unserved++
			continue
		}
		r, first := results.Response[i].Seconds(), results.First[i].Seconds()
		responses, firsts = append(responses, r), append(firsts, first)
		if n := t.Requests[i].AnswerTokens; n > 1 {
			tokens = append(tokens, (r-first)/float64(n-1))
		}
		counts[results.Served[i]]++
		prompt += t.Requests[i].PromptTokens
		cached += results.Cached[i]
		expected += results.Expected[i]
	}
	for _, n := range counts {
		s.shares = append(s.shares, n/float64(max(len(responses), 1)))
	}
	thrown := int64(0)
	for _, e := range results.Engines {
		thrown += e.ThrownBack
	}
	s.R, s.R99 = spans(responses)
	s.TTFT, s.TTFT99 = spans(firsts)
	s.TPOT, _ = spans(tokens)
	s.cached = report.Number(float64(cached) / float64(max(prompt, 1)))
	if s.expected = report.None(); expected > 0 {
		s.expected = report.Number(expected / float64(max(prompt, 1)))
	}
	s.thrownBack = report.Number(float64(thrown) / float64(len(t.Requests)))
	return s
}

// spans are the mean and the 99th percentile.
func spans(list []float64) (mean, p99 report.Number) {
	if len(list) == 0 {
		return report.None(), report.None()
	}
	sum := 0.0
	for _, x := range list {
		sum += x
	}
	slices.Sort(list)
	return report.Number(sum / float64(len(list))), report.Number(list[min(int(math.Ceil(0.99*float64(len(list)))), len(list))-1])
}

// over are the figures divided by another's.
func over(a, b report.Spans) report.Spans {
	return report.Spans{R: a.R / b.R, R99: a.R99 / b.R99, TTFT: a.TTFT / b.TTFT, TTFT99: a.TTFT99 / b.TTFT99, TPOT: a.TPOT / b.TPOT}
}

// row puts together what a contender made of each seed; base is that of whom it is compared with.
func row(c contender, list, base []served) report.Served {
	r := report.Served{Contender: c.name, Ours: c.uses != "", Stalled: list[0].stalled, Shares: make([]float64, len(list[0].shares))}
	var plain, times []report.Spans
	var cached, expected, thrown, ratios []report.Number
	for i, s := range list {
		plain = append(plain, s.Spans)
		ratio := over(s.Spans, base[i].Spans)
		times, ratios = append(times, ratio), append(ratios, ratio.R)
		cached, expected, thrown = append(cached, s.cached), append(expected, s.expected), append(thrown, s.thrownBack)
		for k, share := range s.shares {
			r.Shares[k] += share / float64(len(list))
		}
		r.Unserved += s.unserved
	}
	r.Spans, r.Times = means(plain), means(times)
	r.Least, r.Most = slices.Min(ratios), slices.Max(ratios)
	r.Cached, r.Expected, r.ThrownBack = figure.Mean(cached), figure.Mean(expected), figure.Mean(thrown)
	return r
}

func means(list []report.Spans) report.Spans {
	of := func(pick func(report.Spans) report.Number) report.Number {
		var values []report.Number
		for _, s := range list {
			values = append(values, pick(s))
		}
		return figure.Mean(values)
	}
	return report.Spans{
		R:    of(func(s report.Spans) report.Number { return s.R }),
		R99:  of(func(s report.Spans) report.Number { return s.R99 }),
		TTFT: of(func(s report.Spans) report.Number { return s.TTFT }), TTFT99: of(func(s report.Spans) report.Number { return s.TTFT99 }),
		TPOT: of(func(s report.Spans) report.Number { return s.TPOT }),
	}
}
