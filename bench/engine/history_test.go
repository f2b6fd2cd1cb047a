package engine

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestAnyHistory lives through what chance brings, beside a model of what must be so: memory is never exceeded, the cache
// never knows more than was read and never less of a prompt's beginning than of its end, every request ends once with all its
// tokens told in turn, and at the end only what is remembered is held.
func TestAnyHistory(t *testing.T) {
	for seed := range uint64(40) {
		live(t, rand.New(rand.NewPCG(seed, 9)), 150)
	}
}

func FuzzAnyHistory(f *testing.F) {
	f.Add(uint64(1), uint16(50))
	f.Fuzz(func(t *testing.T, seed uint64, requests uint16) {
		live(t, rand.New(rand.NewPCG(seed, 9)), int(requests%500))
	})
}

// history is what is known of the requests from outside.
type history struct {
	engine *batch
	jobs   map[int32]Job // that are in
	made   map[int32]int
	began  map[int32]bool
	read   map[uint64]bool // blocks of prompts that have come; no other can be remembered
}

func live(t *testing.T, chance *rand.Rand, requests int) {
	h := &history{
		engine: newBatch(Options{Kind: Kinds()[chance.IntN(5)], Slots: 1 + chance.IntN(20),
			Batch: Batch{Memory: 600 + chance.IntN(20_000), Budget: 1 + chance.IntN(3000)}}),
		jobs: map[int32]Job{}, made: map[int32]int{}, began: map[int32]bool{}, read: map[uint64]bool{},
	}
	e, now := h.engine, 0.0
	for id := range int32(requests) {
		if !math.IsInf(e.Due(), 1) {
			now = max(now, e.Due()) + chance.Float64()*chance.Float64()*0.1
		}
		for e.Due() <= now {
			h.hear(t, e.Next())
		}
		h.hear(t, h.happen(chance, now, id))
		h.check(t)
	}
	e.SetCapacity(now, 1)
	for e.State().Load() > 0 {
		h.hear(t, e.Next())
		if chance.IntN(20) == 0 {
			h.check(t)
		}
	}
	require.Empty(t, h.jobs, "all have ended")
	require.Empty(t, e.jobs)
	require.Zero(t, e.State().UsedTokens)
	require.Equal(t, len(e.memory.blocks), e.memory.rests)
	require.LessOrEqual(t, len(e.memory.blocks), e.Memory/BlockTokens)
}

// happen is one thing that an owner does.
func (h *history) happen(chance *rand.Rand, now float64, id int32) []Event {
	switch chance.IntN(12) {
	case 0:
		if id > 0 {
			gone := chance.Int32N(id)
			delete(h.jobs, gone)
			return h.engine.Leave(now, gone)
		}
	case 1:
		h.engine.SetCapacity(now, 0.1+chance.Float64())
	case 2:
		if chance.IntN(5) == 0 {
			clear(h.read)
			for _, j := range h.jobs {
				h.come(j)
			}
			return h.engine.Restart(now)
		}
	}
	j := Job{PromptTokens: chance.IntN(1 + chance.IntN(h.engine.Memory)), Tokens: chance.IntN(1 + chance.IntN(100))}
	for i := range j.PromptTokens/BlockTokens + chance.IntN(3) {
		j.Prefix = append(j.Prefix, uint64(i/2)*uint64(chance.IntN(2))) // many begin alike
	}
	h.jobs[id], h.made[id] = j, 0
	h.come(j)
	return h.engine.Enter(now, id, j)
}

func (h *history) come(j Job) {
	for _, key := range chain(j.Prefix, j.PromptTokens) {
		h.read[key] = true
	}
}

func (h *history) hear(t *testing.T, events []Event) {
	t.Helper()
	for _, event := range events {
		j, in := h.jobs[event.ID]
		if !in {
			t.Fatalf("request %d is not in: %+v", event.ID, event)
		}
		switch event.What {
		case Began:
			require.False(t, h.began[event.ID], "it begins once")
			h.began[event.ID] = true
			require.Less(t, event.Cached, max(j.PromptTokens, 1))
		case Refused:
			require.Greater(t, j.PromptTokens+j.Tokens, h.engine.Memory*98/100)
			delete(h.jobs, event.ID)
			continue
		default:
			h.made[event.ID]++
			if !h.began[event.ID] || h.made[event.ID] != event.Made || (event.What == Done) != (event.Made == max(j.Tokens, 1)) {
				t.Fatalf("request %d of %d tokens is told %+v", event.ID, j.Tokens, event)
			}
		}
		if event.What == Done {
			delete(h.jobs, event.ID)
		}
	}
}

func (h *history) check(t *testing.T) {
	t.Helper()
	e, m := h.engine, h.engine.memory
	require.LessOrEqual(t, m.used, m.total)
	require.LessOrEqual(t, len(e.running), e.slots)
	own, holders, present := 0, 0, map[uint64]bool{}
	for _, q := range e.running {
		own += q.own
		holders += q.held
		require.LessOrEqual(t, q.there, q.held*BlockTokens+q.own, "what is computed has room")
		for _, key := range q.chain[:q.held] {
			present[key] = true
		}
	}
	for key, b := range m.blocks {
		require.True(t, h.read[key], "nothing is remembered that was not there")
		holders -= b.holders
		require.Equal(t, b.holders > 0, present[key])
	}
	require.Zero(t, holders)
	require.Equal(t, m.used, own+len(m.blocks)*BlockTokens)
	for _, j := range h.jobs {
		gap := false
		for _, key := range chain(j.Prefix, j.PromptTokens) {
			if gap && m.blocks[key] != nil {
				t.Fatal("a block is remembered, and not all before it")
			}
			gap = gap || m.blocks[key] == nil
		}
	}
}
