// One measurement, and the figures drawn from it.

package main

import (
	"math"
	"time"
)

// Scenarios, one measurement each.
const (
	saturated = "unary, saturated"
	paced     = "unary, paced"
	streamed  = "stream"
	shared    = "policies, saturated"
	silent    = "memory, open streams"
	idle      = "memory, idle connections"
)

// direct is the target that is no proxy: the client on the upstream.
const direct = "direct"

// Sample is one measurement of one target in one round.
type Sample struct {
	Scenario string
	Target   string // a proxy, or direct
	Round    int    // from 0
	Error    string `json:",omitempty"` // the round is void

	Units   int           // requests, chunks or connections
	Elapsed time.Duration // wall clock
	CPU     time.Duration // of the proxy's processes
	Waited  time.Duration // that they were ready and stood in line for their core
	Client  time.Duration // CPU of the client and the upstream together
	P50     time.Duration // response time, or delay of a chunk
	P99     time.Duration
	LateP99 time.Duration // how late the client began a request, or the upstream a chunk

	RSS, PSS         int64 // of all units together, in bytes, beyond the idle proxy
	IdleRSS, IdlePSS int64 // of the idle proxy
}

// each gives one figure per round for a target, NaN where the round is void.
func each(samples []Sample, scenario, target string, rounds int, figure func(Sample) float64) []float64 {
	out := make([]float64, rounds)
	for i := range out {
		out[i] = math.NaN()
	}
	for _, s := range samples {
		if s.Scenario == scenario && s.Target == target && s.Error == "" && s.Round < rounds {
			out[s.Round] = figure(s)
		}
	}
	return out
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

func cpuPerUnit(s Sample) float64 { return micros(s.CPU) / float64(s.Units) }
func perSecond(s Sample) float64  { return float64(s.Units) / s.Elapsed.Seconds() }
func p50(s Sample) float64        { return micros(s.P50) }
func p99(s Sample) float64        { return micros(s.P99) }
func rssPerUnit(s Sample) float64 { return float64(s.RSS) / 1024 / float64(s.Units) }
func pssPerUnit(s Sample) float64 { return float64(s.PSS) / 1024 / float64(s.Units) }
func idleRSS(s Sample) float64    { return float64(s.IdleRSS) / (1 << 20) }
func idlePSS(s Sample) float64    { return float64(s.IdlePSS) / (1 << 20) }
