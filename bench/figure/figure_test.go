package figure

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSummarise(t *testing.T) {
	nan := math.NaN()
	for name, c := range map[string]struct {
		in   []float64
		want Spread
		text string
	}{
		"none":           {nil, Spread{}, "-"},
		"only failed":    {[]float64{nan, nan}, Spread{}, "-"},
		"one":            {[]float64{2}, Spread{2, 2, 2, 1}, "2.0"},
		"odd, unsorted":  {[]float64{9, 1, 4}, Spread{4, 1, 9, 3}, "4.0 [1.0 to 9.0]"},
		"even":           {[]float64{1, 2, 3, 10}, Spread{2.5, 1, 10, 4}, "2.5 [1.0 to 10.0]"},
		"without end":    {[]float64{3, math.Inf(1)}, Spread{3, 3, 3, 1}, "3.0"},
		"a failed round": {[]float64{3, nan, 5}, Spread{4, 3, 5, 2}, "4.0 [3.0 to 5.0]"},
	} {
		t.Run(name, func(t *testing.T) {
			got := Summarise(c.in)
			require.Equal(t, c.want, got)
			require.Equal(t, c.text, got.Text(1))
		})
	}
}

func TestSummariseKeepsTheOrderOfRounds(t *testing.T) {
	rounds := []float64{3, 1, 2}
	Summarise(rounds)
	require.Equal(t, []float64{3, 1, 2}, rounds)
}

func TestRatiosPairRounds(t *testing.T) {
	// A drift that doubles both sides from one round to the next leaves the ratio where it was.
	got := Summarise(Ratios([]float64{11, 22, 44}, []float64{10, 20, 40}))
	require.InDelta(t, 1.1, got.Median, 1e-12)
	require.InDelta(t, 1.1, got.Max, 1e-12)

	odd := Ratios([]float64{1, math.NaN(), 3}, []float64{0, 2, 2})
	require.True(t, math.IsNaN(odd[0]), "nothing divided by an empty round")
	require.True(t, math.IsNaN(odd[1]))
	require.InDelta(t, 1.5, odd[2], 1e-12)
	require.Equal(t, []float64{-1}, Differences([]float64{1}, []float64{2, 7}))
}

func TestQuantile(t *testing.T) {
	hundred := make([]int64, 100)
	for i := range hundred {
		hundred[i] = int64(i + 1)
	}
	require.EqualValues(t, 50, Quantile(hundred, 0.5))
	require.EqualValues(t, 99, Quantile(hundred, 0.99))
	require.EqualValues(t, 100, Quantile(hundred, 1))
	require.EqualValues(t, 1, Quantile(hundred, 0.0001))
	require.EqualValues(t, 7, Quantile([]int64{7}, 0.99))
	require.Zero(t, Quantile([]int64(nil), 0.5))
}

func TestMarkdown(t *testing.T) {
	got := Table{Head: []string{"proxy", "µs"}, Rows: [][]string{{"nginx", "12.1"}, {"x", "1"}}}.Markdown()
	require.Equal(t, strings.Join([]string{
		"| proxy |   µs |",
		"|-------|-----:|",
		"| nginx | 12.1 |",
		"| x     |    1 |",
		"",
	}, "\n"), got)
}

func TestPlain(t *testing.T) {
	got := Plain([][]string{{"policy", "", "a column of long text"}, {"least", "12.1", "x"}, {"µs", "1", ""}})
	require.Equal(t, "  policy        a column of long text\n  least   12.1  x\n  µs         1\n", got)
	require.Empty(t, Plain(nil))
}
