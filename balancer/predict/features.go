// What is known of a request before it is sent, and the terms made of it.

package predict

import "math"

// Features is what is known of a request before it is sent.
type Features struct {
	PromptBytes int
	MaxTokens   int // 0 when the request does not say
	Stream      bool
}

const (
	// bytesPerToken turns prompt bytes into tokens, roughly, for English text.
	bytesPerToken = 4
	// mostTokens is more than any model answers: a request with more counts as one without limit.
	mostTokens = 1 << 24
	// mostPrompt bounds what one request can do to the regression, in bytes.
	mostPrompt = 1 << 32
)

// prompt is the length of the prompt in tokens, roughly.
func (f Features) prompt() float64 {
	return float64(min(max(f.PromptBytes, 0), mostPrompt)) / bytesPerToken
}

// tokens is max_tokens, and whether the request has it.
func (f Features) tokens() (float64, bool) {
	if f.MaxTokens <= 0 || f.MaxTokens > mostTokens {
		return 0, false
	}
	return float64(f.MaxTokens), true
}

// hints is how large the request says that it is, in tokens.
func (f Features) hints() float64 {
	tokens, _ := f.tokens()
	return f.prompt() + tokens
}

// The terms of the regression. Those from plainTerms on, the wide ones, are used where they
// help: answers grow less than max_tokens does, since most end before it; a token costs more
// after a long prompt; and clients that stream ask for other answers.
const (
	plainTerms = 4
	wideTerms  = 8
)

var termNames = [wideTerms]string{
	"prompt", "max_tokens", "max_tokens_not_said", "stream",
	"log_prompt", "log_max_tokens", "prompt_x_max_tokens", "stream_x_max_tokens",
}

// vector has the values of the terms.
type vector [wideTerms]float64

// expand sets the terms of a request. It sets the wide ones only if it is asked to.
func (f Features) expand(x *vector, wide bool) {
	prompt := f.prompt()
	tokens, said := f.tokens()
	x[0], x[1], x[2], x[3] = prompt, tokens, 0, 0
	if !said {
		x[2] = 1
	}
	if f.Stream {
		x[3] = 1
	}
	if wide {
		x[4], x[5] = math.Log(1+prompt), math.Log(1+tokens)
		x[6], x[7] = prompt*tokens, x[3]*tokens
	}
}
