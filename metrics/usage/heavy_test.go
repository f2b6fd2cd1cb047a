package usage

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// zipfRows makes rows of many users, of whom few ask most, and hands each to those who want it.
func zipfRows(n, users int, each func(*Row)) {
	random := rand.New(rand.NewPCG(7, 11))
	zipf := rand.NewZipf(random, 1.1, 1, uint64(users-1))
	at := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	for i := range n {
		at = at.Add(10 * time.Millisecond)
		user := zipf.Uint64()
		r := Row{
			At: at, Upstream: "chat", Endpoint: "a", Model: fmt.Sprintf("m%d", random.IntN(6)), Class: "answered", User: UserID(fmt.Sprintf("user:%d", user)), Status: 200, Phase: "stream",
			PromptBytes: 10 * (i%1000 + 1), PromptTokens: i%1000 + 1, CompletionTokens: 100, Written: 400, Attempts: 1, Begun: true,
			Response: time.Duration((0.05 + 3*random.ExpFloat64()*float64(1+user%7)) * float64(time.Second)),
		}
		r.FirstByte, r.Service = r.Response/4, r.Response/2
		each(&r)
	}
}

// TestHeavyUsersAreFound: of a million rows of 200,000 users (by make e2e; a fifth of both else) the hundred with the most requests are all there, in the order that they
// have, no count is off by more than it says, and the quantiles of each hold their bound.
func TestHeavyUsersAreFound(t *testing.T) {
	rows, users := 200_000, 40_000
	if os.Getenv("E2E") != "" {
		rows, users = 1_000_000, 200_000
	}
	var heavy Heavy
	counts, times := map[UserID]uint64{}, map[UserID][]float64{}
	fine, all := Sketch{Fine: true}, []float64(nil)
	zipfRows(rows, users, func(r *Row) {
		c, m := r.counts(), r.marks()
		heavy.add(r, &c, &m)
		fine.Add(r.Response.Seconds())
		counts[r.User]++
		times[r.User] = append(times[r.User], r.Response.Seconds())
		all = append(all, r.Response.Seconds())
	})
	require.Len(t, heavy.List, mostUsers)
	truth := make([]UserID, 0, len(counts))
	for id := range counts {
		truth = append(truth, id)
	}
	slices.SortFunc(truth, func(a, b UserID) int { return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b)) })
	heavy.index()
	found := heavy.lines()
	slices.SortFunc(found, func(a, b Line) int { return cmp.Or(cmp.Compare(b.Requests, a.Requests), cmp.Compare(a.Key, b.Key)) })
	for i, id := range truth[:100] {
		u := heavy.byID[id]
		require.NotNil(t, u, "place %d", i)
		require.LessOrEqual(t, u.Count-u.Over, counts[id])
		require.GreaterOrEqual(t, u.Count, counts[id])
		require.LessOrEqual(t, u.Over, uint64(rows/mostUsers))
		require.Contains(t, truth[:110], UserID(found[i].Key))
		if u.Over > 0 {
			continue // it knows less than all of its requests
		}
		slices.Sort(times[id])
		total := u.Total()
		for _, q := range []float64{0.5, 0.95} {
			want := times[id][int(q*float64(len(times[id])-1))]
			require.InEpsilon(t, want, total.Response.Quantile(q), coarseGrain*1.0001)
		}
	}
	slices.Sort(all)
	for _, q := range []float64{0.5, 0.95, 0.99} {
		require.InEpsilon(t, all[int(q*float64(rows-1))], fine.Quantile(q), fineGrain*1.0001)
	}
	for _, u := range heavy.List {
		require.LessOrEqual(t, len(u.Models), mostModels+1)
	}
}

// TestHeavyMerge: what two have counted is what one would have, within what they say.
func TestHeavyMerge(t *testing.T) {
	var halves [2]Heavy
	counts := map[UserID]uint64{}
	n := 0
	zipfRows(60_000, 20_000, func(r *Row) {
		c, m := r.counts(), r.marks()
		halves[n*2/60_000].add(r, &c, &m)
		counts[r.User]++
		n++
	})
	halves[0].merge(&halves[1])
	require.Len(t, halves[0].List, mostUsers)
	for i, u := range halves[0].List {
		require.GreaterOrEqual(t, u.Count, counts[u.ID])
		require.LessOrEqual(t, u.Count-u.Over, counts[u.ID])
		if i > 0 {
			require.GreaterOrEqual(t, u.Count, halves[0].List[(i-1)/2].Count, "no heap")
		}
	}
	id := halves[0].List[mostUsers-1].ID
	require.True(t, halves[0].forget(id))
	require.False(t, halves[0].forget(id))
	require.Len(t, halves[0].List, mostUsers-1)
}
