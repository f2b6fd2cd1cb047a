// Work like the two traces that Mooncake publishes.

package trace

import (
	"math"
	"math/rand/v2"
)

// What follows is counted in Mooncake's conversation trace (Qin et al., FAST '25): the lengths of first prompts and of
// answers, by how much the next prompt of a session is longer, and how soon it comes.
var (
	conversationFirst = quantiles{{0, 891}, {0.05, 897}, {0.1, 905}, {0.25, 1336}, {0.5, 5264}, {0.75, 13056}, {0.9, 24500}, {0.95, 36000}, {0.99, 80000}, {1, 126195}}
	conversationGrows = quantiles{{0, 1}, {0.05, 20}, {0.1, 63}, {0.25, 260}, {0.5, 471}, {0.75, 831}, {0.9, 3500}, {0.95, 6500}, {0.99, 15000}, {1, 30000}}
	conversationsSay  = quantiles{{0, 1}, {0.01, 3}, {0.05, 10}, {0.1, 24}, {0.2, 100}, {0.3, 213}, {0.4, 291}, {0.5, 350}, {0.6, 399}, {0.7, 447}, {0.8, 504}, {0.9, 597}, {0.95, 698}, {0.99, 1120}, {0.999, 2000}, {1, 2000}}
	// conversationKeeps is how much of the prompt before a session keeps that goes back to an earlier place of it.
	conversationKeeps = quantiles{{0, 0.01}, {0.05, 0.05}, {0.25, 0.12}, {0.5, 0.22}, {0.75, 0.47}, {0.9, 0.9}, {1, 1}}
)

const (
	conversationGap, conversationGapSigma = 123.0, 1.0 // seconds
	conversationBefore                    = 1500.0     // seconds
	conversationLongest                   = 126_195
	conversationBack                      = 0.15 // of the next prompts do not hold the whole one before
	conversationTurns                     = 1.68 // requests of a session in the mean
)

// goesOn is the chance that a session of so many requests has another one; nearly none has that begins below 1,024 tokens.
func goesOn(turns, first int) float64 {
	switch {
	case first < 1024:
		return 0.02
	case turns > 5:
		return 0.64
	}
	return []float64{0.37, 0.42, 0.50, 0.57, 0.60}[turns-1]
}

func makeConversations(m maker, requests int, chance *rand.Rand) []Request {
	var names blocks
	root := names.grow(nil, BlockTokens) // all prompts begin with it
	return bySession(requests, m.rate/conversationTurns, conversationBefore, chance, func() []Request {
		return conversation(root, &names, chance)
	})
}

// conversation is one session, over blocks that others share.
func conversation(root []uint64, names *blocks, chance *rand.Rand) (list []Request) {
	r := Request{PromptTokens: conversationFirst.draw(chance.Float64()), AnswerTokens: conversationsSay.draw(chance.Float64())}
	r.Prefix = names.grow(root, r.PromptTokens)
	list = append(list, r)
	for chance.Float64() < goesOn(len(list), list[0].PromptTokens) {
		keeps := full(r)
		r.At += seconds(gap(conversationGap, conversationGapSigma, chance))
		r.AnswerTokens = conversationsSay.draw(chance.Float64())
		if chance.Float64() < conversationBack {
			keeps = keeps[:int(float64(len(keeps))*min(conversationKeeps.at(chance.Float64()), 1))]
			if len(keeps) == 0 {
				keeps = root
			}
			r.PromptTokens = max(int(float64(r.PromptTokens)*(0.5+chance.Float64())), BlockTokens+1)
		} else {
			r.PromptTokens += conversationGrows.draw(chance.Float64())
		}
		r.PromptTokens = min(r.PromptTokens, conversationLongest)
		r.Prefix = names.grow(keeps, r.PromptTokens)
		list = append(list, r)
	}
	return list
}

