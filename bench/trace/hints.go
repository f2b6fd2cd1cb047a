// What clients say of their requests.

package trace

import "math"

// hint sets what clients say as max_tokens.
func hint(requests []Request, o Options) {
	if o.Hints.None {
		return
	}
	chance := o.chance(hintStream)
	other, otherChance := Request{}, o.chance(otherWorkStream)
	for i := range requests {
		r := &requests[i]
		work := r.Work
		if o.Hints.Random { // what somebody else would have said: hints of the same spread
			works[o.Work](&other, otherChance)
			work = other.Work
		}
		off := math.Exp(o.Hints.Noise * chance.NormFloat64())
		r.MaxTokens = int(min(max(math.Round(work*o.Hints.Tokens*off), 1), math.MaxInt32))
	}
}
