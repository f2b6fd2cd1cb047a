// Work like the two traces that Azure published in 2023.

package trace

import (
	"math"
	"math/rand/v2"
)

// The lengths of Azure's traces of 2023 (Patel et al., Splitwise, ISCA 2024).
var (
	chatAsks = quantiles{{0, 2}, {0.01, 29}, {0.05, 181}, {0.1, 207}, {0.2, 387}, {0.3, 403}, {0.4, 703}, {0.5, 1020}, {0.6, 1071}, {0.7, 1130}, {0.75, 1189}, {0.8, 1315}, {0.9, 2735}, {0.95, 4083}, {0.99, 4142}, {0.999, 6212}, {1, 14050}}
	chatSays = quantiles{{0, 7}, {0.01, 16}, {0.05, 41}, {0.1, 54}, {0.2, 77}, {0.3, 91}, {0.4, 103}, {0.5, 129}, {0.6, 177}, {0.65, 290}, {0.7, 384}, {0.8, 400}, {0.9, 424}, {0.95, 451}, {0.99, 601}, {0.999, 954}, {1, 1000}}
	codeAsks = quantiles{{0, 3}, {0.01, 17}, {0.05, 75}, {0.1, 147}, {0.2, 385}, {0.3, 770}, {0.4, 1075}, {0.5, 1469}, {0.6, 1909}, {0.7, 2433}, {0.8, 3193}, {0.9, 5194}, {0.95, 7315}, {0.99, 7436}, {1, 7437}}
	codeSays = quantiles{{0, 6}, {0.05, 6}, {0.1, 7}, {0.2, 8}, {0.3, 9}, {0.4, 11}, {0.5, 13}, {0.6, 16}, {0.7, 20}, {0.8, 29}, {0.9, 55}, {0.95, 90}, {0.99, 252}, {0.999, 831}, {1, 1899}}
)

// busier is by how much the rate of chat rises in its middle over the mean, and falls below it at both ends. It is what
// makes the gaps' coefficient of variation 1.09.
const busier = 0.4

func makeChat(m maker, requests int, chance *rand.Rand) []Request {
	made := make([]Request, requests)
	span := float64(requests) / m.rate
	for i, x := 0, 0.0; i < requests; i++ {
		x += chance.ExpFloat64() / float64(requests) // the part of all arrivals that should have come
		made[i] = Request{At: seconds(span * whenCame(x)), PromptTokens: chatAsks.draw(chance.Float64()), AnswerTokens: chatSays.draw(chance.Float64())}
	}
	return made
}

// whenCame is when a part of all arrivals of chat has come, as a part of the time they take: the root of
// t − busier·sin(2πt)/2π, whose slope is the rate.
func whenCame(part float64) float64 {
	t := part
	for range 30 {
		t -= (t - busier*math.Sin(2*math.Pi*t)/(2*math.Pi) - part) / (1 - busier*math.Cos(2*math.Pi*t))
	}
	return t
}

// Azure's code trace is 58 bursts of 152 requests in the mean, with silences of 43 s between them; inside bursts many
// requests come together.
const (
	codeBurst   = 152.0 // requests
	codeSilence = 48.0  // seconds
)

var codeGaps = quantiles{{0, 0.00002}, {0.1, 0.0002}, {0.25, 0.0021}, {0.4, 0.03}, {0.5, 0.064}, {0.75, 0.104}, {0.9, 0.27}, {0.95, 0.4}, {0.985, 1}, {1, 5}}

func makeCode(m maker, requests int, chance *rand.Rand) []Request {
	made := make([]Request, requests)
	at := 0.0
	for i := range made {
		if chance.Float64() < 1/codeBurst {
			at += codeSilence * chance.ExpFloat64()
		}
		at += codeGaps.at(chance.Float64())
		made[i] = Request{At: seconds(at), PromptTokens: codeAsks.draw(chance.Float64()), AnswerTokens: codeSays.draw(chance.Float64())}
	}
	return Trace{Requests: made}.Stretch(m.rate).Requests
}