// What follows is counted in Mooncake's synthetic trace. Three kinds of sessions make it: short chats of one request,
// long documents with one question, and documents that are asked about again and again.
var (
	shortChats    = quantiles{{0, 13}, {0.05, 19}, {0.25, 27}, {0.5, 60}, {0.75, 250}, {0.9, 600}, {1, 1024}}
	askedOnce     = quantiles{{0, 1024}, {0.1, 3000}, {0.25, 12000}, {0.5, 16500}, {0.75, 21500}, {0.9, 30000}, {0.99, 55000}, {1, 191378}}
	askedOften    = quantiles{{0, 1024}, {0.05, 2900}, {0.1, 5500}, {0.25, 14000}, {0.5, 20500}, {0.75, 32000}, {0.9, 42000}, {0.99, 67000}, {1, 100000}}
	chatsSay      = quantiles{{0, 1}, {0.05, 19}, {0.1, 37}, {0.25, 116}, {0.5, 251}, {0.75, 375}, {0.9, 580}, {0.95, 720}, {0.99, 790}, {1, 893}}
	documentsSay  = quantiles{{0, 1}, {0.05, 4}, {0.1, 10}, {0.25, 60}, {0.5, 180}, {0.75, 280}, {0.9, 350}, {0.99, 500}, {1, 893}}
	questionsSay  = quantiles{{0, 1}, {0.05, 2}, {0.1, 3}, {0.25, 6}, {0.5, 18}, {0.75, 55}, {0.9, 170}, {0.99, 590}, {1, 893}}
	documentKeeps = quantiles{{0, 0.85}, {0.05, 0.9}, {0.25, 0.96}, {0.5, 0.99}, {1, 1}}
)

const (
	documentGap, documentGapSigma = 60.0, 1.3 // seconds between questions
	documentQuestions             = 6.3       // about a document that is asked about again, in the mean
	onceSessions                  = 0.16 / (0.31 + 0.16 + 0.53/documentQuestions)
	chatSessions                  = 0.31 / (0.31 + 0.16 + 0.53/documentQuestions)
)

// makeDocuments has all sessions whole, as Mooncake's does: more of them begin early, and none in the last tenth. Requests
// in that order then come at times of their own.
func makeDocuments(m maker, requests int, chance *rand.Rand) (made []Request) {
	var names blocks
	span := float64(requests) / m.rate
	for number := 1; len(made) < requests; number++ {
		began := 0.9 * span * (1 - math.Pow(chance.Float64(), 2.0/3))
		for _, r := range documentSession(&names, chance) {
			r.Session = number
			r.At += seconds(began)
			made = append(made, r)
		}
	}
	sortByTime(made)
	made = made[:requests]
	at := 0.0
	for i := range made {
		at += chance.ExpFloat64() / m.rate
		made[i].At = seconds(at)
	}
	return made
}

func documentSession(names *blocks, chance *rand.Rand) []Request {
	kind := chance.Float64()
	lengths, says := shortChats, chatsSay
	switch {
	case kind < onceSessions:
		lengths, says = askedOnce, documentsSay
	case kind >= onceSessions+chatSessions:
		return questions(names, chance)
	}
	r := Request{PromptTokens: lengths.draw(chance.Float64()), AnswerTokens: says.draw(chance.Float64())}
	r.Prefix = names.grow(nil, r.PromptTokens)
	return []Request{r}
}

// questions are a session about one document, two at least. Each prompt is the document and a question behind it.
func questions(names *blocks, chance *rand.Rand) (list []Request) {
	r := Request{PromptTokens: askedOften.draw(chance.Float64())}
	document := names.grow(nil, r.PromptTokens)
	for len(list) < 2 || chance.Float64() < 1-1/(documentQuestions-1) {
		r.AnswerTokens = questionsSay.draw(chance.Float64())
		shared := int(float64(len(document)-1) * documentKeeps.at(chance.Float64()))
		r.Prefix = names.grow(document[:shared], r.PromptTokens)
		list = append(list, r)
		r.At += seconds(gap(documentGap, documentGapSigma, chance))
	}
	return list
}
