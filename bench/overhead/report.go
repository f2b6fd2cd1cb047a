// The report, as Markdown and as JSON.

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/steelyard-proxy/steelyard/bench/figure"
)

// Report is everything a run has found out; its JSON holds every sample.
type Report struct {
	Command  string
	Date     string
	Machine  string
	Versions []string
	Idle     string // what an idle core does
	Options  Options
	Stolen   time.Duration // by the machine's host, all cores, over the whole run
	Notes    []string
	Samples  []Sample
	Syscalls []Counts `json:",omitempty"`
}

// Counts are system calls per request or chunk, by name; "all" is their sum.
type Counts struct {
	Scenario, Target string
	PerUnit          map[string]float64
}

// note adds a remark, once, and shows it at once.
func (r *Report) note(format string, args ...any) {
	text := firstLine(fmt.Sprintf(format, args...))
	if !slices.Contains(r.Notes, text) {
		fmt.Fprintf(os.Stderr, format+"\n", args...)
		r.Notes = append(r.Notes, text)
	}
}

// Save writes the report as JSON.
func (r *Report) Save(file string) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err == nil {
		err = os.WriteFile(file, append(text, '\n'), 0o644)
	}
	if err != nil {
		return fmt.Errorf("save report: %w", err)
	}
	return nil
}

// Markdown is a block for a page of results: where and how, then a table for each scenario that was measured.
func (r *Report) Markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "## %s\n\n", r.Date)
	fmt.Fprintf(&b, "- Machine: %s; %s; the host kept %.1f s from it during the run\n", r.Machine, r.Idle, r.Stolen.Seconds())
	fmt.Fprintf(&b, "- Programs: %s\n- Command: `%s`\n", strings.Join(r.Versions, "; "), r.Command)
	fmt.Fprintf(&b, "- Median [min to max] of %d rounds of %v each; ratios are taken within a round\n", r.Options.Rounds, r.Options.Duration)
	for _, note := range r.Notes {
		fmt.Fprintf(&b, "- %s\n", note)
	}
	for _, s := range r.Samples {
		if s.Error != "" {
			fmt.Fprintf(&b, "- VOID %s, %s, round %d: %s\n", s.Scenario, s.Target, s.Round+1, firstLine(s.Error))
		}
	}
	for _, t := range r.tables() {
		if rows := t.rows(r); len(rows) > 0 {
			fmt.Fprintf(&b, "\n### %s\n\n%s", t.title, figure.Table{Head: t.head(), Rows: rows}.Markdown())
		}
	}
	for _, scenario := range []string{saturated, paced, streamed, shared} {
		r.syscallTable(&b, scenario)
	}
	return b.String()
}

// syscallTable has a column for each call that any target makes at least once in a hundred units.
func (r *Report) syscallTable(b *strings.Builder, scenario string) {
	table := figure.Table{Head: []string{"proxy", "all"}}
	for _, c := range r.Syscalls {
		for name, n := range c.PerUnit {
			if c.Scenario == scenario && n >= 0.01 && !slices.Contains(table.Head, name) {
				table.Head = append(table.Head, name)
			}
		}
	}
	slices.Sort(table.Head[2:])
	for _, c := range r.Syscalls {
		if c.Scenario != scenario {
			continue
		}
		row := []string{c.Target}
		for _, name := range table.Head[1:] {
			row = append(row, fmt.Sprintf("%.2f", c.PerUnit[name]))
		}
		table.Rows = append(table.Rows, row)
	}
	if len(table.Rows) > 0 {
		fmt.Fprintf(b, "\n### System calls per unit: %s\n\n%s", scenario, table.Markdown())
	}
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

// String is a line of progress.
func (s Sample) String() string {
	line := fmt.Sprintf("%-24s %-9s round %d", s.Scenario, s.Target, s.Round+1)
	switch {
	case s.Error != "":
		return line + ": VOID: " + firstLine(s.Error)
	case s.Scenario == silent || s.Scenario == idle:
		return fmt.Sprintf("%s: %.1f KB each", line, rssPerUnit(s))
	}
	return fmt.Sprintf("%s: %.2f µs CPU each, %.0f/s, p50 %.0f µs, p99 %.0f µs",
		line, cpuPerUnit(s), perSecond(s), p50(s), p99(s))
}
