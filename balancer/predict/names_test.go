package predict

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// give gives a predictor so many good rows of a model.
func (p *Predictor) give(model string, n int, now time.Time) {
	for range n {
		p.take(good(model, Features{PromptBytes: 10}, 1), now)
	}
}

func (p *Predictor) names() []string { return slices.Sorted(maps.Keys(p.models)) }

func TestNamesHaveToEarnALearner(t *testing.T) {
	p, now := New(Options{}), time.Now()
	p.give("a", admitRows-1, now)
	require.Empty(t, p.names())
	p.give("a", 1, now)
	require.Equal(t, []string{"a"}, p.names())
	for _, name := range []string{"", strings.Repeat("long", 100), "\xff", "a\nb", "a\u2028b", "\x1b[2J"} {
		p.give(name, 2*admitRows, now)
	}
	p.give("modèle 8B: \"q4\"", admitRows, now)
	require.Equal(t, []string{"a", "modèle 8B: \"q4\""}, p.names())
	require.EqualValues(t, 14*admitRows, p.overall.rows, "all count for all together")
}

// TestInventedNamesPushNothingOut asks for a model that is real and a hundred times as often for
// ones that are not, none of them twice or each of them for long.
func TestInventedNamesPushNothingOut(t *testing.T) {
	for _, often := range []int{1, 5, 100} {
		p, now := New(Options{}), time.Now()
		p.give("real", 500, now)
		for i := range 50_000 {
			p.give(fmt.Sprint("invented ", i/often), 1, now)
			if i%100 == 0 {
				p.give("real", 1, now)
				p.give("also real", 1, now)
				require.LessOrEqual(t, len(p.newcomers), countedNames)
			}
			now = now.Add(time.Second)
		}
		require.EqualValues(t, 1000, p.models["real"].rows)
		require.LessOrEqual(t, len(p.models), 64)
		if often == 1 {
			require.Equal(t, []string{"also real", "real"}, p.names())
			require.Zero(t, p.evicted)
		}
	}
}

func TestModelsLeaveForBetterOnes(t *testing.T) {
	p, now := New(Options{MaxModels: 3, MaxRows: 10}), time.Now()
	p.give("a", 100, now)
	p.give("b", 31, now)
	p.give("c", 200, now)
	p.give("d", 30, now)
	require.Equal(t, []string{"a", "b", "c"}, p.names(), "none had fewer rows")
	p.give("d", 2, now)
	require.Equal(t, []string{"a", "c", "d"}, p.names())
	require.EqualValues(t, 1, p.evicted)

	later := now.Add(staleAfter)
	p.give("d", 1, later)
	p.give("e", admitRows, later)
	require.Equal(t, []string{"c", "d", "e"}, p.names(), "of those that are stale the one with fewest rows leaves")
	require.EqualValues(t, 2, p.evicted)
}
