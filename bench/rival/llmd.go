// The scores by which llm-d chooses.

package rival

import (
	"fmt"

	"github.com/steelyard-proxy/steelyard/balancer"
)

// The weights of llm-d's scorers, and the longest prefix that it looks at.
const (
	llmdQueue, llmdKV, llmdPrefix = 2, 2, 3
	llmdLongest                   = 131_072 // tokens
)

// LLMD is llm-d's default: the sum of three scores between 0 and 1, for a short queue, for free KV memory and for the part
// of the prompt that went to the server before. The first two are what the engine last said.
func LLMD(o Options) balancer.Builder { return newBuilder(llmd("llm-d 2/2/3", likeTheCache, o), o) }

// LLMDPrecise is the same with an index that engines keep up to date by events.
func LLMDPrecise(o Options) balancer.Builder {
	return newBuilder(llmd("llm-d 2/2/3, precise", precise, o), o)
}

func llmd(name string, index indexKind, o Options) rule {
	if o.Every != 0 {
		name = fmt.Sprintf("%s, metrics %v old", name, o.Every)
	}
	return rule{name: name, asks: true, index: index, choose: func(g *gateway, q *request) *server {
		waiting := g.loads(func(s *server) float64 { return float64(s.told.Waiting) })
		return g.least(func(s *server) float64 {
			queue := 1.0
			if waiting.most > waiting.least {
				queue = (waiting.most - float64(s.told.Waiting)) / (waiting.most - waiting.least)
			}
			free := 1 - float64(s.told.UsedTokens)/float64(max(s.told.TotalTokens, 1))
			known := min(g.matched(s, q), llmdLongest) / q.tokens
			return -(llmdQueue*queue + llmdKV*free + llmdPrefix*known)
		})
	}}
}
