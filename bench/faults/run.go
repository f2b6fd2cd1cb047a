// A run: all trials and timelines, the tables and the goals.

package faults

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/steelyard-proxy/steelyard/bench/report"
)

// What has to come out.
const (
	leastSoon   = 0.95 // of the trials, within a minute
	leastNamed  = 0.90 // of the faults
	mostForNone = 1.0  // alarms for nothing, per endpoint and clean week
)

// Run does all of it. It ends early with ctx.
func Run(ctx context.Context, o Options) (*report.Result, error) {
	o = o.withDefaults()
	r := &report.Result{
		Schema: report.Schema, Scenario: Name, Title: Title, Command: o.Command, Started: time.Now(), Machine: report.ThisMachine(),
		About: "Rows of requests are generated, with the truth of each fault; no engine is simulated. Steelyard's detector and three rules that anybody could write see the same rows. An alarm is an event: it begins once.",
	}
	for i := range o.Seeds {
		r.Seeds = append(r.Seeds, o.Seed+uint64(i))
	}
	var list []trial
	var lines [][]*line
	if o.Only != "weeks" {
		list = trials(o)
	}
	if o.Only != "trials" {
		lines = make([][]*line, o.Seeds)
	}
	times := make([][]timed, len(list))
	// A timeline takes as long as many trials: those first.
	err := each(ctx, len(lines)+len(list), o.Progress, func(i int) {
		if i < len(lines) {
			lines[i] = timeline(ctx, o, o.Seed+uint64(i))
			return
		}
		times[i-len(lines)] = list[i-len(lines)].run(ctx)
	})
	if err != nil {
		return nil, err
	}
	if list != nil {
		r.Tables = append(r.Tables, soonTable(list, times))
		r.Goals = append(r.Goals, soonGoals(list, times)...)
		r.Notes = append(r.Notes, before(list, times)...)
	}
	if lines != nil {
		r.Tables = append(r.Tables, foundTable(lines), watcherTable(o, lines))
		r.Goals = append(r.Goals, lineGoals(o, lines)...)
		r.Notes = append(r.Notes, examples(lines)...)
	}
	r.ElapsedSeconds = time.Since(r.Started).Seconds()
	return r, nil
}

