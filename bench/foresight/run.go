// A run: each series foretold from step to step, the table and the goals.

package foresight

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"sync"
	"time"

	"github.com/steelyard-proxy/steelyard/bench/report"
	"github.com/steelyard-proxy/steelyard/metrics/forecast"
)

// What has to come out.
const (
	mostMase, mostSeasonal  = 1.05, 0.9
	leastInside, mostInside = 0.85, 0.95
	mostStep                = time.Millisecond
)

var horizonNames = [3]string{forecast.Lead: "lead", forecast.Hour: "1 h", forecast.Day: "24 h"}

// outcome is what came of one series at one horizon.
type outcome struct {
	n, off, last, yesterday, week float64 // sums of absolute errors on the same steps
	inside                        float64
}

// plain is the mean error of the better season.
func (o *outcome) plain() float64 { return min(o.yesterday, o.week) / o.n }

func (o *outcome) add(p *outcome) {
	o.n, o.off, o.last, o.yesterday, o.week, o.inside = o.n+p.n, o.off+p.off, o.last+p.last, o.yesterday+p.yesterday, o.week+p.week, o.inside+p.inside
}

func (o *outcome) mase() float64     { return o.off / o.n / o.plain() }
func (o *outcome) lastMase() float64 { return o.last / o.n / o.plain() }
func (o *outcome) coverage() float64 { return o.inside / o.n }

// foretold is one series, done.
type foretold struct {
	course   *course
	outcomes [3]outcome
	methods  [3]string // at the end
	took     time.Duration
	steps    int
}

// foretell shows a series step by step.
func foretell(ctx context.Context, c *course) *foretold {
	f := &foretold{course: c}
	lead := max(10*time.Minute, c.step)
	s := forecast.NewSeries(forecast.Options{Step: c.step, Lead: lead, Location: c.zone})
	ahead := [3]int{int(lead / c.step), int(time.Hour / c.step), int(24 * time.Hour / c.step)}
	said := [3][]forecast.Range{}
	for i, y := range c.values {
		if ctx.Err() != nil {
			return f
		}
		began := time.Now()
		s.Add(c.start.Add(time.Duration(i)*c.step), y)
		f.took += time.Since(began)
		f.steps++
		for h, steps := range ahead {
			said[h] = append(said[h], s.Ahead(h))
			if origin := i - steps; i >= c.judged && origin >= 0 {
				f.outcomes[h].judge(c, i, origin, said[h][origin])
			}
		}
	}
	for h := range f.methods {
		f.methods[h] = s.Method(h)
	}
	return f
}

// judge holds what was said at a step against what came, where the rules beside it can say something too.
func (o *outcome) judge(c *course, step, origin int, r forecast.Range) {
	day := int(24 * time.Hour / c.step)
	y, last, yesterday, week := c.values[step], c.before(origin), c.value(step-day), c.value(step-7*day)
	if math.IsNaN(y) || math.IsNaN(last) || math.IsNaN(yesterday) || math.IsNaN(r.P50) {
		return
	}
	if math.IsNaN(week) {
		week = yesterday
	}
	o.n++
	o.off += math.Abs(y - r.P50)
	o.last += math.Abs(y - last)
	o.yesterday += math.Abs(y - yesterday)
	o.week += math.Abs(y - week)
	if y >= r.P05 && y <= r.P95 {
		o.inside++
	}
}

func (c *course) value(step int) float64 {
	if step < 0 {
		return math.NaN()
	}
	return c.values[step]
}

// before is the newest value up to a step.
func (c *course) before(step int) float64 {
	for ; step >= 0; step-- {
		if !math.IsNaN(c.values[step]) {
			return c.values[step]
		}
	}
	return math.NaN()
}

