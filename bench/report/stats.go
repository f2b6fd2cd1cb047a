// From response times to the figures of a row.

package report

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/steelyard-proxy/steelyard/bench/figure"
)

// longPart is the part of the requests that count as long, by their work.
const longPart = 0.1

// StatsOf are the figures of one trace: response times by request, and the work of each. Requests that failed have a
// negative time and do not count.
func StatsOf(response []time.Duration, work []float64) Stats {
	done := Done(response)
	limit := 0.0
	if len(work) > 0 {
		sorted := slices.Sorted(slices.Values(work))
		limit = sorted[min(int(float64(len(sorted))*(1-longPart)), len(sorted)-1)]
	}
	var long []time.Duration
	for i, r := range response {
		if r >= 0 && work[i] >= limit {
			long = append(long, r)
		}
	}
	slices.Sort(long)
	return Stats{Mean: Mean(done), P50: Quantile(done, 0.5), P90: Quantile(done, 0.9), P99: Quantile(done, 0.99), LongP99: Quantile(long, 0.99)}
}

// Done are the response times of requests that did not fail, sorted.
func Done(response []time.Duration) []time.Duration {
	done := make([]time.Duration, 0, len(response))
	for _, r := range response {
		if r >= 0 {
			done = append(done, r)
		}
	}
	slices.Sort(done)
	return done
}

// Mean is in seconds; None of no times.
func Mean(times []time.Duration) Number {
	if len(times) == 0 {
		return None()
	}
	sum := 0.0
	for _, t := range times {
		sum += t.Seconds()
	}
	return Number(sum / float64(len(times)))
}

// Quantile is figure.Quantile in seconds; None of no times.
func Quantile(sorted []time.Duration, q float64) Number {
	if len(sorted) == 0 {
		return None()
	}
	return Number(figure.Quantile(sorted, q).Seconds())
}

// MedianStats is, figure by figure, the median over traces.
func MedianStats(list []Stats) Stats {
	pick := func(of func(Stats) Number) Number {
		var values []Number
		for _, s := range list {
			values = append(values, of(s))
		}
		return figure.Median(values)
	}
	return Stats{
		Mean:    pick(func(s Stats) Number { return s.Mean }),
		P50:     pick(func(s Stats) Number { return s.P50 }),
		P90:     pick(func(s Stats) Number { return s.P90 }),
		P99:     pick(func(s Stats) Number { return s.P99 }),
		LongP99: pick(func(s Stats) Number { return s.LongP99 }),
	}
}

// Plus returns the figures as they would be if each request took so many seconds more.
func (s Stats) Plus(way Number) Stats {
	if way.Exists() {
		for _, n := range []*Number{&s.Mean, &s.P50, &s.P90, &s.P99, &s.LongP99} {
			*n += way // what does not exist stays so
		}
	}
	return s
}

// QuantileCurve is the distribution of the sorted times in as many points as a plot needs: dense where it ends.
func QuantileCurve(sorted []time.Duration) []Point {
	if len(sorted) == 0 {
		return nil
	}
	var points []Point
	for _, q := range quantiles {
		if (1-q)*float64(len(sorted)) < 1 { // beyond it there is no request
			break
		}
		points = append(points, Point{q, Quantile(sorted, q)})
	}
	return points
}

// quantiles are evenly spaced up to 0.9, and then by the logarithm of what is left, to 0.9999.
var quantiles = func() (list []float64) {
	for q := 0; q < 90; q += 2 {
		list = append(list, float64(q)/100)
	}
	for k := 0; k <= 60; k++ {
		list = append(list, 1-0.1*math.Pow(10, -float64(k)/20))
	}
	return list
}()

// InSystem is how many requests were in the system over time: the largest number in each of as many equal spells as given.
// Requests that failed do not count.
func InSystem(at, response []time.Duration, spells int) []Point {
	type step struct {
		at time.Duration
		by int
	}
	var steps []step
	for i := range at {
		if response[i] >= 0 {
			steps = append(steps, step{at[i], 1}, step{at[i] + response[i], -1})
		}
	}
	if len(steps) == 0 {
		return nil
	}
	slices.SortFunc(steps, func(a, b step) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.by, b.by)) })
	end := steps[len(steps)-1].at
	points := make([]Point, spells)
	now, next := 0, 0
	for i := range points {
		until := time.Duration(float64(end) * float64(i+1) / float64(spells))
		most := now
		for ; next < len(steps) && (steps[next].at <= until || i == spells-1); next++ {
			now += steps[next].by
			most = max(most, now)
		}
		points[i] = Point{until.Seconds(), Number(most)}
	}
	return points
}
