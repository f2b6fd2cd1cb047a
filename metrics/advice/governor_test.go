package advice

import (
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/metrics/usage"
)

// world is an upstream whose R follows from the value of one key.
type world struct {
	t        *testing.T
	governor *Governor
	now      time.Time
	value    float64
	slots    bool
	goal     string
	r        func(value float64) float64 // seconds
	rate     float64                     // requests per second
	draws    *rand.Rand
	acts     []Act
}

func newWorld(t *testing.T, value float64, goal string, r func(float64) float64) *world {
	return &world{t: t, governor: NewGovernor(), now: monday, value: value, goal: goal, r: r, rate: 2, draws: rand.New(rand.NewPCG(1, 1))}
}

// run lets so many minutes pass.
func (w *world) run(minutes int) {
	for range minutes {
		for range int(60 * w.rate) {
			r := row(w.now)
			r.Response = time.Duration(w.r(w.value) * w.draws.ExpFloat64() * 1e9)
			r.Service = r.Response
			w.governor.Add([]usage.Row{r})
		}
		w.now = w.now.Add(time.Minute)
		key := "capacity"
		if w.slots {
			key = "slots"
		}
		advised := []Advice{{ID: "x", Kind: Capacity, Upstream: "chat", Status: Advised, Effect: &Effect{By: ByReplay},
			Changes: []Change{{"chat", "a", key, w.goal}}}}
		for _, act := range w.governor.Step(w.now, advised, func(Change) (float64, bool) { return w.value, true }) {
			require.Len(w.t, act.Moves, 1)
			require.Equal(w.t, w.value, act.Moves[0].From)
			w.value, _ = strconv.ParseFloat(act.Moves[0].Value, 64)
			w.acts = append(w.acts, act)
		}
	}
}

func TestStepsAreSmallAndLeadThere(t *testing.T) {
	w := newWorld(t, 100, "52", func(v float64) float64 { return v / 100 })
	w.run(20)
	require.Len(t, w.acts, 1, "one at a time")
	assert.InDelta(t, 80, w.value, 0.01)
	w.run(200)
	assert.InDelta(t, 52, w.value, 0.01)
	require.Len(t, w.acts, 3)
	for _, act := range w.acts {
		assert.False(t, act.Back)
	}
}

func TestSlotsMoveByWholeNumbers(t *testing.T) {
	w := newWorld(t, 6, "4", func(float64) float64 { return 1 })
	w.slots = true
	w.run(200)
	assert.EqualValues(t, 4, w.value)
	assert.Equal(t, 5.0, bounded("slots", 4, 16))
	assert.Equal(t, 3.0, bounded("slots", 4, 1))
	assert.Equal(t, 1.0, bounded("slots", 1, 1))
}

func TestAStepThatHarmsIsTakenBack(t *testing.T) {
	w := newWorld(t, 100, "52", func(v float64) float64 { return 100 / v })
	w.run(60)
	require.Len(t, w.acts, 2)
	assert.True(t, w.acts[1].Back)
	assert.Equal(t, 100.0, w.value)
	assert.Greater(t, w.acts[1].After, w.acts[1].Before)
	assert.Contains(t, w.acts[1].Why, "before the step")
	w.run(22 * 60)
	assert.Len(t, w.acts, 2, "it is left alone for a day")
	w.run(3 * 60)
	assert.Greater(t, len(w.acts), 2)
}

// TestNoiseIsNoHarm: R does not depend on the value, and differs by chance.
func TestNoiseIsNoHarm(t *testing.T) {
	for seed := range uint64(10) {
		w := newWorld(t, 100, "52", func(float64) float64 { return 1 })
		w.draws = rand.New(rand.NewPCG(seed, 2))
		w.run(300)
		assert.InDelta(t, 52, w.value, 0.01, "seed %d", seed)
	}
}

// TestMoreWorkIsNotBlamedOnTheStep: R is longer because more comes.
func TestMoreWorkIsNotBlamedOnTheStep(t *testing.T) {
	w := newWorld(t, 100, "85", func(float64) float64 { return 1 })
	w.run(20)
	require.Len(t, w.acts, 1)
	w.r, w.rate = func(float64) float64 { return 1.5 }, 4
	w.run(40)
	assert.Len(t, w.acts, 1)
	assert.InDelta(t, 85, w.value, 0.01)
}

func TestNothingIsDoneWithoutProof(t *testing.T) {
	w := newWorld(t, 100, "52", func(float64) float64 { return 1 })
	w.rate = 0.1 // too few to judge by
	w.run(60)
	assert.Empty(t, w.acts)
	g := NewGovernor()
	for range 1000 {
		r := row(monday)
		g.Add([]usage.Row{r})
	}
	current := func(Change) (float64, bool) { return 100, true }
	for _, a := range []Advice{
		{Upstream: "chat", Status: Advised, Effect: &Effect{By: ByEstimate}, Changes: []Change{{"chat", "a", "capacity", "52"}}},
		{Upstream: "chat", Status: NoChange, Effect: &Effect{By: ByReplay}, Changes: []Change{{"chat", "a", "capacity", "52"}}},
		{Upstream: "chat", Status: Advised, Effect: &Effect{By: ByReplay}, Changes: []Change{{"chat", "", "queue.order", "shortest_first"}}},
		{Upstream: "other", Status: Advised, Effect: &Effect{By: ByReplay}, Changes: []Change{{"chat", "a", "capacity", "52"}}},
	} {
		assert.Empty(t, g.Step(monday.Add(5*time.Minute), []Advice{a}, current))
	}
}
