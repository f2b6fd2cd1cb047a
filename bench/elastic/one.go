// Each rule by one setting for all courses: what somebody has who does not know what will come.

package elastic

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/steelyard-proxy/steelyard/bench/figure"
	"github.com/steelyard-proxy/steelyard/bench/report"
)

// perPart is how finely parts of the seconds are counted where courses are put together.
const perPart = 1_000_000

// together is a rule over all courses by its target: the mean of its hours, in those of the oracle at the course's level, and of the part of
// the seconds that is over. Each course counts the same, however long it is. Empty: the rule does not run on all.
func together(courses [][]*done, name string) (c curve) {
	for i, first := range courses[0][0].curves[name] {
		hours, over := 0.0, 0.0
		for _, seeds := range courses {
			for _, d := range seeds {
				list := d.curves[name]
				if i >= len(list) {
					return nil
				}
				share := 1 / float64(len(courses)*len(seeds))
				hours += share * list[i].Hours / d.hours(ofOracle)
				over += share * list[i].part()
			}
		}
		c = append(c, tuned{first.Target, Figures{Hours: hours, Over: int(math.Round(over * perPart)), Seconds: perPart}})
	}
	return c
}

// at is what a curve has at a target, on the straight line between two that it was run with. Hours are NaN where it was not run.
func (c curve) at(target float64) tuned {
	list := slices.Clone(c)
	slices.SortFunc(list, func(a, b tuned) int { return cmp.Compare(a.Target, b.Target) })
	for i, t := range list {
		switch {
		case t.Target == target:
			return t
		case t.Target < target || i == 0:
			continue
		}
		b := list[i-1]
		x := (target - b.Target) / (t.Target - b.Target)
		t.Target, t.Hours = target, b.Hours+x*(t.Hours-b.Hours)
		t.Over = int(math.Round(float64(b.Over) + x*float64(t.Over-b.Over)))
		return t
	}
	return tuned{target, Figures{Hours: math.NaN()}}
}

// least is what a curve takes at a part of the seconds or, where it never gets there, at the fewest that it has.
func (c curve) least(part float64) float64 {
	fewest := 1.0
	for _, t := range c {
		fewest = min(fewest, t.part())
	}
	hours, _ := c.hoursAt(max(part, fewest))
	return hours
}

// setting is one of a rule for all courses.
type setting struct {
	rule, why string
	target    float64
}

// settings are rules as they come, and the HPAs by the setting that has as many seconds over in all as steelyard as it comes.
func settings(courses [][]*done) (list []setting) {
	goal := mine(courses).part()
	for _, r := range contenders {
		if target, is := usual[r.name]; is {
			list = append(list, setting{r.name, "as it comes", target})
		}
		if slices.Contains(hpas, r.name) {
			if _, target := together(courses, r.name).hoursAt(goal); !math.IsNaN(target) {
				list = append(list, setting{r.name, "with as many seconds over as steelyard", target})
			}
		}
	}
	return list
}

// mine is steelyard as it comes, over all courses.
func mine(courses [][]*done) *tuned {
	t := together(courses, withFloor).at(usual[withFloor])
	return &t
}

// oneTable is what rules take and what users bear by one setting for all courses.
func oneTable(courses [][]*done) report.Sheet {
	s := report.Sheet{
		Title: "One setting for all courses: hours × the oracle's at the level of the course, and the part of the seconds that is over; the mean of all, and each",
		Head:  []string{"rule", "setting", "all"},
	}
	for _, seeds := range courses {
		s.Head = append(s.Head, seeds[0].kind.name)
	}
	for _, o := range settings(courses) {
		all := together(courses, o.rule).at(o.target)
		row := []string{o.rule + ", " + o.why, fmt.Sprintf("%.2f", o.target), cell(all.Hours, all.part())}
		for _, seeds := range courses {
			var hours, over []float64
			for _, d := range seeds {
				t := d.curves[o.rule].at(o.target)
				hours, over = append(hours, t.Hours/d.hours(ofOracle)), append(over, t.part())
			}
			row = append(row, cell(figure.Mean(hours), figure.Mean(over)))
		}
		s.Rows = append(s.Rows, row)
	}
	return s
}

func cell(hours, over float64) string { return fmt.Sprintf("%.2f (%.2f %%)", hours, 100*over) }

// oneGoal holds steelyard as it comes against HPAs that have one setting for all courses too, and as many seconds over in all.
func oneGoal(courses [][]*done) report.Goal {
	g := report.Goal{Name: "one setting for all courses, and as many seconds over in all"}
	is := mine(courses)
	for _, name := range hpas {
		g.Checks = append(g.Checks, report.AtMost("hours × those of "+name, is.Hours/together(courses, name).least(is.part()), mostOfHPA, "×"))
	}
	return g
}

// courseGoal holds steelyard as it comes against who has been tuned for the course with hindsight, until it has as many seconds over there.
func courseGoal(seeds []*done) report.Goal {
	against := func(name string) float64 {
		var list []float64
		for _, d := range seeds {
			is := d.curves[withFloor].at(usual[withFloor])
			list = append(list, is.Hours/d.curves[name].least(is.part()))
		}
		return figure.Mean(list)
	}
	return report.Goal{Name: seeds[0].kind.name + ", steelyard as it comes, at its seconds", Checks: []report.Check{
		report.AtMost("hours × the oracle's", against(ofOracle), mostOfOracle, "×"),
		report.AtMost("× those of "+ofHPA+", tuned for the course", against(ofHPA), mostOfHPA, "×"),
		report.AtMost("× those of "+ofUse+", tuned for the course", against(ofUse), mostOfHPA, "×"),
	}}
}
