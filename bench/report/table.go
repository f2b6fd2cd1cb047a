// The result as tables for a terminal.

package report

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/steelyard-proxy/steelyard/bench/figure"
)

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// Table prints a result for a terminal: a table for each case, with the lines of theory below.
func Table(w io.Writer, r *Result) error {
	var b strings.Builder
	if r.Formulas != nil {
		formulaTable(&b, r)
	}
	for _, c := range r.Cases {
		caseTable(&b, r, &c)
	}
	if r.Fleets != nil {
		fleetTable(&b, r)
	}
	for _, t := range r.Trials {
		trialTable(&b, &t)
	}
	offerTables(&b, r)
	sheetTables(&b, r)
	goalTable(&b, r)
	for _, note := range r.Notes {
		fmt.Fprintf(&b, "\nNote: %s\n", note)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func caseTable(b *strings.Builder, r *Result, c *Case) {
	fmt.Fprintf(b, "\n%s, T = %g/s\n\n", c.Name, r.Rate)
	rows := [][]string{{"contender", "mean", "p50", "p90", "p99", "p99 long", "× best peer", "share by endpoint", "failures"}}
	rows = append(rows, []string{"", "", "", "", "", "", "", "due " + shares(dueOf(r)), ""})
	peers := slices.ContainsFunc(c.Rows, func(row Row) bool { return row.Kind == Peer })
	for _, row := range c.Rows {
		name := row.Contender
		if row.Kind == Simulated && r.Measured {
			name += " (simulated)"
		}
		rows = append(rows, []string{name, row.Mean.Time(), row.P50.Time(), row.P90.Time(), row.P99.Time(), row.LongP99.Time(),
			row.RatioToPeer.Ratio(), shares(row.Shares), failuresOf(row)})
	}
	if !peers {
		for i := range rows {
			rows[i] = slices.Delete(rows[i], 6, 7)
		}
	}
	b.WriteString(figure.Plain(rows))
	b.WriteByte('\n')
	var lines [][]string
	for _, line := range c.Theory {
		lines = append(lines, []string{line.Name, line.Response.Time(), "  " + line.Source})
	}
	b.WriteString(figure.Plain(lines))
	if t := c.Target; t != nil {
		fmt.Fprintf(b, "\n%s\n", t.sentence())
	}
}

func (v *Verdict) sentence() string {
	word := "met"
	if !v.Met {
		word = "not met"
	}
	return fmt.Sprintf("%s is at %s × the best peer, %s; the target of ≤ %s × is %s.", v.Contender, v.Reached(), v.Peer, v.Most.Figures(), word)
}

// Reached is the ratio, with as many places as show on which side of the target it lies: 0.923 does not meet 0.92.
func (v *Verdict) Reached() string {
	text := v.Ratio.Ratio()
	for places := 3; v.Ratio.Exists() && places <= 6; places++ {
		if shown, err := strconv.ParseFloat(text, 64); err != nil || (shown <= float64(v.Most)) == v.Met {
			break
		}
		text = strconv.FormatFloat(float64(v.Ratio), 'f', places, 64)
	}
	return text
}

func dueOf(r *Result) []float64 {
	due := make([]float64, len(r.Endpoints))
	for i, e := range r.Endpoints {
		due[i] = e.Share
	}
	return due
}

// shares are percentages beside each other; of many endpoints only the first few.
func shares(list []float64) string {
	const most = 6
	var parts []string
	for i, s := range list {
		if i == most {
			parts = append(parts, "…")
			break
		}
		parts = append(parts, fmt.Sprintf("%4.1f", 100*s))
	}
	return strings.Join(parts, " ")
}

func formulaTable(b *strings.Builder, r *Result) {
	fmt.Fprintf(b, "\nBy formula, T = %g/s over %s\n\n", r.Rate, capacities(r))
	rows := [][]string{{"way", "formula", "yields", "utilisation", "R"}}
	for _, f := range r.Formulas {
		rows = append(rows, []string{f.Name, f.Expression, numbers(f.Values), numbers(f.Utilisation), f.response()})
	}
	b.WriteString(figure.Plain(rows))
	b.WriteByte('\n')
	for _, f := range r.Formulas {
		if f.Wrong {
			fmt.Fprintf(b, "%s is wrong. %s\n", f.Expression, f.Verdict)
		}
	}
}

// response is a formula's R; that of a split that overloads an endpoint has no bound.
func (f *Formula) response() string {
	for _, u := range f.Utilisation {
		if !f.Response.Exists() && u >= 1 {
			return "no bound"
		}
	}
	return f.Response.Time()
}

func capacities(r *Result) string {
	var parts []string
	for _, e := range r.Endpoints {
		parts = append(parts, short(e.Capacity))
	}
	return "C = " + strings.Join(parts, " : ")
}

func numbers(list []Number) string {
	var parts []string
	for _, n := range list {
		parts = append(parts, n.Figures())
	}
	return strings.Join(parts, " : ")
}

func fleetTable(b *strings.Builder, r *Result) {
	b.WriteByte('\n')
	rows := [][]string{{"policy", "endpoints", "per pick", "misplaced", "farthest off"}}
	for _, f := range r.Fleets {
		rows = append(rows, []string{f.Policy, count(f.Endpoints), Number(f.PickNanos * 1e-9).Time(), percent(f.Misplaced), figures(f.Farthest) + " requests"})
	}
	b.WriteString(figure.Plain(rows))
}
