package trace

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestMadeWorkHasThePublishedStatistics holds what is made to what it stands for: every statistic within a part of it,
// and the share that an endless cache would serve. Half of documents' prompts lie far from the median, which therefore
// moves; silences make the cv of code, and there are only 58 of them.
func TestMadeWorkHasThePublishedStatistics(t *testing.T) {
	for _, c := range []struct {
		name   string
		want   statistics
		within float64
	}{
		{"conversations", stated["mooncake-conversation.jsonl.gz"], 0.15},
		{"documents", stated["mooncake-synthetic.jsonl.gz"], 0.35},
		{"chat", stated["azure-2023-conv.csv.gz"], 0.06},
		{"code", stated["azure-2023-code.csv.gz"], 0.3},
		{"tool", statistics{requests: 23_608, rate: 6.56, prompt: lengths{mean: 8596}, answer: lengths{mean: 154}, reuse: 0.56}, 0.12},
		{"agent", statistics{requests: 12_000, prompt: lengths{mean: 19_000}, answer: lengths{mean: 235}, reuse: 0.9}, 0.12},
	} {
		t.Run(c.name, func(t *testing.T) {
			for seed := range uint64(3) {
				made, err := Workload{Name: c.name}.Trace(seed + 1)
				require.NoError(t, err)
				got := measure(made)
				t.Logf("seed %d: %+v", seed+1, got)
				assert.Equal(t, c.want.requests, got.requests)
				alike(t, c.want, got, c.within, 0.04)
				assert.True(t, slices.IsSortedFunc(made.Requests, func(a, b Request) int { return int(min(max(a.At-b.At, -1), 1)) }))
			}
		})
	}
}

// TestAgentsShareTheirPromptAndComeBack is what is said of agents: a prompt of 4,096 tokens that all share, ten requests of
// a session in the mean, 5 s or more apart, contexts up to 60,000 tokens.
func TestAgentsShareTheirPromptAndComeBack(t *testing.T) {
	made, err := Workload{Name: "agent"}.Trace(1)
	require.NoError(t, err)
	last, sessions := map[int]Request{}, map[int]int{}
	longest := 0
	for _, r := range made.Requests {
		require.Equal(t, made.Requests[0].Prefix[:8], r.Prefix[:8])
		if before, ok := last[r.Session]; ok {
			require.GreaterOrEqual(t, (r.At - before.At).Seconds(), 4.9999)
			require.Equal(t, full(before), r.Prefix[:len(full(before))], "a session keeps what it has said")
		}
		last[r.Session] = r
		sessions[r.Session]++
		longest = max(longest, r.PromptTokens)
	}
	assert.InDelta(t, 1200, len(sessions), 200)
	assert.InDelta(t, 55_000, longest, 5_001)
}

func TestWorkIsMadeAlikeBySeedAndCut(t *testing.T) {
	for _, name := range Workloads() {
		assert.NotEmpty(t, About(name))
		w := Workload{Name: name, From: 100, Requests: 200}
		one, err := w.Trace(7)
		require.NoError(t, err)
		again, err := w.Trace(7)
		require.NoError(t, err)
		assert.Equal(t, one, again)
		assert.Len(t, one.Requests, 200)
		assert.InDelta(t, 1, one.MeanWork(), 0.5)
		other, err := w.Trace(8)
		require.NoError(t, err)
		assert.NotEqual(t, one, other)

		w.Poisson = true
		drawn, err := w.Trace(7)
		require.NoError(t, err)
		assert.InEpsilon(t, one.Rate(), drawn.Rate(), 0.3)
		assert.Equal(t, one.Requests[3].Prefix, drawn.Requests[3].Prefix)
	}
}

func TestPublishedWorkIsReadAndCut(t *testing.T) {
	path := published(t, "azure-2023-conv.csv.gz")
	busy, err := Workload{File: path, From: 8_000, Requests: 3_000}.Trace(1)
	require.NoError(t, err)
	assert.Len(t, busy.Requests, 3_000)
	assert.Equal(t, "azure-2023-conv", busy.Name)
	assert.Greater(t, busy.Rate(), 6.5, "it is the busy part")

	drawn, err := Workload{Name: "alibaba", File: published(t, "servegen-clients.csv.gz") + "#m-small", From: 10, Requests: 500}.Trace(3)
	require.NoError(t, err)
	assert.Len(t, drawn.Requests, 500)
	assert.Equal(t, "alibaba", drawn.Name)
}

// TestSessionsAreFound is of traces that name blocks and no sessions: what continues a prompt is of its session, and a
// prompt that many begin with is of none.
func TestSessionsAreFound(t *testing.T) {
	var requests []Request
	for range 60 { // the prompt 1 is common
		requests = append(requests, Request{Prefix: []uint64{1, uint64(100 + len(requests))}})
	}
	requests = append(requests,
		Request{Prefix: []uint64{1, 7, 8}}, Request{Prefix: []uint64{1, 9}}, Request{Prefix: []uint64{1, 7, 8, 10}}, Request{Prefix: []uint64{1}}, Request{})
	findSessions(requests)
	rest := requests[60:]
	assert.Equal(t, rest[0].Session, rest[2].Session)
	for i, r := range rest {
		assert.Equal(t, []int{61, 62, 61, 63, 64}[i], r.Session)
	}
	mooncake, err := Read(published(t, "mooncake-conversation.jsonl.gz"))
	require.NoError(t, err)
	sessions := map[int]bool{}
	for _, r := range mooncake.Requests {
		sessions[r.Session] = true
	}
	assert.InDelta(t, 7373, len(sessions), 100, "12,031 requests of so many sessions")
}

func TestWorkThatIsNoneSaysWhat(t *testing.T) {
	for _, c := range []struct {
		w    Workload
		says string
	}{
		{Workload{Name: "chats"}, `there is no workload "chats": did you mean "chat"?`},
		{Workload{Name: "chat", Requests: -1}, "give numbers of 0 or more"},
		{Workload{Name: "chat", From: 20_000}, "workload chat has 19366 requests: there are none from the 20001th on"},
		{Workload{File: "testdata/none"}, "give the path of a CSV file"},
	} {
		_, err := c.w.Trace(1)
		assert.ErrorContains(t, err, c.says)
	}
}
