// What a run comes to.

package live

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/steelyard-proxy/steelyard/bench/figure"
	"github.com/steelyard-proxy/steelyard/bench/report"
)

// Result is a run.
type Result struct {
	Started        time.Time         `json:"started"`
	ElapsedSeconds float64           `json:"elapsed_seconds"`
	Command        []string          `json:"command"`
	Machine        report.Machine    `json:"machine"`
	Versions       map[string]string `json:"versions"`
	Seed           uint64            `json:"seed"`
	Runs           int               `json:"runs"`
	Boards         []Board           `json:"cases"`
}

// Board is one case.
type Board struct {
	Name       string    `json:"name"`
	From       string    `json:"from"` // the file of the work; made
	Engines    []string  `json:"engines"`
	Capacities []float64 `json:"capacities"` // requests of this work per second, by engine
	Rate       float64   `json:"rate"`       // requests per second of the engines' time
	Load       float64   `json:"load"`
	Requests   int       `json:"requests"`
	Speed      float64   `json:"speed"` // of the engines' time, over the clock's
	Rows       []Row     `json:"rows"`
	Checks     []Check   `json:"checks"`
}

// Row is one contender. Figures are means over the runs, in seconds of the engines' time.
type Row struct {
	Contender string         `json:"contender"`
	Peer      bool           `json:"peer"`
	Spans     Numbers        `json:"spans"`
	Times     Numbers        `json:"times"`          // × the better peer of each run
	Simulated *Numbers       `json:"simulated"`      // the same in virtual time; nil: nobody knows its rule
	Cached    report.Number  `json:"cached_ratio"`   // of the prompts' tokens, as the engines said
	Late      report.Number  `json:"late_p99_clock"` // how late requests were sent, in seconds of the clock
	Failures  map[string]int `json:"failures"`       // of all runs, by why
	runs      []measured
}

// Numbers are Spans that JSON can have.
type Numbers [figures]report.Number

func numbers(s Spans) (n Numbers) {
	for i, x := range s {
		n[i] = report.Number(x)
	}
	return n
}

// Check is a goal, held.
type Check struct {
	Figure string        `json:"figure"`
	Ratio  report.Number `json:"ratio"`
	Most   float64       `json:"most"`
	Met    bool          `json:"met"`
}

func (o Options) head() *Result {
	r := &Result{Started: time.Now(), Machine: report.ThisMachine(), Versions: map[string]string{}, Seed: o.Seed, Runs: o.Runs}
	for name, p := range o.Programs {
		r.Versions[name] = p.Version
	}
	return r
}

// board is a case before it has run.
func (f offer) board(o Options) *Board {
	sum := 0.0
	for _, capacity := range f.capacities {
		sum += capacity
	}
	b := &Board{Name: f.Name, From: f.from, Engines: f.Engines, Capacities: f.capacities, Rate: f.trace.Rate(), Load: f.trace.Rate() / sum,
		Requests: len(f.trace.Requests), Speed: f.speed}
	for _, c := range o.contenders() {
		b.Rows = append(b.Rows, Row{Contender: c.name, Peer: c.peer(), Failures: map[string]int{}})
	}
	return b
}

func (r *Row) add(m measured) {
	r.runs = append(r.runs, m)
	for why, n := range m.failures {
		r.Failures[why] += n
	}
}

// compare sets what all runs together say, and holds the goals.
func (b *Board) compare(f offer) {
	for i := range b.Rows {
		r := &b.Rows[i]
		var plain, times []Spans
		late, cached := 0.0, 0.0
		for run, m := range r.runs {
			plain, times = append(plain, m.Spans), append(times, m.over(b.better(run)))
			late = max(late, m.late)
			cached += m.cached / float64(len(r.runs))
		}
		r.Spans, r.Times = numbers(means(plain)), numbers(means(times))
		r.Late, r.Cached = report.Number(late), report.Number(cached)
	}
	at := slices.IndexFunc(b.Rows, func(r Row) bool { return strings.HasSuffix(r.Contender, " "+rule) })
	for _, g := range f.Goals {
		if at < 0 || !b.Rows[at].Times[g.Figure].Exists() {
			continue
		}
		ratio := b.Rows[at].Times[g.Figure]
		b.Checks = append(b.Checks, Check{Figure: g.Figure.String(), Ratio: ratio, Most: g.Most, Met: float64(ratio) <= g.Most})
	}
}

