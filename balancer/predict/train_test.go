package predict

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// add gives a trainer n good rows of a world.
func (t *Trainer) add(model string, w world, n int) {
	random := newRandom(uint64(n))
	for range n {
		f, work := w(random)
		t.Add(&Row{Model: model, Features: f, Work: work, Class: "answered", Status: 200})
	}
}

func TestTrainingRecoversTheCoefficients(t *testing.T) {
	trainer := NewTrainer(TrainOptions{})
	trainer.add("m", linear(0), 3000)
	_, trained, err := trainer.Train()
	require.NoError(t, err)
	require.Len(t, trained, 2)
	m := trained[1]
	require.Equal(t, "m", m.Model)
	require.Equal(t, []int{1920, 480, 600}, []int{m.Train, m.Held, m.Score.Rows})
	require.Greater(t, m.Score.Rules[Regression].R2, 0.999)
	require.Greater(t, m.Score.Rules[Regression].R2, m.Score.Rules[Hints].R2)
	require.Len(t, m.Costs, 101)
	require.Less(t, m.Costs[100].Train, m.Costs[0].Train/1000)
	require.Less(t, m.Costs[100].Held, m.Costs[0].Held/1000)
	requireLinear(t, m.ModelState)
}

func TestTrainingIsTheSameForTheSameSeed(t *testing.T) {
	learn := func(seed uint64) []Trained {
		trainer := NewTrainer(TrainOptions{Seed: seed, Epochs: 5})
		trainer.add("a", linear(0.2), 300)
		trainer.add("b", curved, 200)
		_, trained, err := trainer.Train()
		require.NoError(t, err)
		return trained
	}
	require.Equal(t, learn(1), learn(1))
	require.NotEqual(t, learn(1), learn(2))
}

// TestNothingIsChosenByTheTestRows: whatever they say, the formula stays. They can only refuse
// its rule, for the mean.
func TestNothingIsChosenByTheTestRows(t *testing.T) {
	const rows, tested = 300, 60
	learn := func(spoilt map[sample]bool) (Trained, formula, []sample) {
		trainer, random, noise := NewTrainer(TrainOptions{Epochs: 5}), newRandom(1), newRandom(3)
		for i := range rows {
			f, work := linear(0.1)(random)
			s := sampleOf(good("", f, work*(1+float64(i)/1e9))) // no two are the same
			if spoilt[s] {
				s.work = 1000 * noise.ExpFloat64()
			}
			trainer.all = append(trainer.all, s)
		}
		l := newLearner("", &Options{})
		trained := trainer.train(l, trainer.all, newRandom(2))
		return trained, l.formula, trainer.all[:tested]
	}
	before, formula, test := learn(nil)
	require.Equal(t, tested, before.Score.Rows)
	require.Equal(t, Regression, before.Rule)
	spoilt := map[sample]bool{}
	for _, s := range test {
		spoilt[s] = true
	}
	after, same, _ := learn(spoilt)
	require.Less(t, after.Score.Rules[Regression].R2, 0.0)
	require.Equal(t, Mean, same.rule)
	same.rule = formula.rule
	require.Equal(t, formula, same)
}

func TestTrainingNamesTheModelsWithTheMostRows(t *testing.T) {
	trainer := NewTrainer(TrainOptions{MaxModels: 2, Epochs: 2})
	for model, n := range map[string]int{"a": 210, "b": 300, "c": 220, "d": 199, "": 70} {
		trainer.add(model, linear(0.1), n)
	}
	_, trained, err := trainer.Train()
	require.NoError(t, err)
	var names []string
	for _, m := range trained {
		names = append(names, m.Model)
	}
	require.Equal(t, []string{"", "b", "c"}, names)
	require.EqualValues(t, 210+300+220+199+70, trained[0].Rows)
}

func TestTrainingNeedsRows(t *testing.T) {
	trainer := NewTrainer(TrainOptions{})
	trainer.add("m", linear(0.1), 199)
	trainer.Add(&Row{Class: "client_gone"})
	_, _, err := trainer.Train()
	require.EqualError(t, err, "train: there are 199 good rows, and fewer than 200 take noise for a rule")
	require.Equal(t, Counts{Kept: 199, Aborted: 1}, trainer.Cleaned())
}

// TestNoiseIsNotTakenForARule: what says nothing of the work is learned as such, whatever the
// rows that the rule is chosen by make of it.
func TestNoiseIsNotTakenForARule(t *testing.T) {
	for seed := range uint64(40) {
		trainer := NewTrainer(TrainOptions{Seed: seed, Epochs: 20})
		trainer.add("m", uninformed, 210)
		_, trained, err := trainer.Train()
		require.NoError(t, err)
		for _, m := range trained {
			if m.Proven() {
				require.GreaterOrEqual(t, m.Score.Rules[m.Rule].R2, m.Score.Rules[Mean].R2+leastGain)
			}
		}
	}
}

// TestProven: the best rule by the rows to choose by, unless the test rows say no.
func TestProven(t *testing.T) {
	of := func(hints, regression float64) *Score {
		return &Score{Rules: [ruleCount]RuleScore{Hints: {R2: hints}, Regression: {R2: regression}}}
	}
	for _, c := range []struct {
		choice, test *Score
		want         Rule
	}{
		{of(0.1, 0.9), of(0.1, 0.9), Regression},
		{of(0.1, 0.9), of(0.9, 0.1), Regression},
		{of(0.5, 0.9), of(0.3, -1.7), Hints},
		{of(0.9, 0.5), of(-1.7, 0.3), Regression},
		{of(0.5, 0.9), of(0.01, -1.7), Mean},
		{of(0.01, 0.9), of(0.9, -1.7), Mean},
		{of(-1, -1), of(0.9, 0.9), Mean},
	} {
		require.Equal(t, c.want, proven(c.choice, c.test), "%+v %+v", c.choice.Rules, c.test.Rules)
	}
}

func TestWhatIsTrainedServes(t *testing.T) {
	trainer := NewTrainer(TrainOptions{})
	trainer.add("m", linear(0.1), 2000)
	p, _, err := trainer.Train()
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "work.json")
	require.NoError(t, p.Save(path))
	q := New(Options{})
	require.NoError(t, q.Load(path))
	require.InEpsilon(t, 8, q.Work([]byte("m"), Features{PromptBytes: 4000, MaxTokens: 500}), 0.05)
	q.feed("m", linear(0.1), 1000, newRandom(5))
	require.InEpsilon(t, 8, q.Work([]byte("m"), Features{PromptBytes: 4000, MaxTokens: 500}), 0.05)
}
