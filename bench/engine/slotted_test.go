package engine

import (
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestEnginesDoAllTheWork: whatever the discipline and however the speed changes, an
// engine with its slots full does as much work as its capacity says.
func TestEnginesDoAllTheWork(t *testing.T) {
	for _, o := range []Options{
		{Capacity: 10}, {Capacity: 10, Slots: 3}, {Capacity: 10, Discipline: Sharing}, {Capacity: 10, Slots: 3, Discipline: Sharing},
		{Capacity: 10, Slots: 3, Slowing: 0.25},
	} {
		const count = 1000
		chance, work, total := rand.New(rand.NewPCG(1, 4)), make([]float64, count), 0.0
		e := newSlotted(o)
		assert.True(t, math.IsInf(e.Due(), 1), "an idle engine has nothing due")
		for i := range work {
			work[i] = 0.1 + chance.ExpFloat64()
			total += work[i]
			e.Enter(0, int32(i), Job{Work: work[i], Tokens: i % 3})
		}
		now, possible, given := 0.0, 0.0, total
		pass := func(until float64) {
			possible += e.Capacity() * (until - now)
			now = until
		}
		for e.State().Load() > max(o.Slots, 1) {
			if chance.IntN(10) == 0 {
				pass(now + (e.Due()-now)*chance.Float64())
				e.SetCapacity(now, 1+20*chance.Float64())
			}
			pass(e.Due())
			for _, event := range e.Next() {
				if event.What == Done {
					given -= work[event.ID]
				}
			}
		}
		for id, j := range e.jobs { // what they have had already counts as well
			possible += j.began + j.Work - e.decoding.served
			given -= work[id]
		}
		assert.InDelta(t, 0, given, 1e-9, "none may end twice")
		assert.InEpsilon(t, total, possible, 1e-9, "%+v", o)
	}
}

// ends lives until then, and returns when each request was done.
func ends(e Engine, until float64) map[int32]float64 {
	at := map[int32]float64{}
	for e.Due() <= until {
		now := e.Due()
		for _, event := range e.Next() {
			if event.What == Done {
				at[event.ID] = now
			}
		}
	}
	return at
}

func requireEnds(t *testing.T, e Engine, want map[int32]float64) {
	t.Helper()
	got := ends(e, math.MaxFloat64)
	require.Len(t, got, len(want))
	for id, at := range want {
		require.InDelta(t, at, got[id], 1e-12, "request %d", id)
	}
}

// TestFirstComeIsTheRecursion of Kiefer and Wolfowitz: each request begins on the slot that is free first, and not before
// it came.
func TestFirstComeIsTheRecursion(t *testing.T) {
	for _, slots := range []int{1, 3} {
		e, draws := New(Options{Capacity: 100, Slots: slots}), rand.New(rand.NewPCG(1, 1))
		free, at := make([]float64, slots), 0.0
		want, got := map[int32]float64{}, map[int32]float64{}
		for id := range int32(2000) {
			at += draws.ExpFloat64() / 90
			work := draws.ExpFloat64()
			slices.Sort(free)
			free[0] = max(free[0], at) + work*float64(slots)/100
			want[id] = free[0]
			maps.Copy(got, ends(e, at))
			e.Enter(at, id, Job{Work: work})
		}
		maps.Copy(got, ends(e, math.MaxFloat64))
		require.Len(t, got, len(want))
		for id, end := range want {
			require.InDelta(t, end, got[id], 1e-9, "request %d", id)
		}
	}
}

// TestTokensAreTold: 0.5 s for the prompt, then four tokens of 0.25 s each.
func TestTokensAreTold(t *testing.T) {
	e := New(Options{Capacity: 1, Prefill: 100})
	require.Equal(t, []Event{{What: Began, ID: 1}}, e.Enter(0, 1, Job{PromptTokens: 50, Work: 1, Tokens: 4}))
	require.Empty(t, e.Enter(0.1, 2, Job{Work: 1}))
	require.Equal(t, 1, e.State().Waiting)
	require.Equal(t, 0.5, e.Due())
	require.Empty(t, e.Next())
	for made := 1; made < 4; made++ {
		require.InDelta(t, 0.5+0.25*float64(made), e.Due(), 1e-12)
		require.Equal(t, []Event{{What: Token, ID: 1, Made: made}}, e.Next())
	}
	require.Equal(t, []Event{{What: Done, ID: 1, Made: 4}, {What: Began, ID: 2}}, e.Next())
	require.Equal(t, 2.5, e.Due())
}

// TestFirstTokenIsPartOfAUnit, is paid once, and slows nobody else.
func TestFirstTokenIsPartOfAUnit(t *testing.T) {
	e := New(Options{Capacity: 10, Slots: 2, FirstToken: 50e6})
	e.Enter(0, 1, Job{Work: 1})
	e.Enter(0, 2, Job{Work: 3})
	requireEnds(t, e, map[int32]float64{1: 0.2, 2: 0.05 + 3*0.15})
}

func TestStretchIsOfWhatBegins(t *testing.T) {
	e := New(Options{Capacity: 1, Prefill: 10})
	e.Enter(0, 1, Job{Work: 1, PromptTokens: 1})
	e.SetStretch(10)
	e.Enter(0, 2, Job{Work: 1, PromptTokens: 1})
	requireEnds(t, e, map[int32]float64{1: 1.1, 2: 12.1})
}

func TestNothingMovesAtNoSpeed(t *testing.T) {
	e := New(Options{Capacity: 1, Prefill: 10})
	e.Enter(0, 1, Job{Work: 1, PromptTokens: 10})
	e.SetCapacity(1, 0) // at the very end of the prompt
	require.True(t, math.IsInf(e.Due(), 1))
	e.Enter(5, 2, Job{Work: 1})
	e.SetCapacity(10, 0.5)
	requireEnds(t, e, map[int32]float64{1: 12, 2: 14})
}

func TestWhoLeavesMakesRoom(t *testing.T) {
	e := New(Options{Capacity: 1, Prefill: 10})
	e.Enter(0, 1, Job{Work: 9})
	e.Enter(0, 2, Job{Work: 9})
	e.Enter(0, 3, Job{Work: 1, PromptTokens: 10})
	e.Enter(0, 4, Job{Work: 1})
	require.Empty(t, e.Leave(1, 2))
	require.Equal(t, 2, e.State().Waiting)
	require.Equal(t, []Event{{What: Began, ID: 3}}, e.Leave(2, 1))
	require.Equal(t, []Event{{What: Began, ID: 4}}, e.Leave(2.5, 3), "while its prompt is read")
	requireEnds(t, e, map[int32]float64{4: 3.5})
	require.Zero(t, e.State().Load())
}

// TestTimeDoesNotGoBack: what is said to have come before something that has happened comes after it.
func TestTimeDoesNotGoBack(t *testing.T) {
	e := New(Options{Capacity: 1})
	e.Enter(2, 1, Job{Work: 1})
	e.Leave(2.5, 1)
	e.Enter(2.2, 2, Job{Work: 1})
	requireEnds(t, e, map[int32]float64{2: 3.5})
}

// What Sustains says is what the model does when it is never idle, however
// lengths are spread.
func TestSustainsIsTheThroughputOfABusyEngine(t *testing.T) {
	o := Options{Capacity: 4.534, Slots: 8, Prefill: 8000, Slowing: 0.055}
	draws := rand.New(rand.NewPCG(1, 2))
	for name, length := range map[string]func() float64{
		"uniform":     func() float64 { return 2 * draws.Float64() },
		"exponential": draws.ExpFloat64,
	} {
		for _, prompt := range []float64{10, 1000} {
			e := newSlotted(o)
			const requests = 30_000
			for id := range int32(requests) {
				e.Enter(0, id, Job{Work: length(), PromptTokens: int(prompt * length())})
			}
			now := 0.0
			for e.State().Waiting > 0 {
				now = e.Due()
				e.Next()
			}
			require.InEpsilon(t, o.Sustains(prompt), requests/now, 0.03, "%s, prompts of %v tokens", name, prompt)
		}
	}
	require.Equal(t, 100.0, Options{Capacity: 100}.Sustains(1000))
	o.Slots, o.Prefill = 4000, 1e9
	require.False(t, math.IsNaN(o.Sustains(1)))
	require.InEpsilon(t, o.Capacity, o.Sustains(1), 0.01)
}

func TestLawsThatCannotWorkAreRefused(t *testing.T) {
	for want, o := range map[string]Options{
		"capacity 0: give the units of work":              {},
		"capacity -1: give the units of work":             {Capacity: -1},
		"capacity +Inf: give the units of work":           {Capacity: math.Inf(1)},
		"slots -2: must be at least 1":                    {Capacity: 1, Slots: -2},
		"first token 1s: must lie between 0 and the 80ms": {Capacity: 100, Slots: 8, FirstToken: 1e9},
		"first token -1ns: must lie between 0":            {Capacity: 100, FirstToken: -1},
		`there is no discipline "sharig": did you mean`:   {Capacity: 1, Discipline: "sharig"},
		"slowing -1: must lie between 0 and 1":            {Capacity: 1, Slowing: -1},
		"prefill NaN: must be a number of 0 or more":      {Capacity: 1, Prefill: math.NaN()},
		"so the discipline must be first_come":            {Capacity: 1, Slowing: 1, Discipline: Sharing},
		"first token: follows from the prefill speed":     {Capacity: 1, Prefill: 1, FirstToken: 1},
	} {
		require.ErrorContains(t, o.Check(), want)
	}
}
