// The law by which an engine serves, and what it can sustain.

package engine

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/steelyard-proxy/steelyard/configs"
)

// Discipline says how requests that are in at once share an engine.
type Discipline string

const (
	// FirstCome, the default, serves as many requests as there are slots and lets the others wait, first come first served. Where slots
	// do not slow each other it is M/M/K for exponential work.
	FirstCome Discipline = "first_come"
	// Sharing serves all requests at once: n of them at Capacity/max(n, Slots) each. With one slot it is processor sharing;
	// with more a request alone gets no more than its slot's part, as a stream of a batching engine does.
	Sharing Discipline = "sharing"
)

// Options are the law by which one engine serves. Each request first has its prompt read and then its answer decoded.
type Options struct {
	// Kind is the name of an engine that batches: see Batch. Of the other fields only Batch, Slots and Capacity are for it.
	// Capacity is then what SetCapacity is held against, in any unit, 1 by default: with half of it all takes twice as long.
	// Slots are 256 by default.
	Kind  string `yaml:"-"`
	Batch Batch  `yaml:"-"` // what differs from the Kind

	Capacity   float64    `yaml:"capacity"`   // C: units of work per second with all slots decoding, prompts apart; positive
	Slots      int        `yaml:"slots"`      // requests that keep all of it busy, the largest batch; 0 is one
	Discipline Discipline `yaml:"discipline"` // how they share the engine

	// FirstToken is how long each prompt takes to read, whatever its length and whoever else is read. It is part of the
	// time of one unit: a request of w units takes FirstToken + w × (Slots/Capacity − FirstToken) of a slot.
	FirstToken time.Duration `yaml:"-"`
	// Prefill is how many prompt tokens are read per second, shared equally by all whose prompt is being read: reading
	// computes, and is what keeps the processor busy. 0: prompts take no time but FirstToken.
	Prefill float64 `yaml:"prefill"`
	// Slowing is by how much each further stream slows a token: with b streams it takes 1 + Slowing × (b − 1) times as
	// long as with one. To read the weights costs the same however many streams there are, and each stream adds its own
	// attention. A mock engine of SGLang's gateway takes 6 ms + 0.35 ms per stream for typical: a slowing of 0.055,
	// with 157 tokens/s of a stream alone. Its prefill is 8,000 tokens/s. At most 1: there a batch is no faster than
	// one stream.
	Slowing float64 `yaml:"slowing"`
}

// Check reports everything that would make the arithmetic of service times meaningless, as one error.
func (o Options) Check() error {
	var problems []error
	wrong := func(format string, values ...any) { problems = append(problems, fmt.Errorf(format, values...)) }
	number := func(x float64) bool { return x >= 0 && !math.IsInf(x, 1) }
	if o.Kind != "" {
		problems = append(problems, o.checkKind())
	}
	if o.Capacity == 0 && o.Kind == "" || !number(o.Capacity) {
		wrong("capacity %v: give the units of work that it finishes per second, > 0", o.Capacity)
	}
	if o.Slots < 0 {
		wrong("slots %d: must be at least 1", o.Slots)
	}
	if known := []string{string(FirstCome), string(Sharing)}; o.Discipline != "" && !slices.Contains(known, string(o.Discipline)) {
		wrong("there is no discipline %q: %s", o.Discipline, configs.Suggest(string(o.Discipline), known))
	}
	if !number(o.Prefill) {
		wrong("prefill %v: must be a number of 0 or more", o.Prefill)
	}
	if !number(o.Slowing) || o.Slowing > 1 {
		wrong("slowing %v: must lie between 0 and 1, or a batch is slower than its requests one after the other", o.Slowing)
	}
	if o.Discipline == Sharing && (o.Prefill != 0 || o.Slowing != 0) {
		wrong("prefill and slowing: are of a batch of slots, so the discipline must be first_come")
	}
	if o.FirstToken != 0 && o.Prefill != 0 {
		wrong("first token: follows from the prefill speed, so leave it out")
	}
	if problems == nil && o.Kind == "" && (o.FirstToken < 0 || o.FirstToken != 0 && o.FirstToken >= o.unit()) {
		wrong("first token %v: must lie between 0 and the %v (slots/capacity) that one unit takes", o.FirstToken, o.unit())
	}
	return errors.Join(problems...)
}

func (o Options) slots() int { return max(o.Slots, 1) }

// slowing is how many times longer a token takes in a batch of so many streams.
func (o Options) slowing(batch int) float64 { return 1 + o.Slowing*float64(max(0, batch-1)) }

// Speeds is how fast each prompt is read and each answer is decoded, by an engine that has so many of each in service.
// 1 is the speed of a request that is alone. This is the whole law by which requests slow each other.
func (o Options) Speeds(reading, decoding int) (prompt, decode float64) {
	switch {
	case o.Discipline == Sharing:
		share := float64(o.slots()) / float64(max(reading+decoding, o.slots()))
		return share, share
	case o.Prefill > 0:
		return 1 / float64(max(1, reading)), 1 / o.slowing(decoding)
	}
	return 1, 1 / o.slowing(decoding)
}

// streams is the speed of all slots together, in that of one answer alone.
func (o Options) streams() float64 {
	_, decode := o.Speeds(0, o.slots())
	return float64(o.slots()) * decode
}

// unit is how long one unit of work takes alone, its FirstToken included.
func (o Options) unit() time.Duration {
	return time.Duration(o.streams() / o.Capacity * float64(time.Second))
}

// Alone is how long a prompt, and then one unit of work, take a request that has the engine to itself.
func (o Options) Alone(promptTokens int) (prompt, unit time.Duration) {
	if o.Prefill > 0 {
		return time.Duration(float64(promptTokens) / o.Prefill * float64(time.Second)), o.unit()
	}
	return o.FirstToken, o.unit() - o.FirstToken
}

// Sustains is how many requests per second an engine completes when it is never idle, if the mean request is one unit
// of work with a prompt of so many tokens. Without Prefill it is Capacity.
//
// With Prefill the engine is a closed network of two stations, between which Slots requests go round. One reads
// prompts, and all who are there share it. The other decodes b streams at b/slowing(b) times the speed of one. Its
// throughput does not depend on how prompts and answers are spread about their means (Baskett, Chandy, Muntz and
// Palacios 1975). But if all are alike they may march in step, reading together and decoding together, and fewer are
// served.
func (o Options) Sustains(promptTokens float64) float64 {
	if o.Prefill == 0 || promptTokens == 0 {
		return o.Capacity
	}
	reading, decoding := promptTokens/o.Prefill, o.streams()/o.Capacity // seconds of a request alone
	// Birth and death of b, the streams being decoded.
	weight, sum, flow := 1.0, 1.0, 0.0
	for b := 1; b <= o.slots(); b++ {
		throughput := float64(b) / o.slowing(b) / decoding
		weight /= reading * throughput
		if weight > 1e200 { // the sums with it, before it leaves the range of numbers
			sum, flow, weight = sum/weight, flow/weight, 1
		}
		sum += weight
		flow += weight * throughput
	}
	return flow / sum
}
