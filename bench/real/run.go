// A run: every setting at every load, for each seed and contender.

package real

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"sync"
	"time"

	"github.com/steelyard-proxy/steelyard/bench/engine"
	"github.com/steelyard-proxy/steelyard/bench/report"
	"github.com/steelyard-proxy/steelyard/bench/sim"
	"github.com/steelyard-proxy/steelyard/bench/trace"
)

// job is one trace on one fleet at one load, for all who take part.
type job struct {
	setting    setting
	load       float64
	seed       uint64
	first      bool // of its seeds: what goes on over time is kept
	variant    variant
	contenders []contender
	source     *source

	done       []served // by contender
	capacities []float64
	rate       float64
	asked      int
}

// Run does all of it. It ends early with ctx.
func Run(ctx context.Context, o Options) (*report.Result, error) {
	o = o.withDefaults()
	r := o.head()
	jobs := o.jobs()
	if err := each(ctx, jobs, o.Progress); err != nil {
		return nil, err
	}
	for at := 0; at < len(jobs); at += o.Seeds {
		if jobs[at].variant.name == "" {
			r.Offers = append(r.Offers, offer(jobs[at:at+o.Seeds]))
		}
	}
	r.Notes = unserved(r.Offers)
	r.Goals = judge(r.Offers, o.settings())
	for at := 0; at < len(jobs); at += o.Seeds {
		if jobs[at].variant.name != "" {
			r.Goals = append(r.Goals, judgeVariant(jobs, at, o.Seeds))
		}
	}
	r.ElapsedSeconds = time.Since(r.Started).Seconds()
	return r, nil
}

// unserved are notes on contenders that did not serve all, since their figures are of the others only.
func unserved(offers []report.Offer) (notes []string) {
	for _, o := range offers {
		for _, row := range o.Rows {
			if row.Unserved > 0 {
				notes = append(notes, fmt.Sprintf("%s at %g: %s left %d requests unserved, of all seeds; its figures are of the others.", o.Name(), o.Load, row.Contender, row.Unserved))
			}
		}
	}
	return notes
}

// jobs are in the order of the report, those of all seeds beside each other.
func (o Options) jobs() (list []*job) {
	sources := map[string]*source{}
	find := func(k kind, seed uint64) *source {
		name := fmt.Sprint(k.name, seed)
		if sources[name] == nil {
			sources[name] = &source{kind: k, seed: seed, requests: o.requests(k), rates: map[engine.Options]float64{}}
		}
		return sources[name]
	}
	add := func(s setting, load float64, v variant, contenders []contender) {
		for i := range o.Seeds {
			list = append(list, &job{setting: s, load: load, seed: o.Seed + uint64(i), first: i == 0, variant: v, contenders: contenders, source: find(s.kind, o.Seed+uint64(i))})
		}
	}
	for _, s := range o.settings() {
		for _, load := range o.Loads {
			add(s, load, variant{}, o.contenders(load))
		}
	}
	if o.Plain {
		return list
	}
	for _, v := range variants {
		for _, s := range o.settings() {
			if s.name() == v.of {
				add(s, v.load, v, v.contenders(o))
			}
		}
	}
	return list
}

// each does the jobs, as many at a time as there are cores.
func each(ctx context.Context, jobs []*job, progress func(Step)) error {
	var mu sync.Mutex
	var all sync.WaitGroup
	var failed error
	started, next, done := time.Now(), 0, 0
	take := func() *job {
		mu.Lock()
		defer mu.Unlock()
		if failed != nil || next == len(jobs) || ctx.Err() != nil {
			return nil
		}
		next++
		return jobs[next-1]
	}
	finish := func(j *job, err error) {
		mu.Lock()
		defer mu.Unlock()
		done++
		if err != nil && failed == nil {
			failed = fmt.Errorf("%s at load %g: %w", j.setting.name(), j.load, err)
		}
		if progress != nil {
			part := float64(done) / float64(len(jobs))
			left := time.Duration(float64(time.Since(started)) * (1 - part) / part)
			progress(Step{Doing: "simulating " + j.setting.name(), Done: part, Left: left})
		}
	}
	for range min(runtime.GOMAXPROCS(0), len(jobs)) {
		all.Go(func() {
			for j := take(); j != nil; j = take() {
				finish(j, j.run(ctx))
			}
		})
	}
	all.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return failed
}