// each does n jobs, as many at a time as there are cores.
func each(ctx context.Context, n int, progress func(Step), do func(i int)) error {
	var mu sync.Mutex
	var all sync.WaitGroup
	started, next, done := time.Now(), 0, 0
	take := func() int {
		mu.Lock()
		defer mu.Unlock()
		if next == n || ctx.Err() != nil {
			return -1
		}
		next++
		return next - 1
	}
	for range min(runtime.GOMAXPROCS(0), n) {
		all.Go(func() {
			for i := take(); i >= 0; i = take() {
				do(i)
				mu.Lock()
				done++
				if part := float64(done) / float64(n); progress != nil {
					progress(Step{Doing: "watching", Done: part, Left: time.Duration(float64(time.Since(started)) * (1 - part) / part)})
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

// soonPart is how many trials of a kind a watcher found within a minute, of how many, and the middle of the delays.
func soonPart(list []trial, times [][]timed, watcher int, is func(trial) bool) (part float64, n int, middle time.Duration) {
	var delays []time.Duration
	found := 0
	for i, t := range list {
		if !is(t) {
			continue
		}
		n++
		if d := times[i][watcher].delay; d >= 0 {
			delays = append(delays, d)
			if d <= soon {
				found++
			}
		}
	}
	slices.Sort(delays)
	if len(delays) > 0 {
		middle = delays[len(delays)/2]
	}
	return float64(found) / float64(max(n, 1)), n, middle
}

func soonTable(list []trial, times [][]timed) report.Sheet {
	s := report.Sheet{Title: "A server becomes twice as slow, at 5 requests/s each: found and named within 60 s, and the middle delay of those found at all", Head: []string{"work, servers"}}
	for _, w := range times[0] {
		s.Head = append(s.Head, w.watcher)
	}
	for _, kind := range []work{predicted, exponential, heavy} {
		for _, n := range []int{2, 3, 4, 8} {
			row := []string{fmt.Sprintf("%s, %d", kind, n)}
			for w := range times[0] {
				part, _, middle := soonPart(list, times, w, func(t trial) bool { return t.work == kind && t.endpoints == n })
				row = append(row, fmt.Sprintf("%.0f %%, %.0f s", 100*part, middle.Seconds()))
			}
			s.Rows = append(s.Rows, row)
		}
	}
	for _, kind := range []work{predicted, exponential, heavy} {
		row := []string{"alarms in the hours before, " + string(kind)}
		for w := range times[0] {
			wrong := 0
			for i := range times {
				if list[i].work == kind {
					wrong += times[i][w].wrong
				}
			}
			row = append(row, fmt.Sprint(wrong))
		}
		s.Rows = append(s.Rows, row)
	}
	return s
}

func soonGoals(list []trial, times [][]timed) (goals []report.Goal) {
	all := report.Goal{Name: "twofold slowdowns found within 60 s"}
	part, _, _ := soonPart(list, times, 0, func(trial) bool { return true })
	all.Checks = append(all.Checks, report.AtLeast("of all trials", part, leastSoon, "%"))
	for _, kind := range []work{predicted, exponential, heavy} {
		part, _, _ := soonPart(list, times, 0, func(t trial) bool { return t.work == kind })
		all.Checks = append(all.Checks, report.AtLeast(string(kind)+" work", part, leastSoon, "%"))
	}
	return []report.Goal{all}
}

// foundTable is what ours made of each kind of fault.
func foundTable(lines [][]*line) report.Sheet {
	s := report.Sheet{Title: "Faults of all timelines, by steelyard", Head: []string{"fault", "found", "cause named", "middle delay"}}
	for _, k := range kinds {
		found, named := 0, 0
		var delays []time.Duration
		for _, l := range lines {
			if l[0].found[k.name] {
				found++
				delays = append(delays, l[0].delay[k.name])
			}
			if l[0].named[k.name] {
				named++
			}
		}
		slices.Sort(delays)
		middle := "–"
		if len(delays) > 0 {
			middle = delays[len(delays)/2].Round(time.Second).String()
		}
		s.Rows = append(s.Rows, []string{k.name, of(found, len(lines)), of(named, len(lines)), middle})
	}
	return s
}

func of(n, all int) string { return fmt.Sprintf("%d of %d", n, all) }

// sums are of one watcher over all timelines.
func sums(lines [][]*line, watcher int) (found, named, other, between, clean int) {
	for _, l := range lines {
		found += len(l[watcher].found)
		for _, is := range l[watcher].named {
			if is {
				named++
			}
		}
		other, between, clean = other+l[watcher].other, between+len(l[watcher].between), clean+len(l[watcher].clean)
	}
	return found, named, other, between, clean
}

func watcherTable(o Options, lines [][]*line) report.Sheet {
	s := report.Sheet{
		Title: "All watchers on the same timelines",
		Head:  []string{"watcher", "faults found", "cause named", "other alarms during faults", "alarms between faults", "for nothing, per endpoint and clean week"},
	}
	all := len(lines) * len(kinds)
	for w := range lines[0] {
		found, named, other, between, clean := sums(lines, w)
		s.Rows = append(s.Rows, []string{
			lines[0][w].watcher, of(found, all), of(named, all), fmt.Sprint(other), fmt.Sprint(between), fmt.Sprintf("%.3f", float64(clean)/endpointWeeks(o)),
		})
	}
	return s
}

func endpointWeeks(o Options) float64 { return float64(o.Seeds * o.Weeks * weekly.endpoints) }

func lineGoals(o Options, lines [][]*line) []report.Goal {
	_, named, _, _, clean := sums(lines, 0)
	worst := 0
	for _, l := range lines {
		worst = max(worst, len(l[0].clean))
	}
	return []report.Goal{
		{Name: "the right cause is named", Checks: []report.Check{report.AtLeast("of all faults", float64(named)/float64(len(lines)*len(kinds)), leastNamed, "%")}},
		{Name: "alarms for nothing on clean weeks", Checks: []report.Check{
			report.AtMost("per endpoint and week", float64(clean)/endpointWeeks(o), mostForNone, ""),
			report.AtMost("of the worst seed", float64(worst)/float64(o.Weeks*weekly.endpoints), mostForNone, ""),
		}},
	}
}

// examples are notes on what was said for nothing or named wrongly, a few of each.
func examples(lines [][]*line) (notes []string) {
	const most = 6
	for _, kind := range []struct {
		what string
		of   func(*line) []alarm
	}{
		{"For nothing in a clean week", func(l *line) []alarm { return l.clean }},
		{"For nothing between faults", func(l *line) []alarm { return l.between }},
		{"Named wrongly", func(l *line) []alarm { return l.wrong }},
	} {
		n := 0
		for i, l := range lines {
			for _, a := range kind.of(l[0]) {
				if n++; n <= most {
					notes = append(notes, fmt.Sprintf("%s, timeline %d, day %d %s: %s", kind.what, i+1, int(a.at.Sub(monday).Hours()/24)+1, a.at.Format("15:04"), a.text))
				}
			}
		}
	}
	return notes
}

// before are notes on what was said before the fault of a trial, a few.
func before(list []trial, times [][]timed) (notes []string) {
	const most = 6
	for i, t := range list {
		if ours := times[i][0]; ours.wrong > 0 && len(notes) < most {
			notes = append(notes, fmt.Sprintf("For nothing before the fault, %s work, %d servers, seed %d: %d, the last: %s", t.work, t.endpoints, t.seed, ours.wrong, ours.text))
		}
	}
	return notes
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
