package predict

import (
	"math"
	"math/rand/v2"
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

// TestNoHintsAreTheMean: a request that says nothing of its size does not go before all others.
func TestNoHintsAreTheMean(t *testing.T) {
	p := New(Options{})
	require.Equal(t, float64(usualHints), p.Work(nil, Features{}))
	sum, n := 0.0, 0
	of := func(factor float64) world {
		return func(r *rand.Rand) (Features, float64) {
			f, work := linear(0.3)(r)
			sum, n = sum+factor*work, n+1
			return f, factor * work
		}
	}
	mean := func() float64 { return sum / float64(n) }
	p.feed("m", of(1), 100, newRandom(1)) // too few: by hints
	require.InEpsilon(t, mean(), p.Work([]byte("m"), Features{Stream: true}), 0.15)
	p.feed("m", of(1), 1900, newRandom(2))
	require.Equal(t, Regression, p.stateOf("m").Rule)
	require.InEpsilon(t, mean(), p.Work([]byte("m"), Features{}), 0.1)
	require.InEpsilon(t, mean(), p.Work(nil, Features{}), 0.1, "of all together")
	require.Less(t, p.Work([]byte("m"), Features{PromptBytes: 1, MaxTokens: 1}), mean()/2)
	ofM := mean()
	p.feed("other", of(10), 2000, newRandom(3))
	require.InEpsilon(t, ofM, p.Work([]byte("m"), Features{}), 0.1, "the model's own")
	require.InEpsilon(t, mean(), p.Work([]byte("never seen"), Features{}), 0.1)
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
