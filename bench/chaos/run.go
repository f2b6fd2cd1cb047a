// A run: every fault, every contender, and the result.

package chaos

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/steelyard-proxy/steelyard/bench/peers"
	"github.com/steelyard-proxy/steelyard/bench/report"
)

// perCore is how many requests per second a core carries from the client to the server and back without becoming what is
// measured.
const perCore = 450.0

// Takes is how long a run is at least.
func Takes(o Options) (sum time.Duration) {
	o.Rate = cmp.Or(o.Rate, defaultRate)
	for _, f := range o.wanted() {
		sum += time.Duration(len(o.groups(f))) * (o.times(f).whole() + time.Second)
	}
	return sum
}

// groups are the contenders that are asked at the same time: as many as the machine carries.
func (o Options) groups(f *fault) [][]Contender {
	rate := o.Rate
	if f.load != nil {
		rate = f.load(during, o.Rate)
	}
	size := max(int(perCore*float64(runtime.NumCPU())/rate), 1)
	if o.InTurn {
		size = 1
	}
	return slices.Collect(slices.Chunk(o.asked(f), size))
}

func (o Options) asked(f *fault) []Contender {
	return slices.DeleteFunc(slices.Clone(o.Contenders), func(c Contender) bool { return f.notAsked != nil && f.notAsked(c) != "" })
}

// Run puts the contenders through the faults. It ends early with ctx, and whatever it has started ends before it returns.
func Run(ctx context.Context, o Options) (result *report.Result, err error) {
	o.Rate = cmp.Or(o.Rate, defaultRate)
	defer peers.PreferSelf(peers.ShortSlice)()
	dir, err := os.MkdirTemp("", "steelyard-chaos-")
	if err != nil {
		return nil, fmt.Errorf("make temporary folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	started, whole, done := time.Now(), Takes(o), time.Duration(0)
	r := o.head()
	for _, f := range o.wanted() {
		t := report.Trial{Fault: f.name, What: f.what, Goal: f.goal}
		rows := map[string]report.TrialRow{}
		for _, group := range o.groups(f) {
			if o.Progress != nil {
				o.Progress(Step{Doing: f.name + ": " + namesOf(group), Done: float64(done) / float64(whole), Left: whole - done})
			}
			for _, row := range o.together(ctx, f, group, dir) {
				rows[row.Contender] = row
			}
			if ctx.Err() != nil {
				return nil, context.Cause(ctx)
			}
			done += o.times(f).whole() + time.Second
		}
		for _, c := range o.Contenders {
			row, ok := rows[c.Name]
			if !ok {
				row = report.TrialRow{Contender: c.Name, Kind: c.kind(), NotAsked: f.notAsked(c)}
			}
			t.Rows = append(t.Rows, row)
		}
		r.Trials = append(r.Trials, t)
	}
	r.ElapsedSeconds = time.Since(started).Seconds()
	return r, nil
}

func namesOf(group []Contender) string {
	var list []string
	for _, c := range group {
		list = append(list, c.Name)
	}
	return strings.Join(list, ", ")
}

// together puts contenders through one fault at the same time.
func (o Options) together(ctx context.Context, f *fault, group []Contender, dir string) []report.TrialRow {
	rows := make([]report.TrialRow, len(group))
	var all sync.WaitGroup
	for i, c := range group {
		all.Go(func() {
			row, err := o.one(ctx, f, c, dir)
			if err != nil {
				first, _, _ := strings.Cut(err.Error(), "\n")
				row = report.TrialRow{Contender: c.Name, Kind: c.kind(), Broken: first}
			}
			rows[i] = row
		})
	}
	all.Wait()
	return rows
}

func (o Options) one(ctx context.Context, f *fault, c Contender, dir string) (row report.TrialRow, err error) {
	s, err := newStand(ctx, o, f, c, dir)
	if err != nil {
		return row, err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	e, err := s.run(ctx)
	if err != nil {
		return row, errors.Join(err, s.process.Ended())
	}
	return e.row(), nil
}

// head is what is known before anything ran.
func (o Options) head() *report.Result {
	r := &report.Result{
		Schema: report.Schema, Scenario: Name, Title: Title, About: about, Command: o.Command, Started: time.Now(),
		Machine: report.ThisMachine(), Versions: map[string]string{}, Seeds: []uint64{o.Seed}, Rate: o.Rate, Measured: true, Notes: o.Notes,
	}
	for _, c := range o.Contenders {
		r.Versions[c.Name] = c.Program.Version
	}
	for i := range count {
		r.Endpoints = append(r.Endpoints, report.Endpoint{Name: fmt.Sprint("server-", i), Capacity: usual.capacity(), Share: 1.0 / count, Slots: usual.slots})
	}
	return r
}

// What the scenario is called.
const (
	Name  = "chaos"
	Title = "Servers fail in every way under load"
	about = "Six servers alike and 300 requests/s, half of them streams, while one server or all break and come back. Each goal is a figure held to a limit."
)

// Missed are the goals that steelyard missed, for the exit code.
func Missed(r *report.Result) (list []string) {
	for _, t := range r.Trials {
		for _, row := range t.Rows {
			if row.Kind == report.Ours && !row.Met() && row.NotAsked == "" {
				list = append(list, t.Fault+", "+row.Contender+": "+strings.Join(row.Remarks(), "; "))
			}
		}
	}
	return list
}