// better are the figures of the peers in a run, each that of the one that is better in it; NaN without peers. Of the
// settings of one program the one of the least R stands for it, and who has failed requests for nothing.
func (b *Board) better(run int) Spans {
	best := map[string]Spans{} // by program
	for _, r := range b.Rows {
		program, _, _ := strings.Cut(r.Contender, " ")
		m := r.runs[run]
		if known, there := best[program]; r.Peer && len(m.failures) == 0 && (!there || m.Spans[R] < known[R]) {
			best[program] = m.Spans
		}
	}
	least := means(nil)
	for _, s := range best {
		for i := range least {
			if !(s[i] >= least[i]) {
				least[i] = s[i]
			}
		}
	}
	return least
}

// means are figure by figure; NaN of nothing.
func means(list []Spans) (all Spans) {
	for i := range all {
		sum := 0.0
		for _, s := range list {
			sum += s[i]
		}
		all[i] = sum / float64(len(list))
	}
	return all
}

// Table is the result for people.
func (r *Result) Table() string {
	var b strings.Builder
	for _, board := range r.Boards {
		fmt.Fprintf(&b, "\n%s: %d requests (%s) at %.3g/s, load %.2f, engines %s, time × %.3g\n\n", board.Name, board.Requests, board.From,
			board.Rate, board.Load, strings.Join(board.Engines, " "), board.Speed)
		rows := [][]string{{"", "R s", "TTFT s", "p99", "TPOT ms", "R ×", "TTFT ×", "p99 ×", "TPOT ×", "cached", "simulated R s", "measured ÷ it", "failed"}}
		for _, row := range board.Rows {
			rows = append(rows, row.cells())
		}
		b.WriteString(figure.Plain(rows))
		for _, c := range board.Checks {
			verdict := "missed"
			if c.Met {
				verdict = "met"
			}
			fmt.Fprintf(&b, "%s of %s × the better peer %s, at most %.3g: %s\n", c.Figure, rule, c.Ratio.Ratio(), c.Most, verdict)
		}
		b.WriteString(board.busy())
	}
	return b.String()
}

func (r Row) cells() []string {
	number := func(n report.Number, format string) string {
		if !n.Exists() {
			return "–"
		}
		return fmt.Sprintf(format, float64(n))
	}
	list := []string{r.Contender, number(r.Spans[R], "%.2f"), number(r.Spans[TTFT], "%.3f"), number(r.Spans[TTFT99], "%.2f"), number(1000*r.Spans[TPOT], "%.1f"),
		r.Times[R].Ratio(), r.Times[TTFT].Ratio(), r.Times[TTFT99].Ratio(), r.Times[TPOT].Ratio(), number(100*r.Cached, "%.0f %%")}
	if r.Simulated == nil {
		list = append(list, "–", "–")
	} else {
		list = append(list, number(r.Simulated[R], "%.2f"), number(r.Spans[R]/r.Simulated[R], "%.3f"))
	}
	failed := 0
	for _, n := range r.Failures {
		failed += n
	}
	return append(list, fmt.Sprint(failed))
}

// tooLate is how late requests may be sent, of the mean R, before figures are of the machine.
const tooLate = 0.005

// busy says so where the machine did not keep up.
func (b Board) busy() string {
	for _, r := range b.Rows {
		if late := float64(r.Late) * b.Speed; late > tooLate*float64(r.Spans[R]) {
			return fmt.Sprintf("The machine was busy: of the requests to %s one in a hundred was sent %.2g s of the engines' time late or more. "+
				"Give a lower --speed.\n", r.Contender, late)
		}
	}
	return ""
}

// Missed are the goals that were missed.
func (r *Result) Missed() (list []string) {
	for _, b := range r.Boards {
		for _, c := range b.Checks {
			if !c.Met {
				list = append(list, fmt.Sprintf("%s: %s %s, at most %g", b.Name, c.Figure, c.Ratio.Ratio(), c.Most))
			}
		}
	}
	return list
}

// Write puts the result into a file.
func (r *Result) Write(path string) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("write result: %w", err)
	}
	if err := os.WriteFile(path, append(text, '\n'), 0o644); err != nil {
		return fmt.Errorf("write result: %w", err)
	}
	return nil
}
