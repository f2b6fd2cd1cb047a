package report

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// offers is a result of two traces at two loads; one contender takes part at one load only.
func offers() *Result {
	r := &Result{Schema: Schema, Scenario: "real", Title: "t", Against: "plain", Shown: []string{"plain", "better"}}
	endpoints := []Endpoint{{"h100-1", 2, 2.0 / 3, 0}, {"a40-1", 1, 1.0 / 3, 0}}
	for _, trace := range []string{"conv", "<chat>"} {
		for _, load := range []float64{.5, .7} {
			o := Offer{Trace: trace, Fleet: "L2", Load: load, Rate: 2, Requests: 1000, Endpoints: endpoints}
			for _, c := range []struct {
				name  string
				ratio Number
			}{{"plain", 1}, {"better", .5}, {"rare", 2}} {
				if c.name == "rare" && load == .5 {
					continue
				}
				spans := Spans{R: 10 * c.ratio, R99: 30 * c.ratio, TTFT: c.ratio, TTFT99: 3 * c.ratio, TPOT: .03 * c.ratio}
				o.Rows = append(o.Rows, Served{
					Contender: c.name, Ours: c.name != "rare", Spans: spans, Times: Spans{c.ratio, c.ratio, c.ratio, c.ratio, c.ratio},
					Least: c.ratio, Most: c.ratio, Shares: []float64{.75, .25}, Cached: .25, Expected: None(), ThrownBack: 0,
					Stalled: []Point{{1, 3}, {2, 0}, {3, 7}},
				})
			}
			r.Offers = append(r.Offers, o)
		}
	}
	r.Goals = []Goal{
		{Name: "reached", Checks: []Check{AtMost("R", .5, .8, "×")}},
		{Name: "out of reach", Checks: []Check{AtMost("R", .5, .4, "×"), AtMost("TTFT", .5, 1, "×")}},
		{Name: "nobody knows", Unjudged: "a file is missing", Checks: []Check{AtMost("R", .5, .4, "×")}},
	}
	return r
}

func TestOffersAsTables(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, Table(&b, offers()))
	text := strings.Join(strings.Fields(b.String()), " ") // columns apart
	for _, line := range []string{
		"Mean R at load 0.7, × plain", "Mean time to first token at load 0.7, × plain",
		"better 0.50 0.50 0.50 rare 2.00 2.00 2.00",
		"out of reach missed R 0.500 ×, ≤ 0.400 ×: missed by 0.100 ×; TTFT 0.500 ×, ≤ 1.00 ×: met",
		"nobody knows not judged R 0.500 ×, ≤ 0.400 ×: missed by 0.100 ×; a file is missing",
	} {
		require.Contains(t, text, line)
	}
	_, means, found := strings.Cut(text, "Geometric means over all")
	require.True(t, found)
	means, _, _ = strings.Cut(means, "What had to come out")
	require.Contains(t, means, "better")
	require.NotContains(t, means, "rare", "it was not offered all")
}

func TestOffersAsPage(t *testing.T) {
	page, err := HTML(offers())
	require.NoError(t, err)
	text := string(page)
	require.Contains(t, text, "&lt;chat&gt; L2")
	require.NotContains(t, text, "<chat>")
	for _, part := range []string{"Mean R over load", "Answers that stand still, over time", "Share of the requests against capacity", `<span class="no">missed</span>`, `<td class="best-cell">0.50</td>`, `<td class="worst-cell">2.00</td>`} {
		require.Contains(t, text, part)
	}
	require.NotContains(t, text, "NaN")
}

func TestMeansLeaveOutNobody(t *testing.T) {
	r := offers()
	r.Offers[1].Rows[1].Times.R = .125
	m := r.matrixOf("", .7, func(s Served) Number { return s.Times.R })
	require.Equal(t, []string{"conv L2", "<chat> L2", "geo. mean"}, m.Heads)
	require.InDelta(t, .25, float64(m.Rows[1].Cells[2]), 1e-12)
	r.Offers[1].Rows = r.Offers[1].Rows[:2] // the last is not asked there
	m = r.matrixOf("", .7, func(s Served) Number { return s.Times.R })
	require.False(t, m.Rows[2].Cells[0].Exists())
	require.False(t, m.Rows[2].Cells[2].Exists())
}
