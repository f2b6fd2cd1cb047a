// How the work of one model's requests is computed.

package predict

// Rule is the way in which a model's work is predicted.
type Rule uint8

const (
	// Hints is prompt bytes / 4 + max_tokens, times one factor that is learned.
	Hints Rule = iota
	// Regression is the weighted sum of all terms.
	Regression
	// Mean is the same work for every request of a model.
	Mean

	ruleCount // how many there are; keep last
)

var ruleNames = [ruleCount]string{"hints", "regression", "mean"}

// String returns the rule in one lower-case word, as metrics and the saved file show it.
func (r Rule) String() string {
	if r >= ruleCount {
		return "unknown"
	}
	return ruleNames[r]
}

// formula computes the work of a model's requests. It is not written once it is published.
type formula struct {
	rule        Rule
	scale       float64 // of Hints: work per token
	mean        float64 // of Mean: work
	intercept   float64 // of Regression: work
	weights     vector  // of Regression: work per unit of each term, not standardised
	wide        bool    // whether the wide terms count
	least, most float64 // work: the range that was seen, within which Regression and Mean stay; 0 < least ≤ most
}

// unlearned is what holds before anything was seen, in tokens: any unit is as good as another.
var unlearned = formula{rule: Hints, scale: 1, mean: usualHints, least: usualHints, most: usualHints}

// scaled says whether the formula is in the unit of work that it is taught in.
func (f *formula) scaled() bool { return *f != unlearned }

// usualHints is the size of a request of which nothing is known, in tokens: a middling one.
const usualHints = 500

// leastHint is the size of a request without any: one byte.
const leastHint = 1.0 / bytesPerToken

// work is finite and above zero, whatever the features.
func (f *formula) work(x Features) float64 {
	if x.PromptBytes <= 0 && x.MaxTokens <= 0 { // it is not small, but says nothing of its size
		return f.mean
	}
	return f.by(f.rule, x)
}

func (f *formula) by(rule Rule, x Features) float64 {
	switch rule {
	case Regression:
		var terms vector
		x.expand(&terms, f.wide)
		sum := f.intercept
		for j := range terms { // those that are not used are zero
			sum += terms[j] * f.weights[j]
		}
		return f.within(sum)
	case Mean:
		return f.within(f.mean)
	}
	// Hints have bounds of their own. The range would be too narrow after few rows.
	return max(x.hints(), leastHint) * f.scale
}

func (f *formula) within(work float64) float64 {
	if !(work > f.least) { // so that NaN is caught too
		return f.least
	}
	return min(work, f.most)
}