// run lets all contenders serve the same requests.
func (j *job) run(ctx context.Context) error {
	t, err := j.source.read()
	if err != nil {
		return err
	}
	for _, kind := range j.setting.fleet.kinds {
		j.capacities = append(j.capacities, j.source.rate(engine.Options{Kind: kind, Batch: j.variant.batch, Capacity: 1}))
	}
	sum := 0.0
	for _, c := range j.capacities {
		sum += c
	}
	j.rate, j.asked = j.load*sum, len(t.Requests)
	t = t.Stretch(j.rate)
	for _, c := range j.contenders {
		if ctx.Err() != nil {
			return nil // each says so
		}
		s, err := j.serve(c, t)
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		j.done = append(j.done, s)
	}
	return nil
}

// guess is the σ of the log-normal error of tokens that are guessed from bytes.
const guess = 0.2

// serve simulates one contender.
func (j *job) serve(c contender, t trace.Trace) (served, error) {
	o := sim.Options{Queue: c.queue, Seed: j.seed, Guess: guess}
	sum := 0.0
	for _, capacity := range j.capacities {
		sum += capacity
	}
	for i, name := range j.setting.fleet.names() {
		capacity := j.capacities[i]
		e := sim.Endpoint{Name: name, Engine: engine.Options{Kind: j.setting.fleet.kinds[i], Batch: j.variant.batch, Capacity: capacity}}
		if c.slots > 0 {
			e.Limit = max(int(math.Round(float64(c.slots*len(j.capacities))*capacity/sum)), 1)
		}
		o.Endpoints = append(o.Endpoints, e)
	}
	if j.variant.change != nil {
		j.variant.change(&o, t)
	}
	o.Policy = c.policy(j.seed, max(o.Balancers, 1))
	watch := newStalls(t.Duration(), len(o.Endpoints))
	if j.first && c.shown && j.variant.name == "" {
		o.Look, o.LookEvery = watch.look, watch.every
	}
	results, err := sim.Run(o, t)
	if err != nil {
		return served{}, err
	}
	s := figures(results, t)
	s.stalled = watch.points
	return s, nil
}

// offer puts together the jobs of all seeds.
func offer(jobs []*job) report.Offer {
	first := jobs[0]
	o := report.Offer{Trace: first.setting.kind.name, Fleet: first.setting.fleet.name, Load: first.load, Requests: first.asked}
	sum := 0.0
	for i, name := range first.setting.fleet.names() {
		capacity := 0.0
		for _, j := range jobs {
			capacity += j.capacities[i] / float64(len(jobs))
		}
		sum += capacity
		o.Endpoints = append(o.Endpoints, report.Endpoint{Name: name, Capacity: capacity})
	}
	for i := range o.Endpoints {
		o.Endpoints[i].Share = o.Endpoints[i].Capacity / sum
	}
	o.Rate = report.Number(first.load * sum)
	for i, c := range first.contenders {
		o.Rows = append(o.Rows, row(c, column(jobs, i), column(jobs, indexOf(first.contenders, against))))
	}
	return o
}

// column is what the contender of this number made of each seed.
func column(jobs []*job, contender int) (list []served) {
	for _, j := range jobs {
		list = append(list, j.done[contender])
	}
	return list
}

func indexOf(list []contender, name string) int {
	for i, c := range list {
		if c.name == name {
			return i
		}
	}
	panic("BUG: " + name + " takes no part")
}
