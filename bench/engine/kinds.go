// Engines by name, with what an iteration costs them.

package engine

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/steelyard-proxy/steelyard/configs"
)

// Batch is what an engine of a Kind has and what its iterations cost. One with n requests, of which T tokens are computed (one for each
// answer being written, and parts of prompts), takes
//
//	Overhead + max(Base + Sequence·n, Token·T) + Context·X + Attention·A
//
// X is the tokens before these in the answers being written. A is the sum, over the parts of prompts, of the part's
// tokens × (the tokens before it + half of it). All are in seconds. A field that is 0 is that of the Kind.
type Batch struct {
	Overhead  float64
	Base      float64 // to read the weights once
	Sequence  float64
	Token     float64
	Context   float64
	Attention float64

	Memory int // tokens that the KV cache holds
	Budget int // tokens computed in one iteration
}

// kinds have an 8B model in bf16. Base and Token come from Vidur's profiles (Agrawal et al., MLSys 2024) where it has the device,
// the others from what the device computes and moves per second.
var kinds = map[string]Batch{
	"h100": {Overhead: 2e-3, Base: 6.7e-3, Sequence: 15e-6, Token: 24.4e-6, Context: 56e-9, Attention: 1.18e-9, Memory: 412_000, Budget: 8192},
	"a100": {Overhead: 2e-3, Base: 9.8e-3, Sequence: 25e-6, Token: 66.6e-6, Context: 94e-9, Attention: 3.4e-9, Memory: 412_000, Budget: 2048},
	"a40":  {Overhead: 2e-3, Base: 28.5e-3, Sequence: 40e-6, Token: 154e-6, Context: 269e-9, Attention: 8.7e-9, Memory: 196_000, Budget: 2048},
	"a10":  {Overhead: 2e-3, Base: 31e-3, Sequence: 45e-6, Token: 230e-6, Context: 312e-9, Attention: 11.6e-9, Memory: 35_000, Budget: 2048},
	"l4":   {Overhead: 2e-3, Base: 63e-3, Sequence: 60e-6, Token: 258e-6, Context: 624e-9, Attention: 13e-9, Memory: 35_000, Budget: 2048},
}

// Kinds are the names that Options.Kind may have, sorted.
func Kinds() []string { return slices.Sorted(maps.Keys(kinds)) }

// batch is what the options come to, for a Kind that there is.
func (o Options) batch() Batch {
	b, own := kinds[o.Kind], o.Batch
	for _, field := range [...]struct{ to, from *float64 }{
		{&b.Overhead, &own.Overhead}, {&b.Base, &own.Base}, {&b.Sequence, &own.Sequence},
		{&b.Token, &own.Token}, {&b.Context, &own.Context}, {&b.Attention, &own.Attention},
	} {
		if *field.from != 0 {
			*field.to = *field.from
		}
	}
	if own.Memory != 0 {
		b.Memory = own.Memory
	}
	if own.Budget != 0 {
		b.Budget = own.Budget
	}
	return b
}

// checkKind reports what is wrong with options that name a Kind.
func (o Options) checkKind() error {
	if _, known := kinds[o.Kind]; !known {
		return fmt.Errorf("there is no kind %q of engine: %s", o.Kind, configs.Suggest(o.Kind, Kinds()))
	}
	var problems []error
	b := o.batch()
	for _, cost := range []struct {
		name  string
		value float64
	}{
		{"overhead", b.Overhead}, {"base", b.Base}, {"sequence", b.Sequence},
		{"token", b.Token}, {"context", b.Context}, {"attention", b.Attention},
	} {
		if !(cost.value >= 0) || math.IsInf(cost.value, 1) {
			problems = append(problems, fmt.Errorf("%s %v: give the seconds that it costs, > 0", cost.name, cost.value))
		}
	}
	if b.Memory < BlockTokens || b.Budget < 1 {
		problems = append(problems, fmt.Errorf("memory of %d tokens and budget of %d: must be at least %d and 1", b.Memory, b.Budget, BlockTokens))
	}
	if o.Discipline != "" || o.Prefill != 0 || o.Slowing != 0 || o.FirstToken != 0 {
		problems = append(problems, fmt.Errorf("kind %s: has its own law, so leave out discipline, prefill, slowing and first token", o.Kind))
	}
	return errors.Join(problems...)
}

// seconds is how long an iteration takes.
func (b Batch) seconds(sequences, tokens int, context, attention float64) float64 {
	return b.Overhead + max(b.Base+b.Sequence*float64(sequences), b.Token*float64(tokens)) + b.Context*context + b.Attention*attention
}
