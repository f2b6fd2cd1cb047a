package engine

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestFinishes(t *testing.T) {
	jobs := make([]Job, 400)
	for i := range jobs {
		jobs[i] = Job{Work: 1, Tokens: 1}
	}
	assert.InEpsilon(t, 50, Finishes(Options{Capacity: 50, Slots: 4}, jobs), 1e-6, "an engine of slots finishes its capacity")

	for i := range jobs {
		jobs[i] = Job{PromptTokens: 2048, Tokens: 1}
	}
	// A prompt is one iteration of the whole budget, whose tokens attend to those before them.
	a100 := kinds["a100"]
	alone := a100.seconds(1, 2048, 0, 2048*1024)
	assert.InEpsilon(t, 1/alone, Finishes(Options{Kind: "a100"}, jobs), 0.01)

	assert.Zero(t, Finishes(Options{Kind: "l4"}, []Job{{PromptTokens: 1_000_000, Tokens: 1}}), "what never fits")
	assert.Zero(t, Finishes(Options{Kind: "l4"}, nil))
}
