// Inference work that was offered to contenders on several fleets and loads.

package report

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/steelyard-proxy/steelyard/bench/figure"
)

// Offer is one trace on one fleet at one load, as all contenders served it.
type Offer struct {
	Trace     string     `json:"trace"`
	Fleet     string     `json:"fleet"`
	Load      float64    `json:"load"` // 1 is what the engines finish when none is ever idle
	Rate      Number     `json:"rate"` // requests per second
	Requests  int        `json:"requests"`
	Endpoints []Endpoint `json:"endpoints"`
	Rows      []Served   `json:"rows"`
}

// Name is of the trace and the fleet.
func (o *Offer) Name() string { return o.Trace + " " + o.Fleet }

// Row is what the contender of this name made of it; nil if it was not asked.
func (o *Offer) Row(contender string) *Served {
	if i := slices.IndexFunc(o.Rows, func(s Served) bool { return s.Contender == contender }); i >= 0 {
		return &o.Rows[i]
	}
	return nil
}

// Served is how one contender did. Figures are means over the seeds.
type Served struct {
	Contender string `json:"contender"`
	Ours      bool   `json:"ours"`
	Spans            // seconds
	Times     Spans  `json:"times"`         // the same × those of the contender that all are compared with, seed by seed
	Least     Number `json:"times_r_least"` // of the seeds, of Times.R
	Most      Number `json:"times_r_most"`

	Shares     []float64 `json:"shares"`            // of the requests, by endpoint
	Cached     Number    `json:"cached_ratio"`      // of the prompt tokens, found in the engines' caches
	Expected   Number    `json:"expected_ratio"`    // the part that the gateway took for cached when it sent them; none: it does not say
	ThrownBack Number    `json:"thrown_back_ratio"` // requests that an engine had to read again for want of memory, of all
	Unserved   int       `json:"unserved"`          // of all seeds
	Stalled    []Point   `json:"stalled,omitempty"` // answers that stand still at the same time since a prompt is read, over the first trace
}

// Spans are how long requests take.
type Spans struct {
	R      Number `json:"r"` // from arrival to the last token, mean
	R99    Number `json:"r_p99"`
	TTFT   Number `json:"ttft"` // to the first token, mean
	TTFT99 Number `json:"ttft_p99"`
	TPOT   Number `json:"tpot"` // of a token after the first, mean over requests
}

// Goal is something that had to come out.
type Goal struct {
	Name     string  `json:"name"`
	Checks   []Check `json:"checks,omitempty"`
	Unjudged string  `json:"unjudged,omitempty"` // why nothing is said; empty: it was judged
}

// Verdict is one word or a few.
func (g Goal) Verdict() string {
	switch {
	case g.Unjudged != "":
		return "not judged"
	case slices.ContainsFunc(g.Checks, func(c Check) bool { return !c.Met }):
		return "missed"
	}
	return "met"
}

// Met says that it is not missed.
func (g Goal) Met() bool { return g.Verdict() != "missed" }

// Figures are what the verdict rests on.
func (g Goal) Figures() string {
	var parts []string
	for _, c := range g.Checks {
		parts = append(parts, c.String())
	}
	if g.Unjudged != "" {
		parts = append(parts, g.Unjudged)
	}
	return strings.Join(parts, "; ")
}

// matrix is one figure of all contenders on all traces and fleets, at one load.
type matrix struct {
	Title string
	Heads []string
	Rows  []matrixRow
}

type matrixRow struct {
	Contender string
	Ours      bool
	Cells     []Number // by head; the last is their geometric mean
}

// Class is how a cell is shown: much better, better, as good, worse, much worse than 1.
func (m matrixRow) Class(n Number) string {
	switch {
	case !n.Exists():
		return ""
	case n < 0.75:
		return "best-cell"
	case n < 0.97:
		return "good-cell"
	case n > 1.25:
		return "worst-cell"
	case n > 1.03:
		return "bad-cell"
	}
	return ""
}

// loads are those that were offered, sorted.
func (r *Result) loads() (list []float64) {
	for _, o := range r.Offers {
		if !slices.Contains(list, o.Load) {
			list = append(list, o.Load)
		}
	}
	slices.Sort(list)
	return list
}

// usualLoad is the one that the larger tables are of.
func (r *Result) usualLoad() float64 {
	loads := r.loads()
	return loads[len(loads)/2]
}

