package engine

import (
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// by hand: an iteration takes 1 s + max(2 s + n, T/10 s) + X/100 s + A/1000 s.
var byHand = Options{Kind: "a100", Batch: Batch{
	Overhead: 1, Base: 2, Sequence: 1, Token: 0.1, Context: 0.01, Attention: 0.001, Memory: 10_000, Budget: 100,
}}

// next requires that something happens at that time.
func next(t *testing.T, e Engine, at float64, want ...Event) {
	t.Helper()
	require.InDelta(t, at, e.Due(), 1e-9)
	got := e.Next()
	require.Len(t, got, len(want))
	for i := range want {
		require.Equal(t, want[i], got[i])
	}
}

// TestIterationsByHand: two requests. The first reads 150 tokens in two parts, writes one beside the second's prompt, and
// ends.
func TestIterationsByHand(t *testing.T) {
	e := New(byHand)
	require.True(t, math.IsInf(e.Due(), 1))
	require.Equal(t, []Event{{What: Began, ID: 1}}, e.Enter(0, 1, Job{PromptTokens: 150, Tokens: 3}))
	require.Empty(t, e.Enter(1, 2, Job{PromptTokens: 60, Tokens: 1}), "the iteration has begun")
	require.Equal(t, State{Running: 1, Waiting: 1, Reading: 1, UsedTokens: 150, TotalTokens: 10_000,
		Iterations: 1, Busy: 16}, e.State())

	// 100 tokens: 1 + max(3, 10) + 100·50/1000. Then 50 more and the first 50 of the second.
	next(t, e, 16, Event{What: Began, ID: 2})
	// 1 + max(4, 10) + 50·125/1000 + 50·25/1000.
	second := 16 + 11 + 6.25 + 1.25
	next(t, e, second, Event{What: Token, ID: 1, Made: 1})
	// One written and 10 read: 1 + max(4, 1.1) + 150/100 + 10·55/1000; without the prompt it is 1 + 3 + 1.5.
	third := second + 5 + 1.5 + 0.55
	require.InDelta(t, 1.55, e.State().Stalled, 1e-9)
	next(t, e, third, Event{What: Token, ID: 1, Made: 2}, Event{What: Done, ID: 2, Made: 1})
	next(t, e, third+1+3+1.51, Event{What: Done, ID: 1, Made: 3})
	require.True(t, math.IsInf(e.Due(), 1))
	got := e.State()
	require.Zero(t, got.Load()+got.UsedTokens+got.KeptTokens)
	require.EqualValues(t, 210, got.ComputedTokens)
	require.EqualValues(t, 4, got.MadeTokens)
	require.EqualValues(t, 4, got.Iterations)
}

// TestPrefixesAreRemembered, but for the last token, which must be computed to have the next.
func TestPrefixesAreRemembered(t *testing.T) {
	o := byHand
	o.Batch.Budget = 5000
	e := New(o)
	job := Job{PromptTokens: 1024, Tokens: 1, Prefix: []uint64{7, 8}}
	e.Enter(0, 1, job)
	e.Next()
	require.Equal(t, 1024, e.State().KeptTokens)
	require.Zero(t, e.State().UsedTokens)
	require.Equal(t, []Event{{What: Began, ID: 2, Cached: 1023}}, e.Enter(e.Due()+1000, 2, job)[:1:1])
	e.Next()
	longer := Job{PromptTokens: 1600, Tokens: 1, Prefix: []uint64{7, 8, 9, 10}}
	require.Equal(t, []Event{{What: Began, ID: 3, Cached: 1024}}, e.Enter(5000, 3, longer))
	require.Equal(t, 1600, e.State().UsedTokens)
	e.Next()
	require.Equal(t, 1536, e.State().KeptTokens, "the block that is not full is not kept")
	require.Equal(t, []Event{{What: Began, ID: 4}}, e.Enter(6000, 4, Job{PromptTokens: 1024, Tokens: 1, Prefix: []uint64{8, 7}}))
	e.Next()
	require.EqualValues(t, 1023+1024, e.State().CachedTokens)
	require.EqualValues(t, 1024+1+576+1024, e.State().ComputedTokens)

	e.Restart(7000)
	require.Zero(t, e.State().KeptTokens)
	require.Equal(t, []Event{{What: Began, ID: 5}}, e.Enter(7000, 5, job))
}

// TestEqualPromptsShareRoom: both were admitted before either had read anything.
func TestEqualPromptsShareRoom(t *testing.T) {
	o := byHand
	o.Batch.Budget = 1024
	e := New(o)
	e.Enter(0, 9, Job{PromptTokens: 1, Tokens: 1})
	job := Job{PromptTokens: 600, Tokens: 5, Prefix: []uint64{7}}
	e.Enter(0, 1, job)
	e.Enter(0, 2, job)
	e.Next()
	require.Equal(t, 1200, e.State().UsedTokens)
	e.Next() // 600 of the one and 424 of the other
	e.Next()
	require.Equal(t, 512+2*88+1+2, e.State().UsedTokens, "one block, both ends, and room for the tokens being written")
}

// TestTheLongestAtRestIsForgotten, and of one prompt its end.
func TestTheLongestAtRestIsForgotten(t *testing.T) {
	o := byHand
	o.Batch.Memory, o.Batch.Budget = 5*BlockTokens+30, 5000
	e := New(o)
	at, id := 0.0, int32(0)
	cached := func(j Job) int {
		id++
		j.Tokens, at = 1, at+1e6
		began := e.Enter(at, id, j)[0]
		require.Equal(t, Began, began.What)
		e.Next()
		return began.Cached
	}
	one := Job{PromptTokens: 1040, Prefix: []uint64{1, 2}}
	other := Job{PromptTokens: 1040, Prefix: []uint64{3, 4}}
	require.Zero(t, cached(one))
	require.Zero(t, cached(other))
	require.Equal(t, 1024, cached(one))
	require.Zero(t, cached(Job{PromptTokens: 1040}), "it needs a block of those that were kept: the end of the other")
	require.Equal(t, 1024, cached(one))
	require.Equal(t, 512, cached(other))
}

// TestTheYoungestIsThrownBack: two answers of which only one can be in memory to its end.
func TestTheYoungestIsThrownBack(t *testing.T) {
	o := byHand
	o.Batch.Memory, o.Batch.Budget = 1000, 5000
	e := New(o)
	e.Enter(0, 1, Job{PromptTokens: 400, Tokens: 300})
	e.Enter(0, 2, Job{PromptTokens: 400, Tokens: 300})
	e.Enter(0, 3, Job{PromptTokens: 700, Tokens: 100})
	var told []int
	var done []int32
	for e.State().Load() > 0 {
		require.LessOrEqual(t, e.State().UsedTokens, 1000)
		for _, event := range e.Next() {
			if event.ID == 2 && event.What != Began {
				told = append(told, event.Made)
			}
			if event.What == Done {
				done = append(done, event.ID)
			}
		}
	}
	require.Equal(t, []int32{1, 2, 3}, done)
	require.EqualValues(t, 1, e.State().ThrownBack)
	require.Len(t, told, 300, "each token is told once")
	require.True(t, slices.IsSorted(told))
	require.Greater(t, e.State().ComputedTokens, int64(1500), "it was read again")
}

// TestARestartKeepsTheOrder, and what was told.
func TestARestartKeepsTheOrder(t *testing.T) {
	o := byHand
	o.Batch.Budget = 5000
	e := New(o)
	for id := range int32(4) {
		e.Enter(0, id, Job{PromptTokens: 100, Tokens: 2})
	}
	e.Next()
	e.Next() // the first is through; the others have one token
	require.Empty(t, e.Restart(e.Due()-0.1))
	require.Equal(t, State{Running: 3, Reading: 3, UsedTokens: 303, TotalTokens: 10_000, Iterations: 1, Busy: e.State().Busy}, e.State())
	for _, event := range e.Next() {
		require.Equal(t, Event{What: Done, ID: event.ID, Made: 2}, event)
	}
	require.Zero(t, e.State().Load())
}

// TestWhatCannotFitIsRefused rather than waited with for ever.
func TestWhatCannotFitIsRefused(t *testing.T) {
	e := New(Options{Kind: "l4"})
	require.Equal(t, []Event{{What: Refused, ID: 1}}, e.Enter(0, 1, Job{PromptTokens: 34_000, Tokens: 651}))
	require.Equal(t, []Event{{What: Began, ID: 1}}, e.Enter(0, 1, Job{PromptTokens: 34_000, Tokens: 650}))
	for e.State().Load() > 0 {
		e.Next()
	}
}

func TestSpeedIsOfWhatIsLeft(t *testing.T) {
	e := New(byHand)
	e.Enter(0, 1, Job{PromptTokens: 1, Tokens: 2}) // 1 + 3 + 0.0005
	e.SetCapacity(2, 0.5)
	require.InDelta(t, 2+2*2.0005, e.Due(), 1e-9)
	e.SetCapacity(3, 0)
	require.True(t, math.IsInf(e.Due(), 1))
	e.SetCapacity(10, 1)
	e.SetStretch(10)
	next(t, e, 10+1.5005, Event{What: Token, ID: 1, Made: 1})
	next(t, e, 10+1.5005+10*(1+3+0.01), Event{What: Done, ID: 1, Made: 2})
}

func TestWhoLeavesFreesMemory(t *testing.T) {
	o := byHand
	o.Slots = 1
	e := New(o)
	e.Enter(0, 1, Job{PromptTokens: 5000, Tokens: 5, Prefix: []uint64{1, 2, 3, 4, 5, 6, 7, 8, 9}})
	e.Enter(0, 2, Job{PromptTokens: 100, Tokens: 1})
	e.Enter(0, 3, Job{PromptTokens: 100, Tokens: 1})
	for range 6 {
		require.Empty(t, e.Next())
	}
	require.Equal(t, 2, e.State().Waiting, "there is one slot")
	e.Leave(e.Due()-0.1, 1)
	require.Zero(t, e.State().UsedTokens)
	require.Equal(t, 512, e.State().KeptTokens, "what it had read")
	e.Leave(e.Due()-0.1, 2)
	require.Equal(t, Began, e.Next()[0].What)
	require.Equal(t, int32(3), e.Next()[0].ID)
	require.Zero(t, e.State().Load())
	e.Leave(1e9, 77) // nobody
}
