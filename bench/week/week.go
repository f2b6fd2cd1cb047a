// The week, step by step.

package week

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/steelyard-proxy/steelyard/bench/replay"
	"github.com/steelyard-proxy/steelyard/metrics/advice"
	"github.com/steelyard-proxy/steelyard/metrics/alert"
	"github.com/steelyard-proxy/steelyard/metrics/usage"
)

// Options describe a week.
type Options struct {
	Seed uint64
	Days int // 7 when 0
}

// What somebody had to say.
const (
	AlertFires = "alert"
	AlertOver  = "over"
	Cause      = "cause"
	CauseOver  = "past"
	Advised    = "advice"
)

// Happening is one thing that a room had to say.
type Happening struct {
	At   time.Time
	What string // AlertFires and the like
	Name string // of the alert, of the cause, or the kind of advice
	Of   string // the endpoint, the user or the upstream
	Text string
}

// watch is all that watches the week.
type watch struct {
	now         time.Time
	told        func(Happening)
	instruments *instruments
	alerts      *alert.Engine
	advisor     *advice.Advisor
	others      []other
	requests    int
}

// other is a room that hears of rows, and looks now and then.
type other struct {
	add  func(*usage.Row)
	step func(now time.Time)
}

const (
	lookEvery   = 10 * time.Second // of alerts and faults
	adviseEvery = 10 * time.Minute
)

// Run lets the week pass, and tells what is said of it as it goes.
func Run(ctx context.Context, out io.Writer, o Options) ([]Happening, error) {
	var all []Happening
	for _, line := range script() {
		fmt.Fprintf(out, "  %s\n", line)
	}
	fmt.Fprintln(out)
	w := newWatch(func(h Happening) {
		all = append(all, h)
		fmt.Fprintf(out, "%s  %-6s  %s\n", h.At.Format("Mon 15:04:05"), h.What, h.Text)
	})
	days := o.Days
	if days == 0 {
		days = 7
	}
	var late []usage.Row // that end after their day
	for d := range days {
		begin := time.Duration(d) * day
		rows, err := serve(begin, o.Seed)
		if err != nil {
			return all, err
		}
		rows = append(late, rows...)
		if late, err = w.day(ctx, begin, rows); err != nil {
			return all, err
		}
	}
	fmt.Fprintf(out, "\n%d requests in %d days.\n", w.requests, days)
	return all, nil
}

func newWatch(told func(Happening)) *watch {
	w := &watch{now: Monday, told: told, instruments: newInstruments()}
	w.alerts = alert.New(alert.Options{Registry: w.instruments.registry, Subjects: subjects, Now: func() time.Time { return w.now }})
	w.alerts.Configure(alert.Plan{
		Rules: alert.DefaultRules([]alert.Wait{{Upstream: name, Most: setup.Queue.MaxWait}}), SLOs: alert.DefaultSLOs(), Interval: lookEvery,
	})
	w.alerts.OnChange = w.alerted
	w.advisor = advice.New(advice.Options{Replay: replay.New, Told: func(a advice.Advice) {
		h := Happening{At: w.now, What: Advised, Name: string(a.Kind), Of: a.Endpoint, Text: string(a.Kind) + ": " + a.Text}
		if a.Effect != nil {
			h.Text += fmt.Sprintf(". R would be %.2f of what it is, by %s", a.Effect.Ratio, a.Effect.By)
		}
		told(h)
	}})
	w.advisor.Configure([]advice.Upstream{setup})
	w.seekCauses()
	w.foresee()
	return w
}

func subjects() (list []alert.Subject) {
	list = append(list, alert.Subject{Upstream: name})
	for _, s := range servers {
		list = append(list, alert.Subject{Upstream: name, Endpoint: s.name})
	}
	return list
}

func (w *watch) alerted(a alert.Alert) {
	h := Happening{At: w.now, What: AlertFires, Name: a.Name, Of: a.Endpoint, Text: fmt.Sprintf("%s: %s", a.Name, a.Summary)}
	if a.State != alert.Firing {
		h.What, h.Text = AlertOver, a.Name
		if a.Endpoint != "" {
			h.Text += " of " + a.Endpoint
		}
	}
	w.told(h)
}

// day shows a day's rows to all who watch, each when it has ended, and returns those that end later.
func (w *watch) day(ctx context.Context, begin time.Duration, rows []usage.Row) (late []usage.Row, err error) {
	next := 0
	for at := begin + lookEvery; at <= begin+day; at += lookEvery {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		w.now, w.instruments.now = Monday.Add(at), at
		for ; next < len(rows) && !rows[next].End().After(w.now); next++ {
			w.add(&rows[next])
		}
		w.step(at)
	}
	return rows[next:], nil
}

func (w *watch) add(r *usage.Row) {
	w.requests++
	w.instruments.add(r)
	w.advisor.Add(r)
	for _, o := range w.others {
		o.add(r)
	}
}

func (w *watch) step(at time.Duration) {
	w.alerts.Step(w.now)
	for _, o := range w.others {
		o.step(w.now)
	}
	if at%adviseEvery == 0 {
		w.advisor.Step(w.now)
	}
}
