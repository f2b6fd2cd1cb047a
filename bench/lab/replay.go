// Sending a trace to a contender, and what went wrong.

package lab

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/steelyard-proxy/steelyard/bench/load"
	"github.com/steelyard-proxy/steelyard/bench/report"
	"github.com/steelyard-proxy/steelyard/bench/sim"
	"github.com/steelyard-proxy/steelyard/bench/trace"
)

// replay offers a trace to the contender.
func (s *stand) replay(ctx context.Context, t trace.Trace, start time.Time) (run, error) {
	samples, err := s.send(ctx, t, start)
	if err != nil {
		return run{}, fmt.Errorf("contender %s: %w", s.contender.Name, err)
	}
	r := run{failures: map[string]int64{}}
	for _, sample := range samples {
		if sample.Err != nil {
			r.failure = sample.Err
		}
		response, served := sample.Response, noEndpoint
		if sample.Failure != "" {
			response = -1
			r.failures[s.why(sample)]++
		} else if i, ok := s.names[sample.ServedBy]; ok {
			served = i
		}
		r.response = append(r.response, response)
		r.served = append(r.served, served)
		r.late = append(r.late, sample.Late)
	}
	return r, nil
}

// send offers each gateway its part of a trace, the one that it gets in the simulation as well.
func (s *stand) send(ctx context.Context, t trace.Trace, start time.Time) ([]load.Sample, error) {
	samples := make([]load.Sample, len(t.Requests))
	parts, numbers := make([]trace.Trace, len(s.processes)), make([][]int, len(s.processes))
	next := sim.Deal(s.seed, len(s.processes))
	for i, r := range t.Requests {
		g := next()
		parts[g].Requests = append(parts[g].Requests, r)
		numbers[g] = append(numbers[g], i)
	}
	failed := make([]error, len(s.processes))
	var sending sync.WaitGroup
	for g, process := range s.processes {
		sending.Go(func() {
			var part []load.Sample
			part, failed[g] = load.Replay(ctx, parts[g], load.Options{URL: "http://" + process.Addr, Start: start, MaxInFlight: longestQueue})
			for k, sample := range part {
				samples[numbers[g][k]] = sample
			}
		})
	}
	sending.Wait()
	return samples, errors.Join(failed...)
}

const noEndpoint = -1

// why is a failure in a word, with the status where that says more.
func (s *stand) why(sample load.Sample) string {
	if sample.Failure == load.BadStatus {
		return fmt.Sprintf("status %d", sample.Status)
	}
	return string(sample.Failure)
}

// notes say what somebody must know who reads the figures measured: what failed, and how late requests were sent, where that is
// more than nothing.
func (t *table) notes(name string) (notes []string) {
	var late []time.Duration
	for _, c := range t.scenario.Contenders {
		for i, r := range t.measured[c.Name] {
			late = append(late, r.late...)
			if r.failure != nil {
				notes = append(notes, fmt.Sprintf("%s failed requests of %s, trace %d, the last of them by: %v", c.Name, name, i+1, r.failure))
			}
		}
	}
	const negligible = 500 * time.Microsecond
	if p99 := report.Quantile(report.Done(late), 0.99); p99.Exists() && float64(p99) >= negligible.Seconds() {
		notes = append(notes, fmt.Sprintf("The machine was busy: of the requests of %s, one in a hundred was sent more than %s late. "+
			"That is part of every contender's figures, and the engines were likely as late.", name, p99.Time()))
	}
	return notes
}
