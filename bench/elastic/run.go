// A run: each rule over its sweep on each course, in as many goroutines as there are cores.

package elastic

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/steelyard-proxy/steelyard/bench/report"
)

// done is one course of one seed, with what all rules made of it.
type done struct {
	kind   kind
	seed   uint64
	setup  setup
	curves map[string]curve
}

// Run does all of it. It ends early with ctx.
func Run(ctx context.Context, o Options) (*report.Result, error) {
	o = o.withDefaults()
	r := &report.Result{
		Schema: report.Schema, Scenario: Name, Title: Title, Command: o.Command, Started: time.Now(), Machine: report.ThisMachine(),
		About: "Virtual time. A second is over the objective when a request that came in it waited longer than 2 s for a slot, or was refused. Replica-hours count from the order to start until the end of the drain. Each rule is run over a sweep of its own target, and rules are compared at equal seconds over the objective.",
	}
	list, missing := o.wanted()
	if len(missing) > 0 {
		r.Notes = append(r.Notes, fmt.Sprintf("Not judged without their files: %s. --traces FOLDER has the published traces read from there.", strings.Join(missing, ", ")))
	}
	for i := range o.Seeds {
		r.Seeds = append(r.Seeds, o.Seed+uint64(i))
	}
	var jobs []*done
	for _, k := range list {
		seeds := o.Seeds
		if k.file != "" {
			seeds = 1
		}
		for i := range seeds {
			jobs = append(jobs, &done{kind: k, seed: o.Seed + uint64(i), curves: map[string]curve{}})
		}
	}
	if err := all(ctx, o, jobs); err != nil {
		return nil, err
	}
	courses := join(jobs)
	r.Tables = []report.Sheet{oneTable(courses), equalTable(courses), partsTable(courses), usualTable(courses), sweepTable(courses)}
	r.Goals = goals(courses)
	r.Notes = append(r.Notes, notes(courses)...)
	r.ElapsedSeconds = time.Since(r.Started).Seconds()
	return r, nil
}

// all does the jobs.
func all(ctx context.Context, o Options, jobs []*done) error {
	var mu sync.Mutex // guards what follows
	var failed error
	started, next, ended := time.Now(), 0, 0
	take := func() *done {
		mu.Lock()
		defer mu.Unlock()
		if next == len(jobs) || ctx.Err() != nil || failed != nil {
			return nil
		}
		next++
		return jobs[next-1]
	}
	var group sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(jobs)) {
		group.Go(func() {
			for d := take(); d != nil; d = take() {
				err := d.run(ctx, o.Folder)
				mu.Lock()
				if err != nil && failed == nil {
					failed = err
				}
				ended++
				if part := float64(ended) / float64(len(jobs)); o.Progress != nil {
					o.Progress(Step{Doing: "scaling by " + d.kind.name, Done: part, Left: time.Duration(float64(time.Since(started)) * (1 - part) / part)})
				}
				mu.Unlock()
			}
		})
	}
	group.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return failed
}

// run has all rules at one course.
func (d *done) run(ctx context.Context, folder string) error {
	c, err := d.kind.course(folder, d.seed)
	if err != nil {
		return err
	}
	d.setup = c.setup
	p := prepare(c)
	for _, r := range contenders {
		if r.told && c.rates == nil {
			continue
		}
		for _, target := range r.targets {
			if ctx.Err() != nil {
				return nil
			}
			d.curves[r.name] = append(d.curves[r.name], tuned{target, r.run(p, target)})
		}
	}
	return nil
}

// join puts the seeds of a kind together.
func join(jobs []*done) (courses [][]*done) {
	for _, d := range jobs {
		if n := len(courses); n > 0 && courses[n-1][0].kind.name == d.kind.name {
			courses[n-1] = append(courses[n-1], d)
			continue
		}
		courses = append(courses, []*done{d})
	}
	return courses
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
