package predict

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestWorkHasItsUnitFromTheFirstRowOn, whichever model it is of.
func TestWorkHasItsUnitFromTheFirstRowOn(t *testing.T) {
	p, now := New(Options{}), time.Now()
	require.False(t, p.overall.formula.scaled())
	p.take(&Row{Model: "m", Features: Features{MaxTokens: 100}, Work: 1.5, Class: "failed"}, now)
	p.learn(now)
	require.False(t, p.overall.formula.scaled(), "an error tells nothing")
	p.take(good("m", Features{MaxTokens: 500}, 1.5), now)
	p.learn(now)
	require.True(t, p.overall.formula.scaled())
	for _, model := range []string{"m", "never seen"} {
		require.InEpsilon(t, 3, p.Work([]byte(model), Features{MaxTokens: 1000}), 1e-9)
		require.InEpsilon(t, 1.5, p.Work([]byte(model), Features{}), 1e-9)
	}
}

// TestNothingComesBeforeTheUnit: many models with more that is new do not.
func TestNothingComesBeforeTheUnit(t *testing.T) {
	p, now, random := New(Options{}), time.Now(), newRandom(1)
	for range 24 {
		for m := range 8 {
			f, work := linear(0.1)(random)
			p.take(good(fmt.Sprint("model ", m), f, work), now)
		}
	}
	for _, l := range p.models {
		l.fresh = 1000
	}
	p.learn(now)
	require.True(t, p.overall.formula.scaled())
}

// TestTheOrderHasNoUnit: who goes first by hints is the same before and after they are scaled.
func TestTheOrderHasNoUnit(t *testing.T) {
	p, random := New(Options{}), newRandom(2)
	var asked []Features
	for range 500 {
		asked = append(asked, someFeatures(random))
	}
	order := func() []Features {
		return slices.SortedStableFunc(slices.Values(asked), func(a, b Features) int {
			return cmp.Compare(p.Work(nil, a), p.Work(nil, b))
		})
	}
	before := order()
	p.feed("", linear(0.1), 100, random)
	require.True(t, p.overall.formula.scaled())
	require.Equal(t, Hints, p.stateOf("").Rule)
	require.Equal(t, before, order())
}

// TestTheUnitDoesNotJump: what requests come to together is the same by the hints of few rows,
// by a regression, and for a model that goes by the hints beside one that has a regression.
func TestTheUnitDoesNotJump(t *testing.T) {
	for name, w := range map[string]world{"linear": linear(0.3), "curved": curved, "uninformed": uninformed} {
		t.Run(name, func(t *testing.T) {
			p, random := New(Options{MaxRows: 20_000}), newRandom(3)
			of := func(model string) float64 {
				predicted, done, random := 0.0, 0.0, newRandom(4)
				for range 20_000 {
					f, work := w(random)
					predicted += p.Work([]byte(model), f)
					done += work
				}
				return math.Log(predicted / done)
			}
			p.feed("m", w, 150, random)
			require.Equal(t, Hints, p.stateOf("").Rule)
			require.InDelta(t, 0, of("m"), 0.25, "of few rows")
			p.feed("m", w, 10_000, random)
			require.NotEqual(t, Hints, p.stateOf("m").Rule)
			require.InDelta(t, 0, of("m"), 0.06)
			p.overall.formula.rule = Hints
			p.publish()
			require.InDelta(t, 0, of("never seen"), 0.06)
		})
	}
}

// TestTheUnitIsSaved: what is loaded is scaled, or has learned nothing.
func TestTheUnitIsSaved(t *testing.T) {
	p := New(Options{})
	path := filepath.Join(t.TempDir(), "work.json")
	for _, scaled := range []bool{false, true} {
		if scaled {
			p.feed("m", linear(0.1), 5, newRandom(5))
		}
		require.NoError(t, p.Save(path))
		q := New(Options{})
		require.NoError(t, q.Load(path))
		require.Equal(t, scaled, q.overall.formula.scaled())
		f := Features{PromptBytes: 400, MaxTokens: 10}
		require.Equal(t, p.Work(nil, f), q.Work(nil, f))
	}
}

// TestSizesHaveNoUnit: they come to one each, before anything was learned by guess, and after by
// what was; and their order is that of the work.
func TestSizesHaveNoUnit(t *testing.T) {
	p, random := New(Options{}), newRandom(6)
	require.Equal(t, 1.0, p.Size(nil, Features{}), "nothing is said of it: it is the mean")
	require.Equal(t, 2.0, p.Size([]byte("m"), Features{MaxTokens: 2 * usualHints}))
	for _, unit := range []float64{1e-9, 1, 1e9} {
		p = New(Options{})
		p.feed("m", func(r *rand.Rand) (Features, float64) { f, work := linear(0.1)(r); return f, unit * work }, 5000, random)
		sum := 0.0
		for range 5000 {
			f := someFeatures(random)
			size := p.Size([]byte("m"), f)
			require.InEpsilon(t, p.Work([]byte("m"), f)/p.overall.formula.mean, size, 1e-9)
			sum += size
		}
		require.InDelta(t, 1, sum/5000, 0.1, "in units of %g", unit)
	}
}
