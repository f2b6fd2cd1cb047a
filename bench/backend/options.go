package backend

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// DefaultModel is the model a server serves unless told otherwise.
const DefaultModel = "steelyard-demo"

// Options describe one simulated server. A field left zero takes the default
// named beside it.
type Options struct {
	Name     string  // who answers: header X-Served-By and system_fingerprint; default "backend"
	Model    string  // the one model served; default DefaultModel
	Address  string  // host:port to listen on; default 127.0.0.1:0, a free port of loopback
	Capacity float64 // units of work per second when every slot is busy, > 0; default 100, or what token speeds make of it
	Slots    int     // requests served at once, the largest batch of an engine, > 0; default 8

	Discipline Discipline // how they share the server; default FirstCome

	// UnitTokens is how many generated tokens make one unit of work; default 32.
	// Servers compared with each other need the same value, or the same request
	// is more work on one of them.
	UnitTokens int

	// FirstToken is the time spent on the prompt, out of the service time of
	// each request: a request of w units takes FirstToken + w × (Slots/Capacity −
	// FirstToken), which is Slots/Capacity in the mean when work is one unit in
	// the mean. It must lie in [0, Slots/Capacity); default 0.
	FirstToken time.Duration

	// Token speeds, in place of Capacity and FirstToken: an engine that batches.
	// Each slot's request first has its prompt read, at PrefillTokensPerSecond
	// shared equally by all whose prompt is being read (reading computes, and is
	// what keeps the processor busy), then decodes its tokens. One stream alone
	// decodes DecodeTokensPerSecond, each of b streams that divided by
	// 1 + DecodeSlowing × (b − 1). A step of 6 ms + 0.35 ms per stream, which a
	// mock engine of SGLang's gateway takes for typical, is 157 tokens/s and a
	// slowing of 0.055; its prefill is 8,000 tokens/s.
	PrefillTokensPerSecond float64 // 0: prompts take no time
	DecodeTokensPerSecond  float64 // 0: no token speeds
	DecodeSlowing          float64 // ≥ 0

	Work Work   // the work of a request that does not say how much it wants; default Fixed
	Seed uint64 // of the draws that Work makes
}

// Work says how much work a request is that names neither max_tokens nor the
// WorkHeader.
type Work uint8

const (
	Fixed       Work = iota // one unit each
	Exponential             // exponential with mean one unit, drawn from Options.Seed
)

func (o Options) withDefaults() Options {
	if o.Name == "" {
		o.Name = "backend"
	}
	if o.Model == "" {
		o.Model = DefaultModel
	}
	if o.Address == "" {
		o.Address = "127.0.0.1:0"
	}
	if o.Slots == 0 {
		o.Slots = 8
	}
	if o.UnitTokens == 0 {
		o.UnitTokens = 32
	}
	switch {
	case o.Capacity != 0:
	case o.DecodeTokensPerSecond > 0:
		o.Capacity = o.decodingCapacity()
	default:
		o.Capacity = 100
	}
	return o
}

// check refuses what would make the arithmetic of service times meaningless.
func (o Options) check() error {
	var problems []error
	if !(o.Capacity > 0) || math.IsInf(o.Capacity, 1) {
		problems = append(problems, fmt.Errorf("capacity %v: must be a positive number of units per second", o.Capacity))
	}
	if o.Slots < 0 {
		problems = append(problems, fmt.Errorf("slots %d: must be at least 1", o.Slots))
	}
	if o.UnitTokens < 0 {
		problems = append(problems, fmt.Errorf("unit tokens %d: must be at least 1", o.UnitTokens))
	}
	if o.Discipline > Sharing {
		problems = append(problems, fmt.Errorf("discipline %d: must be FirstCome or Sharing", o.Discipline))
	}
	problems = append(problems, o.checkSpeeds()...)
	if o.Work > Exponential {
		problems = append(problems, fmt.Errorf("work %d: must be Fixed or Exponential", o.Work))
	}
	if problems == nil && (o.FirstToken < 0 || o.FirstToken >= o.unitService()) {
		problems = append(problems, fmt.Errorf("first token %v: must lie between 0 and the %v (slots/capacity) that one unit takes",
			o.FirstToken, o.unitService()))
	}
	if problems != nil {
		return fmt.Errorf("simulated server %q: %w", o.Name, errors.Join(problems...))
	}
	return nil
}

// checkSpeeds refuses token speeds that contradict the rest.
func (o Options) checkSpeeds() (problems []error) {
	positive := true
	for _, given := range []struct {
		name  string
		speed float64
	}{
		{"prefill", o.PrefillTokensPerSecond}, {"decode", o.DecodeTokensPerSecond}, {"decode slowing", o.DecodeSlowing},
	} {
		if !(given.speed >= 0) || math.IsInf(given.speed, 1) {
			problems = append(problems, fmt.Errorf("%s %v: must be a number of 0 or more", given.name, given.speed))
			positive = false
		}
	}
	switch {
	case !positive:
	case o.DecodeTokensPerSecond == 0:
		if o.PrefillTokensPerSecond > 0 || o.DecodeSlowing > 0 {
			problems = append(problems, errors.New("prefill and decode slowing: need a decode speed beside them"))
		}
	case o.Discipline != FirstCome:
		problems = append(problems, errors.New("decode speed: is of a batch of slots, so the discipline must be FirstCome"))
	case o.FirstToken != 0:
		problems = append(problems, errors.New("first token: follows from the prefill speed, so leave it out"))
	case o.Capacity != o.decodingCapacity():
		problems = append(problems, fmt.Errorf("capacity %v: follows from the decode speed (%v), so leave it out", o.Capacity, o.decodingCapacity()))
	}
	return problems
}

// decodingCapacity is the capacity that token speeds make, prompts apart.
func (o Options) decodingCapacity() float64 {
	return float64(o.Slots) / o.slowing(o.Slots) * o.DecodeTokensPerSecond / float64(o.UnitTokens)
}

// unitService is how long one unit of work holds a slot.
func (o Options) unitService() time.Duration {
	return time.Duration(float64(o.Slots) / o.Capacity * float64(time.Second))
}
