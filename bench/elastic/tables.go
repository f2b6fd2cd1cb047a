// The tables and goals of a run.

package elastic

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/steelyard-proxy/steelyard/bench/figure"
	"github.com/steelyard-proxy/steelyard/bench/report"
)

// What has to come out, of the hours of others at equal seconds over the objective.
const (
	mostOfHPA    = 0.8
	mostOfOracle = 1.15
)

// parts are those of the seconds that may be over the objective. The first at which steelyard, the HPA and the oracle all have a target
// is the one that counts: where work comes at once and unforeseen, nobody who must wait for a start reaches the first.
var parts = []float64{0.01, 0.03, 0.1, 0.3}

// level is the part of the seconds at which a course is judged; NaN: there is none.
func (d *done) level() float64 {
	for _, part := range parts {
		reached := !slices.ContainsFunc([]string{withFloor, ofHPA, ofUse, ofOracle}, func(name string) bool {
			hours, _ := d.curves[name].hoursAt(part)
			return math.IsNaN(hours)
		})
		if reached {
			return part
		}
	}
	return math.NaN()
}

// hours are those of a rule at the level.
func (d *done) hours(name string) float64 {
	hours, _ := d.curves[name].hoursAt(d.level())
	return hours
}

// ratio is by how much one takes more than another, for each seed.
func ratio(seeds []*done, name, other string) (list []float64) {
	for _, d := range seeds {
		list = append(list, d.hours(name)/d.hours(other))
	}
	return list
}

func equalTable(courses [][]*done) report.Sheet {
	s := report.Sheet{
		Title: "Replica-hours at equal seconds over the objective, × the oracle's: mean of the seeds, least to greatest; each rule by the target that gets it there",
		Head:  []string{"course", "seconds over", "oracle, hours"},
	}
	for _, r := range contenders {
		if r.name != ofOracle {
			s.Head = append(s.Head, r.name)
		}
	}
	for _, seeds := range courses {
		d := seeds[0]
		row := []string{d.kind.name, fmt.Sprintf("%g %%", 100*d.level()), fmt.Sprintf("%.1f", d.hours(ofOracle))}
		for _, r := range contenders {
			if r.name != ofOracle {
				row = append(row, figure.Summarise(ratio(seeds, r.name, ofOracle)).Text(2))
			}
		}
		s.Rows = append(s.Rows, row)
	}
	return s
}

// otherParts are those of the seconds that are shown beside the level.
var otherParts = []float64{0.0003, 0.001, 0.003, 0.01, 0.03}

// partsTable is how those that goals are of compare where users bear less, or more.
func partsTable(courses [][]*done) report.Sheet {
	s := report.Sheet{Title: "The same at other parts of the seconds: steelyard with the floor, HPA in flight and HPA by use, × the oracle's hours (– where one is never there)", Head: []string{"course"}}
	for _, part := range otherParts {
		s.Head = append(s.Head, fmt.Sprintf("%g %%", 100*part))
	}
	for _, seeds := range courses {
		row := []string{seeds[0].kind.name}
		for _, part := range otherParts {
			var cells []string
			for _, name := range []string{withFloor, ofHPA, ofUse} {
				var list []float64
				for _, d := range seeds {
					hours, _ := d.curves[name].hoursAt(part)
					least, _ := d.curves[ofOracle].hoursAt(part)
					list = append(list, hours/least)
				}
				cells = append(cells, figure.Spread{Median: figure.Mean(list), Rounds: min(1, len(list))}.Text(2))
			}
			row = append(row, strings.ReplaceAll(strings.Join(cells, " / "), "NaN", "–"))
		}
		s.Rows = append(s.Rows, row)
	}
	return s
}

// usual are the targets that a rule has if nobody thinks of one.
var usual = map[string]float64{withFloor: 0.7, reactive: 0.7, ofHPA: 0.7, ofUse: 0.7, ofKEDA: 0.7, ofKnative: 0.7, ofScraped: 0.7, ofWaiting: 5}

func usualTable(courses [][]*done) report.Sheet {
	s := report.Sheet{
		Title: "Each rule as it comes (fixed: the least that is over for 1 % of the seconds at most; the oracle at the level above): first seed",
		Head:  []string{"course", "rule", "replica-hours", "seconds over", "mean R", "turns/h", "starts", "refused", "requests"},
	}
	for _, seeds := range courses {
		for _, r := range contenders {
			t := seeds[0].shown(r.name)
			if t == nil {
				continue
			}
			hours := float64(t.Seconds) / 3600
			s.Rows = append(s.Rows, []string{
				seeds[0].kind.name, r.name, fmt.Sprintf("%.1f", t.Hours), fmt.Sprintf("%d (%.2f %%)", t.Over, 100*t.part()), fmt.Sprintf("%.2f s", t.Response),
				fmt.Sprintf("%.1f", float64(t.Turns)/hours), fmt.Sprint(t.Starts), fmt.Sprint(t.Refused), fmt.Sprint(t.Requests),
			})
		}
	}
	return s
}

// shown is what the table of usual targets has of a rule; nil: nothing.
func (d *done) shown(name string) *tuned {
	best := (*tuned)(nil)
	for i := range d.curves[name] {
		t := &d.curves[name][i]
		target, is := usual[name]
		if is && t.Target == target {
			return t
		}
		if most := max(d.level(), parts[0]); !is && t.part() <= most && (best == nil || t.Hours < best.Hours) {
			best = t
		}
	}
	return best
}

func (t tuned) part() float64 { return float64(t.Over) / float64(max(t.Seconds, 1)) }

func sweepTable(courses [][]*done) report.Sheet {
	s := report.Sheet{Title: "The sweeps, first seed: replica-hours and seconds over, by target", Head: []string{"course", "rule", "target: hours (seconds over)"}}
	for _, seeds := range courses {
		for _, r := range contenders {
			var cells []string
			for _, t := range seeds[0].curves[r.name] {
				cells = append(cells, fmt.Sprintf("%s: %.1f (%d)", r.shows(t.Target), t.Hours, t.Over))
			}
			s.Rows = append(s.Rows, []string{seeds[0].kind.name, r.name + ", by " + r.target, strings.Join(cells, "; ")})
		}
	}
	return s
}

func goals(courses [][]*done) []report.Goal {
	list := []report.Goal{oneGoal(courses)}
	for _, seeds := range courses {
		list = append(list, courseGoal(seeds))
	}
	return list
}

// notes say where a goal lies below what the oracle can do: nobody can meet it there.
func notes(courses [][]*done) (list []string) {
	var beyond []string
	for _, seeds := range courses {
		if r := figure.Mean(ratio(seeds, ofOracle, ofUse)); r > mostOfHPA {
			beyond = append(beyond, fmt.Sprintf("%s (%.2f)", seeds[0].kind.name, r))
		}
	}
	if len(beyond) > 0 {
		list = append(list, fmt.Sprintf("The oracle itself takes more than %g of the hours of the HPA by use, tuned for the course, on: %s. No rule can reach that goal there.", mostOfHPA, strings.Join(beyond, ", ")))
	}
	return list
}
