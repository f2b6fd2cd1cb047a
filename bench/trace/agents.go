// Work that nobody has published a trace of: agents, and calls of tools.

package trace

import "math/rand/v2"

// Agents' sessions share one prompt that says what they are to do. Each request carries what the session has said so
// far, and comes seconds after the one before, answered or not.
const (
	agentPrompt    = 4096 // tokens that all share
	agentTurns     = 10.0 // requests of a session in the mean, those that end by their length included
	agentEnds      = 0.09 // the chance that a request is the last
	agentPause     = 5.0  // seconds between them, and what is random beyond it
	agentPauseMore = 15.0
	agentBefore    = 300.0  // seconds for which sessions have begun before the trace does
	agentLongest   = 60_000 // tokens of a context; a session that has reached it is over
)

var (
	agentTask = quantiles{{0, 50}, {0.1, 120}, {0.5, 500}, {0.9, 2000}, {1, 6000}}
	agentSays = quantiles{{0, 10}, {0.1, 40}, {0.5, 150}, {0.9, 500}, {0.99, 1200}, {1, 2000}}
	agentSees = quantiles{{0, 20}, {0.1, 100}, {0.5, 700}, {0.9, 3000}, {0.99, 12000}, {1, 20000}} // what the tools that it calls say
)

func makeAgent(m maker, requests int, chance *rand.Rand) []Request {
	var names blocks
	root := names.grow(nil, agentPrompt)
	return bySession(requests, m.rate/agentTurns, agentBefore, chance, func() (list []Request) {
		r := Request{PromptTokens: agentPrompt + agentTask.draw(chance.Float64())}
		shared := root
		for r.PromptTokens <= agentLongest {
			r.AnswerTokens = agentSays.draw(chance.Float64())
			r.Prefix = names.grow(shared, r.PromptTokens)
			list = append(list, r)
			if chance.Float64() < agentEnds {
				break
			}
			shared = full(r)
			r.At += seconds(agentPause + agentPauseMore*chance.ExpFloat64())
			r.PromptTokens += r.AnswerTokens + agentSees.draw(chance.Float64())
		}
		return list
	})
}

// Two fifths of the work with tools are conversations. Two fifths share a prompt of twelve blocks, as that of an agent
// with many tools is, and are answered by a call; a fifth share five blocks and are answered in a line.
const (
	toolBlocks, lineBlocks = 12, 5
	toolOwn                = 1353.0 // tokens behind the shared prompt, in the mean: with it the mean prompt is 8,596
	toolLeast, toolMost    = 3, 60  // tokens of a call
	lineTokens             = 20
)

func makeTool(m maker, requests int, chance *rand.Rand) []Request {
	var names blocks
	root := names.grow(nil, BlockTokens)
	tools, line := names.grow(nil, toolBlocks*BlockTokens), names.grow(nil, lineBlocks*BlockTokens)
	// A session of conversation is conversationTurns requests, the others are one.
	const conversations = 0.4 / conversationTurns
	const sessions = conversations + 0.4 + 0.2 // per request
	return bySession(requests, m.rate*sessions, conversationBefore, chance, func() []Request {
		kind := chance.Float64() * sessions
		if kind < conversations {
			return conversation(root, &names, chance)
		}
		shared, answer := line, lineTokens
		if kind < conversations+0.4 {
			shared, answer = tools, toolLeast+chance.IntN(toolMost-toolLeast+1)
		}
		r := Request{PromptTokens: len(shared)*BlockTokens + 1 + int(toolOwn*chance.ExpFloat64()), AnswerTokens: answer}
		r.Prefix = names.grow(shared, r.PromptTokens)
		return []Request{r}
	})
}
