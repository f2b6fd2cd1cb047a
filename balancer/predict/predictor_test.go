package predict

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestHintsBeforeAnythingWasSeen(t *testing.T) {
	p := New(Options{})
	require.Equal(t, 325.0, p.Work([]byte("any"), Features{PromptBytes: 500, MaxTokens: 200}))
	require.Equal(t, 125.0, p.Work(nil, Features{PromptBytes: 500}))
	for _, f := range []Features{{}, {PromptBytes: -5, MaxTokens: -1}, {PromptBytes: math.MaxInt, MaxTokens: math.MaxInt}} {
		work := p.Work(nil, f)
		require.Greater(t, work, 0.0, "%+v", f)
		require.False(t, math.IsInf(work, 0), "%+v", f)
	}
}

func TestFinishedNeverWaits(t *testing.T) {
	p := New(Options{Buffer: 2})
	for range 5 {
		p.Finished(Row{})
	}
	require.EqualValues(t, 3, p.dropped.Load())
}

func TestWorkAllocatesNothing(t *testing.T) {
	p := New(Options{})
	model := []byte("llama")
	require.Zero(t, testing.AllocsPerRun(100, func() { p.Work(model, Features{PromptBytes: 500, MaxTokens: 200}) }))
}
