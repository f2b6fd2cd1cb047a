// Faults that contenders went through, and the goals they were held to.

package report

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/steelyard-proxy/steelyard/bench/figure"
)

// Trial is one fault that the contenders went through.
type Trial struct {
	Fault string     `json:"fault"`
	What  string     `json:"what"` // is done, in one sentence
	Goal  string     `json:"goal"` // what must hold
	Rows  []TrialRow `json:"rows"`
}

// TrialRow is how one contender went through it.
type TrialRow struct {
	Contender string `json:"contender"`
	Kind      string `json:"kind"`
	// NotAsked says why it did not take part; then the rest is empty.
	NotAsked string `json:"not_asked,omitempty"`
	// Broken says why the trial did not come to its end; then there are no checks.
	Broken string  `json:"broken,omitempty"`
	Checks []Check `json:"checks,omitempty"`

	Requests int              `json:"requests"`
	Failures map[string]int64 `json:"failures,omitempty"` // by cause
	Attempts int64            `json:"attempts"`           // that servers saw
	Out      Number           `json:"out_seconds"`        // from the begin of the fault until the server got no more; none: it always did, or nobody asked
	Before   Spell            `json:"before"`
	During   Spell            `json:"during"`
	After    Spell            `json:"after"`
	Share    []Point          `json:"share"` // of the attempts at the faulty server, over seconds from the begin of the fault
}

// Spell is a part of a trial, by when requests were meant to begin. Times are of requests that the other servers answered.
type Spell struct {
	Requests int    `json:"requests"`
	Failed   int    `json:"failed"`
	Share    Number `json:"share"` // of the attempts at the faulty server, 0 to 1
	Mean     Number `json:"mean_seconds"`
	P50      Number `json:"p50_seconds"`
	P99      Number `json:"p99_seconds"`
}

// Check is one figure that was held to a bound.
type Check struct {
	Name    string `json:"name"`
	Got     Number `json:"got"`
	Limit   Number `json:"limit"`
	AtLeast bool   `json:"at_least,omitempty"` // the limit is the least, else the most
	Unit    string `json:"unit,omitempty"`
	Met     bool   `json:"met"`
}

// AtMost checks that a figure is not above a limit.
func AtMost(name string, got, limit float64, unit string) Check {
	return Check{Name: name, Got: Number(got), Limit: Number(limit), Unit: unit, Met: got <= limit}
}

// AtLeast checks that a figure is not below a limit.
func AtLeast(name string, got, limit float64, unit string) Check {
	return Check{Name: name, Got: Number(got), Limit: Number(limit), AtLeast: true, Unit: unit, Met: got >= limit}
}

// String is the check in words, with how far a goal was missed.
func (c Check) String() string {
	bound, by := "≤", float64(c.Got-c.Limit)
	if c.AtLeast {
		bound = "≥"
	}
	text := fmt.Sprintf("%s %s, %s %s", c.Name, c.quantity(c.Got), bound, c.quantity(c.Limit))
	switch {
	case c.Met:
		return text + ": met"
	case !c.Got.Exists():
		return text + ": missed"
	}
	return fmt.Sprintf("%s: missed by %s", text, c.quantity(Number(math.Abs(by))))
}

func (c Check) quantity(n Number) string {
	switch {
	case !n.Exists():
		return "–"
	case c.Unit == "s":
		return n.Time()
	case c.Unit == "%":
		return fmt.Sprintf("%.2f %%", 100*float64(n))
	case c.Unit == "":
		return n.Figures()
	}
	return figures(float64(n)) + " " + c.Unit
}

// Met says that all goals were.
func (r TrialRow) Met() bool {
	return r.Broken == "" && !slices.ContainsFunc(r.Checks, func(c Check) bool { return !c.Met })
}

// Verdict is one word or a few.
func (r TrialRow) Verdict() string {
	switch {
	case r.NotAsked != "":
		return "not asked"
	case r.Broken != "":
		return "broken off"
	case r.Met():
		return "met"
	}
	return "missed"
}

// Remarks are what a verdict rests on: where it is not met, the goals that were missed.
func (r TrialRow) Remarks() (list []string) {
	switch {
	case r.NotAsked != "":
		return []string{r.NotAsked}
	case r.Broken != "":
		return []string{r.Broken}
	}
	for _, c := range r.Checks {
		if r.Met() || !c.Met {
			list = append(list, c.String())
		}
	}
	return list
}

// Failed is the requests that failed, by cause.
func (r TrialRow) Failed() string { return failuresOf(Row{Failures: r.Failures}) }

// Shares of the attempts at the faulty server: before, during and after.
func (r TrialRow) Shares() string {
	var parts []string
	for _, s := range []Spell{r.Before, r.During, r.After} {
		text := "–"
		if s.Share.Exists() {
			text = fmt.Sprintf("%.1f", 100*float64(s.Share))
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, " ")
}

// times are of the other servers' answers: before, during, after.
func (r TrialRow) times(of func(Spell) Number) string {
	return strings.Join([]string{of(r.Before).Time(), of(r.During).Time(), of(r.After).Time()}, " / ")
}

// Means of the response times.
func (r TrialRow) Means() string { return r.times(func(s Spell) Number { return s.Mean }) }

// Medians of the response times.
func (r TrialRow) Medians() string { return r.times(func(s Spell) Number { return s.P50 }) }

// Tails are the 99th percentiles of the response times.
func (r TrialRow) Tails() string { return r.times(func(s Spell) Number { return s.P99 }) }

func trialTable(b *strings.Builder, t *Trial) {
	fmt.Fprintf(b, "\n%s: %s\nmust hold: %s\n\n", t.Fault, t.What, t.Goal)
	rows := [][]string{{"contender", "verdict", "requests", "failed", "at servers", "its share, %", "out after",
		"mean", "p50", "p99 before / during / after"}}
	for _, r := range t.Rows {
		if r.NotAsked != "" || r.Broken != "" {
			rows = append(rows, []string{r.Contender, r.Verdict(), "", "", "", "", "", "", "", ""})
			continue
		}
		rows = append(rows, []string{r.Contender, r.Verdict(), count(r.Requests), r.Failed(), count(int(r.Attempts)), r.Shares(), r.Out.Time(),
			r.Means(), r.Medians(), r.Tails()})
	}
	b.WriteString(figure.Plain(rows))
	b.WriteByte('\n')
	for _, r := range t.Rows {
		for _, remark := range r.Remarks() {
			fmt.Fprintf(b, "  %s: %s\n", r.Contender, remark)
		}
	}
}
