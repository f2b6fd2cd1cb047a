// A run: every case before every contender, one after the other.

package live

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/steelyard-proxy/steelyard/bench/alarm"
	"github.com/steelyard-proxy/steelyard/bench/load"
	"github.com/steelyard-proxy/steelyard/bench/peers"
)

// longestWait is for a slot: nobody is ever sent away.
const longestWait = time.Hour

// settles is how long a stand is given before its first request: for probes and connections.
const settles = 300 * time.Millisecond

// Takes is how long a run is at least.
func Takes(o Options) (time.Duration, error) {
	o = o.withDefaults()
	offers, err := o.offers()
	return o.takes(offers), err
}

func (o Options) offers() (list []offer, err error) {
	for _, c := range o.cases() {
		f, err := c.offer(o)
		if err != nil {
			return nil, err
		}
		list = append(list, f)
	}
	return list, nil
}

// aside is what a contender takes beside the trace: its start, the requests in flight at the end, and its stop.
const aside = 5 * time.Second

func (o Options) takes(offers []offer) (sum time.Duration) {
	for _, f := range offers {
		each := time.Duration(f.lasts()*float64(time.Second)) + aside
		sum += each * time.Duration(o.Runs*len(o.contenders()))
	}
	return sum
}

// Run does all of it. It ends early with ctx, and whatever it has started ends before it returns.
func Run(ctx context.Context, o Options) (*Result, error) {
	o = o.withDefaults()
	offers, err := o.offers()
	if err != nil {
		return nil, err
	}
	defer peers.PreferSelf(peers.ShortSlice)()
	if release, err := alarm.KeepAwake(); err == nil { // else only root may, and figures have its wake-ups in them
		defer release()
	}
	r := o.head()
	p := progress{tell: o.Progress, whole: o.takes(offers)}
	for _, f := range offers {
		b := f.board(o)
		for run := range o.Runs {
			for i, c := range o.contenders() {
				p.begin(fmt.Sprintf("%s, %s, run %d of %d", f.Name, c.name, run+1, o.Runs))
				m, err := measure(ctx, c, o.Programs[c.program], f)
				if err != nil {
					return nil, fmt.Errorf("case %s: %w", f.Name, err)
				}
				b.Rows[i].add(m)
				p.end(time.Duration(f.lasts()*float64(time.Second)) + aside)
			}
		}
		if err := b.simulate(o, f); err != nil {
			return nil, fmt.Errorf("case %s: simulate: %w", f.Name, err)
		}
		b.compare(f)
		r.Boards = append(r.Boards, *b)
	}
	r.ElapsedSeconds = time.Since(r.Started).Seconds()
	return r, nil
}

// measured is what one contender made of a case, once.
type measured struct {
	Spans
	cached   float64 // of the prompts' tokens, as the engines said
	failures map[string]int
	late     float64 // p99 of how late requests were sent, in seconds of the clock
}

// measure offers a case to a contender.
func measure(ctx context.Context, c contender, program peers.Program, f offer) (m measured, err error) {
	dir, err := os.MkdirTemp("", "steelyard-live-")
	if err != nil {
		return m, fmt.Errorf("start %s: %w", c.name, err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	s, err := start(ctx, c, program, f, dir)
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	samples, err := load.Replay(ctx, f.trace.Slowed(1/f.speed), load.Options{URL: "http://" + s.process.Addr, Start: time.Now().Add(settles), MaxInFlight: 100_000, Tokens: true})
	if err == nil {
		err = s.process.Ended()
	}
	if err != nil {
		return m, fmt.Errorf("%s: %w", c.name, err)
	}
	return f.judge(samples), nil
}

// judge turns samples into figures. What has failed counts as nothing else.
func (f offer) judge(samples []load.Sample) measured {
	m := measured{failures: map[string]int{}}
	var list []seen
	var late []float64
	prompts, cached := 0, 0
	first := len(samples) - len(counted(samples))
	for i, s := range samples {
		late = append(late, s.Late.Seconds())
		tokens := f.trace.Requests[i].AnswerTokens
		switch {
		case s.Failure == load.BadStatus:
			m.failures[fmt.Sprintf("status %d", s.Status)]++
		case s.Failure != "":
			m.failures[string(s.Failure)]++
		case s.Usage.Answer != tokens:
			m.failures["answers of another length"]++
		case i >= first:
			list = append(list, seen{s.Response.Seconds() * f.speed, s.FirstEvent.Seconds() * f.speed, tokens})
			prompts += s.Usage.Prompt
			cached += s.Usage.Cached
		}
	}
	m.Spans, m.late, m.cached = spans(list), quantile(late, 0.99), float64(cached)/float64(max(prompts, 1))
	return m
}

// progress turns what is done into how far a run is.
type progress struct {
	tell        func(doing string, done float64, left time.Duration)
	whole, done time.Duration
}

func (p *progress) begin(doing string) {
	if p.tell != nil {
		p.tell(doing, min(p.done.Seconds()/max(p.whole.Seconds(), 1), 1), max(p.whole-p.done, 0))
	}
}

func (p *progress) end(took time.Duration) { p.done += took }
