// What an iteration computes, and for how long.

package engine

import "slices"

// plan decides what the next iteration computes, and returns how long it takes. First each answer being written gets one token.
// Then the prompts of those who run share what is left of the budget, in order of admission, and then those who wait
// are admitted. There must be somebody in.
func (e *batch) plan() (seconds float64) {
	answers, context := e.write()
	left, attention := e.Budget-answers, 0.0
	for _, q := range e.running {
		if !q.writes {
			left, attention = read(q, left, attention)
		}
	}
	for left > 0 && len(e.waiting) > 0 && len(e.running) < e.slots && e.admit() {
		left, attention = read(e.running[len(e.running)-1], left, attention)
	}
	alone := e.seconds(answers, answers, context, 0)
	seconds = e.seconds(len(e.running), e.Budget-left, context, attention)
	e.sums.Iterations++
	e.sums.Busy += seconds
	e.sums.Stalled += float64(answers) * (seconds - alone)
	return seconds
}

// write gives each answer being written room for one token more. Where there is none the youngest of all who run is thrown
// back. It returns how many answers there are, and the tokens before.
func (e *batch) write() (answers int, context float64) {
	for i := 0; i < len(e.running); i++ {
		q := e.running[i]
		if q.part = 0; !q.writes {
			continue
		}
		for !e.memory.grow() {
			if e.throwBack() == q {
				return answers, context
			}
		}
		q.own++
		q.part = 1
		answers++
		context += float64(q.there)
	}
	return answers, context
}

// throwBack takes the youngest of those who run back to the head of the waiting. All that it had computed is lost, but what is
// remembered of its prompt.
func (e *batch) throwBack() *sequence {
	last := len(e.running) - 1
	q := e.running[last]
	e.running[last] = nil
	e.running = e.running[:last]
	e.release(q)
	e.waiting = slices.Insert(e.waiting, 0, q)
	e.sums.ThrownBack++
	return q
}

// read gives a prompt as much of the budget as is left and it needs.
func read(q *sequence, left int, attention float64) (int, float64) {
	q.part = min(left, q.goal-q.there)
	part := float64(q.part)
	return left - q.part, attention + part*(float64(q.there)+part/2)
}

// admit lets the first of the waiting run, if there is memory for its prompt and all tokens that it has made. At least one token must be
// computed to have the next, even where all is remembered.
func (e *batch) admit() bool {
	q := e.waiting[0]
	goal := q.PromptTokens + q.made
	known, admitted := e.memory.admit(q.chain, goal)
	if !admitted {
		return false
	}
	e.waiting[0] = nil
	e.waiting = e.waiting[1:]
	e.running = append(e.running, q)
	q.goal, q.held, q.own = goal, known, goal-known*BlockTokens
	q.there = min(known*BlockTokens, goal-1)
	e.sums.CachedTokens += int64(q.there)
	if !q.started {
		q.started = true
		e.events = append(e.events, Event{What: Began, ID: q.id, Cached: q.there})
	}
	return true
}
