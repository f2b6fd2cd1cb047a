// The numbers that the rule goes by.

package cost

import "time"

// Tuning is the numbers that the rule goes by.
type Tuning struct {
	Gateways int // that send to the same servers as this one, itself included

	Attention float64 // work of reading that a token adds for each token before it, in tokens
	Stall     float64 // how much a second counts for which somebody who is being answered is held up
	Writing   float64 // how much a second after the first token counts, where one before it counts 1
	// Patience bounds what the few pay for the many: a wait as long as the reading of so many usual prompts counts twice, and
	// one that is twice as long three times; 0: it counts as it is.
	//
	// Without it, in the busiest part of Azure's conversations on four A100 (bench/sim), R is 0.74 of least_load's, but the mean
	// time to the first token is 1.9 and its 99th percentile 3.9 of that: the longest prompts queue at one or two engines, since
	// there they hold up nobody. With 12 that is 0.79, 1.2 and 1.9. Where the engines are less pressed or prompts long it changes R by 1 %; on
	// chat at a load of 0.7 by 5 %, from 0.84 to 0.89. A bound in seconds did harm where prompts are long.
	Patience float64
	Begun    float64 // of the first prompt that is being read at most this part is taken for done, 0 to 1

	Rate      float64       // tokens of prompt a second that a server reads, before any was measured
	Step      time.Duration // a token takes, before that was measured
	Sample    time.Duration // how often a gap between tokens is measured at most
	Slack     float64       // a request that shows no first token is taken for read after so many times what was reckoned,
	Unseen    time.Duration // and this
	LeastRead int64         // work of a prompt whose reading is measured
	Trust     float64       // the prior counts as so many measurements at first
}

// Sped returns the numbers for servers whose time runs so many times as fast as the clock.
func (t Tuning) Sped(times float64) Tuning {
	faster := func(d time.Duration) time.Duration { return time.Duration(float64(d) / times) }
	t.Rate *= times
	t.Step, t.Sample, t.Unseen = faster(t.Step), faster(t.Sample), faster(t.Unseen)
	return t
}

// Tuned is the numbers in use.
var Tuned = Tuning{
	Gateways:  1,
	Attention: 2.5e-5, Stall: 0.5, Writing: 0.5, Patience: 12, Begun: 0.95,
	Rate: 10_000, Step: 20 * time.Millisecond, Sample: 100 * time.Millisecond,
	Slack: 1.1, Unseen: 20 * time.Millisecond, LeastRead: 1000, Trust: 5,
}
