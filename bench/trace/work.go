// How much work the requests of a trace are.

package trace

import (
	"math"
	"math/rand/v2"
)

// The hyperexponential of mean 1 and cv² 10 that is long with probability 0.1: its means
// solve 0.9·m + 0.1·M = 1 and 0.9·m² + 0.1·M² = 5.5, so m = 1 - √½ = 0.293 and
// M = 1 + 9·√½ = 7.364.
const (
	longPart  = 0.1
	shortMean = 1 - 1/math.Sqrt2
	longMean  = 1 + 9/math.Sqrt2
)

// plainPrompt is the prompt of requests whose work has nothing to do with it.
const plainPrompt = 200

// works fill in the work of a request and what its client shows of it. Each draws the
// same number of times for every request.
var works = map[Work]func(r *Request, chance *rand.Rand){
	Exponential: func(r *Request, chance *rand.Rand) {
		r.Work, r.PromptBytes = chance.ExpFloat64(), plainPrompt
	},
	Heavy: func(r *Request, chance *rand.Rand) {
		long, work := chance.Float64() < longPart, chance.ExpFloat64()
		if long {
			r.Work = longMean * work
		} else {
			r.Work = shortMean * work
		}
		r.PromptBytes = plainPrompt
	},
	Constant: func(r *Request, chance *rand.Rand) {
		r.Work, r.PromptBytes = 1, plainPrompt
	},
	LLM: chat,
}

// A chat's lengths in tokens. The medians are those of the conversation trace in Patel et
// al., "Splitwise: Efficient Generative LLM Inference Using Phase Splitting", ISCA 2024,
// section III. The spreads are ours: long tails, answers more so than prompts.
const (
	promptMedian, promptSigma = 1020.0, 0.8
	answerMedian, answerSigma = 129.0, 1.0
	bytesPerToken             = 4.0
	// promptCost is what a token of the prompt costs, in tokens of the answer: the prompt
	// is read in parallel, the answer written one token at a time.
	promptCost = 0.02
)

var chatMean = promptCost*promptMedian*math.Exp(promptSigma*promptSigma/2) + answerMedian*math.Exp(answerSigma*answerSigma/2)

func chat(r *Request, chance *rand.Rand) {
	prompt := math.Ceil(promptMedian * math.Exp(promptSigma*chance.NormFloat64()))
	answer := math.Ceil(answerMedian * math.Exp(answerSigma*chance.NormFloat64()))
	r.Work = (promptCost*prompt + answer) / chatMean
	r.PromptBytes = int(prompt * bytesPerToken)
	r.Stream = true
}
