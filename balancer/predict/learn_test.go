package predict

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRecoversTheCoefficients(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and in one goroutine")
	}
	p := New(Options{})
	p.feed("m", linear(0), 20_000, newRandom(1))
	m := p.stateOf("m")
	require.Equal(t, Regression, m.Rule)
	require.Greater(t, m.Score.Rules[Regression].R2, 0.9999)
	requireLinear(t, m)
}

// requireLinear holds a regression to the coefficients that linear makes work by.
func requireLinear(t *testing.T, m ModelState) {
	t.Helper()
	got := map[string]float64{"intercept": m.Intercept}
	for _, term := range m.Terms {
		got[term.Name] = term.Weight
	}
	for name, want := range map[string]float64{
		"intercept": 2, "prompt": 0.001, "max_tokens": 0.01, "max_tokens_not_said": 5, "stream": 0.5,
	} {
		require.InEpsilon(t, want, got[name], 0.01, name)
	}
}

func TestBeatsTheHintsInALinearWorld(t *testing.T) {
	p := New(Options{})
	p.feed("m", linear(0.3), 10_000, newRandom(2))
	m := p.stateOf("m")
	require.Equal(t, Regression, m.Rule)
	require.Greater(t, m.Score.Rules[Regression].R2, 0.9)
	require.Greater(t, m.Score.Rules[Regression].R2, m.Score.Rules[Hints].R2+0.1)
	require.Less(t, m.Score.Rules[Regression].MAE, m.Score.Rules[Hints].MAE/2)

	random := newRandom(3)
	for range 1000 { // and so does what is published, on requests that nobody has seen
		f, work := linear(0)(random)
		require.InDelta(t, work, p.Work([]byte("m"), f), 0.2*work+1)
	}
}

func TestTakesAllForAlikeWhereHintsTellNothing(t *testing.T) {
	p := New(Options{})
	random := newRandom(4)
	p.feed("m", uninformed, 10_000, random)
	m := p.stateOf("m")
	require.Equal(t, Mean, m.Rule)
	require.Less(t, m.Score.Rules[Hints].R2, 0.0)
	first := p.Work([]byte("m"), someFeatures(random))
	require.InEpsilon(t, 1, first, 0.1)
	for range 100 {
		require.Equal(t, first, p.Work([]byte("m"), someFeatures(random)), "requests keep the order they came in")
	}
}

func TestKeepsTheHintsWhereTheyAreBest(t *testing.T) {
	p := New(Options{MinRows: 1000})
	random := newRandom(5)
	p.feed("m", hinted, 500, random)
	m := p.stateOf("m")
	require.False(t, m.Ready, "too few rows")
	f := Features{PromptBytes: 400, MaxTokens: 100}
	require.InEpsilon(t, 2, p.Work([]byte("m"), f), 0.05, "scaled to the unit of work")
	require.Equal(t, p.Work([]byte("m"), f), p.Work([]byte("never seen"), f))
}

func TestChoosesTheRuleWithTheLeastError(t *testing.T) {
	score := func(hints, regression, mean float64) Score {
		return Score{Rows: 100, Rules: [ruleCount]RuleScore{Hints: {R2: hints}, Regression: {R2: regression}, Mean: {R2: mean}}}
	}
	for _, c := range []struct {
		hints, regression, mean float64
		want                    Rule
	}{
		{0.5, 0.6, -0.01, Regression},
		{0.6, 0.5, -0.01, Hints},
		{0.6, 0.6, 0, Regression},
		{-3, 0.01, 0, Mean},
		{0.015, -80, 0, Mean},
		{-3, -2, -0.01, Mean},
		{-0.8, -0.5, -0.9, Regression},
	} {
		s := score(c.hints, c.regression, c.mean)
		require.Equal(t, c.want, s.best(), "%+v", c)
	}
}

func TestWideTermsServeACurvedWorld(t *testing.T) {
	p := New(Options{})
	p.feed("m", curved, 10_000, newRandom(6))
	m := p.stateOf("m")
	require.Equal(t, Regression, m.Rule)
	require.Len(t, m.Terms, wideTerms)
	require.Greater(t, m.Score.Rules[Regression].R2, m.Score.Rules[Hints].R2+0.1)
}

func TestFollowsAChangedWorld(t *testing.T) {
	p := New(Options{})
	random := newRandom(7)
	p.feed("m", linear(0.1), 10_000, random)
	p.feed("m", func(r *rand.Rand) (Features, float64) { f, work := linear(0.1)(r); return f, 7 * work }, 10_000, random)
	f := Features{PromptBytes: 4000, MaxTokens: 500}
	require.InEpsilon(t, 7*(2+1+5), p.Work([]byte("m"), f), 0.05)
}

// TestPredictionsStayWithinWhatWasSeen learns from rows that no line fits, and asks for what is far outside of them.
func TestPredictionsStayWithinWhatWasSeen(t *testing.T) {
	p := New(Options{})
	random := newRandom(8)
	p.feed("m", func(r *rand.Rand) (Features, float64) {
		f := someFeatures(r)
		if r.IntN(1000) == 0 {
			f.PromptBytes = math.MaxInt
			f.MaxTokens = mostTokens
		}
		return f, 1e-3 + 1e6*math.Pow(r.Float64(), 20)
	}, 8000, random)
	f := &p.models["m"].formula
	require.Greater(t, f.least, 0.0)
	for rule := range ruleCount {
		f.rule = rule
		p.publish()
		for _, x := range []Features{
			{}, {PromptBytes: math.MaxInt, MaxTokens: math.MaxInt}, {PromptBytes: math.MinInt, MaxTokens: math.MinInt},
			{PromptBytes: 1 << 40, MaxTokens: mostTokens, Stream: true}, {MaxTokens: 1},
		} {
			work := p.Work([]byte("m"), x)
			require.Greater(t, work, 0.0)
			require.False(t, math.IsInf(work, 0))
			if rule != Hints {
				require.GreaterOrEqual(t, work, f.least)
				require.LessOrEqual(t, work, f.most)
			}
		}
	}
}

func TestSurvivesWorkAtTheEdgeOfWhatIsKept(t *testing.T) {
	for _, unit := range []float64{leastWork, 1, mostWork / 20} {
		p := New(Options{})
		p.feed("m", func(r *rand.Rand) (Features, float64) {
			f := Features{PromptBytes: 1, MaxTokens: 1 + r.IntN(10)}
			return f, unit * float64(1+f.MaxTokens)
		}, 2000, newRandom(9))
		require.InEpsilon(t, 6*unit, p.Work([]byte("m"), Features{PromptBytes: 1, MaxTokens: 5}), 0.01)
	}
}

func TestAllWorkTheSame(t *testing.T) {
	p := New(Options{})
	p.feed("m", func(r *rand.Rand) (Features, float64) { return Features{PromptBytes: 8, MaxTokens: 3}, 0.25 }, 1000, newRandom(10))
	require.Equal(t, 0.25, p.Work([]byte("m"), Features{PromptBytes: 8, MaxTokens: 3}))
	require.Zero(t, p.stateOf("m").Score.Rules[Mean].R2)
}
