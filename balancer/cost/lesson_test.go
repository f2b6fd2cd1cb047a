package cost

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
)

// One that has seen no request begins with what others know, and goes by its own as soon as it has some.
func TestLessons(t *testing.T) {
	begun := func() *Upstream { u := &Upstream{}; u.Begin(); return u }
	answer := func(u *Upstream, n, events int) {
		for range n {
			u.sent(5000)
			u.answered(&Visit{events: int64(events), bytes: 3000, context: 7000}, Usage{PromptTokens: 1000, CompletionTokens: 2 * events})
		}
	}
	taught := begun()
	_, known := taught.Lesson()
	assert.False(t, known, "nothing was seen")
	answer(taught, 400, 50)
	lesson, known := taught.Lesson()
	assert.True(t, known)

	cold := begun()
	wrong := []Lesson{{}, {Answers: math.NaN()}, {Answers: 100, Events: math.Inf(1), Packed: 1, Bytes: 4}, {Answers: 1e9, Events: 1, Packed: 1, Bytes: 4}, {Answers: 100, Events: -1, Packed: 1, Bytes: 4}}
	cold.Hear(wrong)
	assert.EqualValues(t, usualAnswer, cold.answers.value)
	cold.Hear(append(wrong, lesson, lesson))
	assert.InDelta(t, 50, cold.answers.value, 1)
	assert.InDelta(t, 2, cold.packed.value, 0.1)
	assert.InDelta(t, 3, cold.prompts.value(), 0.1)
	assert.InDelta(t, 5000, cold.usual.work.value, 50)
	assert.InDelta(t, 7000, cold.usual.context.value, 70)

	for range 5 {
		answer(cold, 30, 500)
		cold.Hear([]Lesson{lesson})
	}
	assert.InDelta(t, 500, cold.answers.value, 15, "what was seen here counts alone, however often others tell")
}
