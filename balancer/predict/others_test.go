package predict

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// missing is the mean error of a predictor's sizes in a world, by the mean size.
func missing(p *Predictor, w world) float64 {
	random, sum, predicted, done := newRandom(99), 0.0, 0.0, 0.0
	const n = 4000
	size, work := make([]float64, n), make([]float64, n)
	for i := range n {
		var f Features
		f, work[i] = w(random)
		size[i] = p.Work([]byte("m"), f)
		predicted, done = predicted+size[i], done+work[i]
	}
	for i := range n {
		sum += math.Abs(size[i]/predicted - work[i]/done)
	}
	return sum
}

func taught(w world, rows int, seed uint64) *Predictor {
	p := New(Options{Seed: seed})
	p.feed("m", w, rows, newRandom(seed))
	return p
}

// hear has p hear others as Run would.
func (p *Predictor) hear(t *testing.T, others ...*Predictor) {
	t.Helper()
	var texts [][]byte
	for _, o := range others {
		texts = append(texts, o.Tell())
	}
	require.NoError(t, p.Hear(texts))
	p.learn(p.searched)
}

// A gateway that has begun just now predicts as well as those that were there, whatever their unit of work.
func TestColdPredictorGoesByOthers(t *testing.T) {
	known := taught(linear(0.1), 4000, 1)
	cold := New(Options{})
	before := missing(cold, linear(0.1))
	cold.hear(t, known, taught(linear(0.1), 3000, 2))
	assert.Less(t, missing(cold, linear(0.1)), before/3)
	assert.InDelta(t, missing(known, linear(0.1)), missing(cold, linear(0.1)), 0.02)
	cold.feed("m", linear(0.1), 30, newRandom(3))
	assert.Less(t, missing(cold, linear(0.1)), before/3, "few rows of its own take nothing away")
	assert.Equal(t, uint64(30), cold.stateOf("m").Rows)
	assert.NotContains(t, string(cold.Tell()), `"model":"m"`, "what was heard is not told on")
	cold.hear(t)
	assert.Greater(t, missing(cold, linear(0.1)), before/3, "who is not heard any more counts for nothing")
}

// One that is wrong does no harm: not where there is evidence of our own, nor where most others agree.
func TestWrongOthersDoNoHarm(t *testing.T) {
	wrong := taught(hinted, 4000, 4)
	for _, m := range wrong.models {
		m.formula.weights, m.formula.intercept, m.formula.rule, m.rows = vector{0: 1e3, 1: -1e3}, 1e6, Regression, 1e9
		m.formula.mean, m.formula.least, m.formula.most = 1e3, 1e-3, 1e6
		m.score.Rules[Regression].R2 = 1
	}
	wrong.publish()
	own := taught(linear(0.1), 3000, 5)
	alone := missing(own, linear(0.1))
	own.hear(t, wrong)
	assert.InDelta(t, alone, missing(own, linear(0.1)), 1e-9)
	own.hear(t, wrong, taught(linear(0.1), 3000, 6), taught(linear(0.1), 3000, 7))
	assert.Less(t, missing(own, linear(0.1)), 1.05*alone)
	cold := New(Options{})
	cold.hear(t, wrong, taught(linear(0.1), 3000, 6), taught(linear(0.1), 3000, 7))
	assert.Less(t, missing(cold, linear(0.1)), 3*alone)
}

// However many others there are, together they are no louder than our own evidence.
func TestOthersAreNoLouderThanOurOwn(t *testing.T) {
	mean := func(work, rows float64) opinion {
		return opinion{formula{rule: Hints, scale: work, mean: work, least: work / 2, most: 2 * work}, rows, true}
	}
	own := newLearner("m", &Options{MaxRows: 5120, MinRows: leastRows})
	own.formula, own.ready, own.rows = mean(1, 0).formula, true, 1000
	f, good := merge(own, []opinion{mean(2, 10_000), mean(2, 10_000), mean(2, 10_000)})
	require.True(t, good)
	assert.InDelta(t, 1.5, f.scale, 1e-9)
	f, _ = merge(own, []opinion{mean(2, 500)})
	assert.InDelta(t, 4.0/3, f.scale, 1e-9, "by their rows")
	f, _ = merge(nil, []opinion{mean(2, 500), mean(4, 500)})
	assert.InDelta(t, 3, f.scale, 1e-9)
	_, good = merge(own, nil)
	assert.False(t, good)
}

// What no predictor could have told is left out.
func TestWhatOthersTellIsChecked(t *testing.T) {
	p := New(Options{})
	good := taught(linear(0.1), 1000, 8).Tell()
	require.Error(t, p.Hear([][]byte{[]byte("x"), []byte(strings.Replace(string(good), `"version":1`, `"version":7`, 1)), []byte(strings.Replace(string(good), `"least":`, `"least":-`, 1))}))
	p.learn(p.searched)
	assert.Equal(t, unlearned, *p.table.Load().overall)
	require.NoError(t, p.Hear([][]byte{New(Options{}).Tell()}), "one that has learned nothing says nothing")
	p.learn(p.searched)
	assert.Equal(t, unlearned, *p.table.Load().overall)
	for _, f := range []formula{{}, {mean: math.NaN()}, {mean: 1, scale: 1, least: 1, most: math.Inf(1)}, {mean: 1e9, scale: 1, least: 1, most: 1e9}} {
		assert.False(t, f.sane(1))
	}
}