// Run does all of it. It ends early with ctx.
func Run(ctx context.Context, o Options) (*report.Result, error) {
	o = o.withDefaults()
	r := &report.Result{
		Schema: report.Schema, Scenario: Name, Title: Title, Command: o.Command, Started: time.Now(), Machine: report.ThisMachine(),
		About: "Each series is shown step by step, and what is said of later steps is held against what comes. MASE is the mean error over that of the same time yesterday or last week, whichever is less on the same steps; below 1 is better than that.",
	}
	var courses []*course
	if o.Folder != "" {
		list, err := published(o.Folder)
		if err != nil {
			return nil, err
		}
		courses = list
	} else {
		r.Notes = append(r.Notes, "Only generated weeks: with --traces FOLDER the public series are foretold as well.")
	}
	for i := range o.Seeds {
		r.Seeds = append(r.Seeds, o.Seed+uint64(i))
		courses = append(courses, generated(o.Seed+uint64(i))...)
	}
	done, err := all(ctx, courses, o.Progress)
	if err != nil {
		return nil, err
	}
	list := join(done)
	r.Tables = []report.Sheet{table(list)}
	r.Goals = goals(list)
	r.ElapsedSeconds = time.Since(r.Started).Seconds()
	return r, nil
}

// all foretells all series, as many at a time as there are cores.
func all(ctx context.Context, courses []*course, progress func(Step)) ([]*foretold, error) {
	list := make([]*foretold, len(courses))
	var mu sync.Mutex
	var group sync.WaitGroup
	started, next, done := time.Now(), 0, 0
	take := func() int {
		mu.Lock()
		defer mu.Unlock()
		next++
		return next - 1
	}
	for range min(runtime.GOMAXPROCS(0), len(courses)) {
		group.Go(func() {
			for i := take(); i < len(courses) && ctx.Err() == nil; i = take() {
				list[i] = foretell(ctx, courses[i])
				mu.Lock()
				done++
				if part := float64(done) / float64(len(courses)); progress != nil {
					progress(Step{Doing: "foretelling " + courses[i].name, Done: part, Left: time.Duration(float64(time.Since(started)) * (1 - part) / part)})
				}
				mu.Unlock()
			}
		})
	}
	group.Wait()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return list, nil
}

// join adds up the seeds of each kind of weeks.
func join(done []*foretold) (list []*foretold) {
	at := map[string]*foretold{}
	for _, f := range done {
		same := at[f.course.name]
		if same == nil {
			at[f.course.name] = f
			list = append(list, f)
			continue
		}
		for h := range f.outcomes {
			same.outcomes[h].add(&f.outcomes[h])
		}
		same.took += f.took
		same.steps += f.steps
	}
	return list
}

func table(list []*foretold) report.Sheet {
	s := report.Sheet{Title: "MASE of the middle, of the last value, and the part inside of the 90 % band", Head: []string{"series"}}
	for _, name := range horizonNames {
		s.Head = append(s.Head, name, "last value", "inside", "method at the end")
	}
	s.Head = append(s.Head, "µs a step")
	for _, f := range list {
		row := []string{f.course.name}
		for h := range horizonNames {
			o := &f.outcomes[h]
			row = append(row, fmt.Sprintf("%.2f", o.mase()), fmt.Sprintf("%.2f", o.lastMase()), fmt.Sprintf("%.1f %%", 100*o.coverage()), f.methods[h])
		}
		s.Rows = append(s.Rows, append(row, fmt.Sprintf("%.0f", float64(f.took.Microseconds())/float64(f.steps))))
	}
	return s
}

func goals(list []*foretold) (goals []report.Goal) {
	slowest := 0.0
	for _, f := range list {
		g := report.Goal{Name: f.course.name}
		for h, name := range horizonNames {
			o, most := &f.outcomes[h], mostMase
			if f.course.seasonal && h != forecast.Day {
				most = mostSeasonal
			}
			g.Checks = append(g.Checks, report.AtMost("MASE "+name, o.mase(), most, ""),
				report.AtLeast("inside "+name, o.coverage(), leastInside, "%"), report.AtMost("inside "+name, o.coverage(), mostInside, "%"))
		}
		goals = append(goals, g)
		slowest = max(slowest, f.took.Seconds()/float64(f.steps))
	}
	return append(goals, report.Goal{Name: "time of a step", Checks: []report.Check{report.AtMost("mean of the slowest series", slowest, mostStep.Seconds(), "s")}})
}

// Missed are the goals that were missed, for the exit code.
func Missed(r *report.Result) (list []string) {
	for _, g := range r.Goals {
		if !g.Met() {
			list = append(list, g.Name+": "+g.Figures())
		}
	}
	return list
}
