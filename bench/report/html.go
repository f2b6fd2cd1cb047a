// The report as one page.

package report

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"slices"
	"strings"
	"time"
)

//go:embed page
var page embed.FS

var pageTemplate = template.Must(template.New("report.tmpl").Funcs(template.FuncMap{
	"numbers": numbers, "response": func(f Formula) string { return f.response() }, "failures": failuresOf, "count": count, "percent": percent,
	"figures": figures, "half": func(v float64) float64 { return v / 2 }, "nanos": func(v float64) string { return Number(v * 1e-9).Time() },
}).ParseFS(page, "page/*.tmpl"))

// view is a Result as the page shows it.
type view struct {
	*Result
	Style      template.CSS
	Facts      []fact
	Verdicts   []Case
	Parts      []part
	FleetPlots [][]*linePlot // each in both sizes
	TrialPlots []trialPart
	Matrices   []matrix
	OfferParts []offerPart
}

type fact struct{ Name, Value string }

// part is one case with its plots.
type part struct {
	Heading      string
	Legend       []key
	Means        []*barPlot // in both sizes, as all plots
	Sweep        []*linePlot
	Distribution []*linePlot
	Shares       []*barPlot
	Panels       []panel
	Rows         []shownRow
	Theory       []Line
	Peers        bool // there are some to compare with
	Compared     bool // measured ones have been simulated too
}

type key struct {
	Name, Class, Settings string
	Peer                  bool
}

type shownRow struct {
	Row
	Class string
	Best  bool
}

// HTML is the whole report as one page.
func HTML(r *Result) ([]byte, error) {
	style, err := page.ReadFile("page/style.css")
	if err != nil {
		panic("BUG: read the style sheet: " + err.Error()) // it is in the program
	}
	v := view{Result: r, Style: template.CSS(style), Facts: facts(r)}
	for _, c := range r.Cases {
		if c.Target != nil {
			v.Verdicts = append(v.Verdicts, c)
		}
		v.Parts = append(v.Parts, newPart(r, &c))
	}
	for _, t := range r.Trials {
		v.TrialPlots = append(v.TrialPlots, newTrialPart(&t))
	}
	v.Matrices, v.OfferParts = r.matrices(), newOfferParts(r)
	large, small := fleetPlots(r, fleetClasses(r), wide), fleetPlots(r, fleetClasses(r), narrow)
	for i := range large {
		v.FleetPlots = append(v.FleetPlots, []*linePlot{large[i], small[i]})
	}
	var b bytes.Buffer
	if err := pageTemplate.Execute(&b, v); err != nil {
		return nil, fmt.Errorf("render report: %w", err)
	}
	return b.Bytes(), nil
}

func facts(r *Result) (list []fact) {
	how := "simulated, in virtual time"
	if r.Measured {
		how = "measured, over sockets"
	}
	if r.Rate > 0 && r.Trials == nil {
		list = []fact{
			{"T, requests per second", short(r.Rate)}, {"capacities C", strings.TrimPrefix(capacities(r), "C = ")},
			{"load T / ΣC", percent(r.load())}, {"requests in each trace", count(r.Requests)}, {"traces", count(len(r.Seeds))},
		}
	}
	if r.Balancers > 1 {
		list = append(list, fact{"balancers", count(r.Balancers)})
	}
	return append(list, fact{how, r.Started.Format(time.DateOnly)})
}

func newPart(r *Result, c *Case) part {
	class := classes(c)
	p := part{
		Heading:      c.heading(r),
		Means:        both(func(s size) *barPlot { return meanPlot(c, class, s) }),
		Sweep:        both(func(s size) *linePlot { return sweepPlot(r, c, class, s) }),
		Distribution: both(func(s size) *linePlot { return distributionPlot(c, class, s) }),
		Shares:       both(func(s size) *barPlot { return sharePlot(r, c, class, s) }),
		Panels:       panels(c, class), Theory: c.Theory,
	}
	best := None()
	for _, row := range c.Rows {
		p.Peers = p.Peers || row.Kind == Peer
		p.Compared = p.Compared || row.Simulation != nil
		if row.Mean.Exists() && !row.Unstable && (!best.Exists() || row.Mean < best) {
			best = row.Mean
		}
	}
	for _, row := range c.Rows {
		p.Legend = append(p.Legend, key{row.Contender, class(row.Contender), row.Settings, row.Kind == Peer})
		p.Rows = append(p.Rows, shownRow{row, class(row.Contender), row.Mean == best && !row.Unstable})
	}
	return p
}

func (c *Case) heading(r *Result) string {
	if len(r.Cases) == 1 && r.Formulas == nil {
		return "Results"
	}
	return strings.ToUpper(c.Name[:1]) + c.Name[1:]
}

// classes give each contender a colour of its own: peers quiet ones, ours the others, in the order of the rows.
func classes(c *Case) func(string) string {
	of := map[string]string{}
	peers, ours := 0, 0
	for _, row := range c.Rows {
		if row.Kind == Peer {
			of[row.Contender] = fmt.Sprintf("p%d", peers%3+1)
			peers++
			continue
		}
		of[row.Contender] = fmt.Sprintf("s%d", ours%9+1)
		ours++
	}
	return func(name string) string { return of[name] }
}

func fleetClasses(r *Result) func(string) string {
	var names []string
	for _, f := range r.Fleets {
		if !slices.Contains(names, f.Policy) {
			names = append(names, f.Policy)
		}
	}
	return func(name string) string { return fmt.Sprintf("s%d", slices.Index(names, name)%9+1) }
}

// CommandLine is the command as a shell would take it.
func (v view) CommandLine() string { return strings.Join(v.Command, " ") }

// When is the time of the start.
func (v view) When() string { return v.Started.Format("2006-01-02 15:04:05 MST") }

// Took is how long it ran.
func (v view) Took() string { return elapsed(v.ElapsedSeconds) }

// Capacities are C for people.
func (v view) Capacities() string { return capacities(v.Result) }