// matrixOf picks one figure of all offers at a load.
func (r *Result) matrixOf(title string, load float64, of func(Served) Number) matrix {
	m := matrix{Title: title}
	at := map[string]int{}
	for _, o := range r.Offers {
		if o.Load != load {
			continue
		}
		m.Heads = append(m.Heads, o.Name())
		for _, s := range o.Rows {
			i, there := at[s.Contender]
			if !there {
				i, at[s.Contender] = len(m.Rows), len(m.Rows)
				m.Rows = append(m.Rows, matrixRow{Contender: s.Contender, Ours: s.Ours})
			}
			for len(m.Rows[i].Cells) < len(m.Heads)-1 {
				m.Rows[i].Cells = append(m.Rows[i].Cells, None())
			}
			m.Rows[i].Cells = append(m.Rows[i].Cells, of(s))
		}
	}
	for i := range m.Rows {
		for len(m.Rows[i].Cells) < len(m.Heads) {
			m.Rows[i].Cells = append(m.Rows[i].Cells, None())
		}
		m.Rows[i].Cells = append(m.Rows[i].Cells, geometric(m.Rows[i].Cells))
	}
	m.Heads = append(m.Heads, "geo. mean")
	return m
}

// geometric is the geometric mean of figures that all exist.
func geometric(list []Number) Number {
	sum := 0.0
	for _, n := range list {
		sum += math.Log(float64(n))
	}
	return Number(math.Exp(sum / float64(len(list))))
}

// matrices are the tables of a run: R and TTFT at the usual load, and the means of all at each load.
func (r *Result) matrices() (list []matrix) {
	if len(r.Offers) == 0 {
		return nil
	}
	usual := r.usualLoad()
	list = []matrix{
		r.matrixOf(fmt.Sprintf("Mean R at load %g, × %s", usual, r.Against), usual, func(s Served) Number { return s.Times.R }),
		r.matrixOf(fmt.Sprintf("Mean time to first token at load %g, × %s", usual, r.Against), usual, func(s Served) Number { return s.Times.TTFT }),
	}
	return append(list, r.overLoads())
}

// overLoads are geometric means over all traces and fleets, of those who were offered all.
func (r *Result) overLoads() matrix {
	m := matrix{Title: "Geometric means over all, × " + r.Against}
	asked := map[string]int{}
	for _, o := range r.Offers {
		for _, s := range o.Rows {
			asked[s.Contender]++
		}
	}
	for _, figure := range []struct {
		name string
		of   func(Served) Number
	}{
		{"R", func(s Served) Number { return s.Times.R }},
		{"TTFT", func(s Served) Number { return s.Times.TTFT }},
		{"TPOT", func(s Served) Number { return s.Times.TPOT }},
		{"R p99", func(s Served) Number { return s.Times.R99 }},
		{"TTFT p99", func(s Served) Number { return s.Times.TTFT99 }},
	} {
		for _, load := range r.loads() {
			m.Heads = append(m.Heads, fmt.Sprintf("%s %g", figure.name, load))
			for _, row := range r.matrixOf("", load, figure.of).Rows {
				if asked[row.Contender] < len(r.Offers) {
					continue
				}
				i := slices.IndexFunc(m.Rows, func(o matrixRow) bool { return o.Contender == row.Contender })
				if i < 0 {
					i = len(m.Rows)
					m.Rows = append(m.Rows, matrixRow{Contender: row.Contender, Ours: row.Ours})
				}
				m.Rows[i].Cells = append(m.Rows[i].Cells, row.Cells[len(row.Cells)-1])
			}
		}
	}
	return m
}

func offerTables(b *strings.Builder, r *Result) {
	for _, m := range r.matrices() {
		fmt.Fprintf(b, "\n%s\n\n", m.Title)
		rows := [][]string{append([]string{""}, m.Heads...)}
		for _, row := range m.Rows {
			line := []string{row.Contender}
			for _, n := range row.Cells {
				line = append(line, n.Ratio())
			}
			rows = append(rows, line)
		}
		b.WriteString(figure.Plain(rows))
	}
}

func goalTable(b *strings.Builder, r *Result) {
	if len(r.Goals) == 0 {
		return
	}
	b.WriteString("\nWhat had to come out\n\n")
	rows := [][]string{{"", "verdict", "figures"}}
	for _, g := range r.Goals {
		rows = append(rows, []string{g.Name, g.Verdict(), g.Figures()})
	}
	b.WriteString(figure.Plain(rows))
}

// CachedText, ExpectedText and ThrownText are parts for people; SharesText is of the endpoints.
func (s Served) CachedText() string   { return partOf(s.Cached) }
func (s Served) ExpectedText() string { return partOf(s.Expected) }
func (s Served) ThrownText() string   { return partOf(s.ThrownBack) }
func (s Served) SharesText() string   { return shares(s.Shares) }

func partOf(n Number) string {
	if !n.Exists() {
		return "–"
	}
	return percent(float64(n))
}
