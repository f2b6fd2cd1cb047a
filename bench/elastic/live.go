// The same through sockets: a day in minutes, with servers that the gateway starts and stops.

package elastic

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/steelyard-proxy/steelyard/bench/load"
	"github.com/steelyard-proxy/steelyard/bench/report"
	"github.com/steelyard-proxy/steelyard/bench/trace"
)

// liveSetup is a fleet whose requests take a second in the mean, and whose servers take ten to start. What the gateway waits for
// is shorter by as much as the day is.
var liveSetup = setup{slots: 8, unit: 1, start: 10, min: 1, max: 6, first: 1, wait: 2, most: 60, queue: 1000, interval: 1, keep: 20}

// liveBusiest is how many servers the greatest level keeps busy.
const liveBusiest = 3.5

// liveDay is how long a day takes.
const liveDay = 4 * time.Minute

// compressed is a day of so many seconds.
func compressed(seed uint64, length float64) *course {
	chance := rand.New(rand.NewPCG(seed, 80))
	c := &course{name: "live", setup: liveSetup}
	c.setup.span = length
	c.draw(liveBusiest*c.setup.capacity(), func(at float64) float64 { return working(24*at/length, false) }, chance.ExpFloat64,
		func() float32 { return float32(min(chance.ExpFloat64(), 5)) })
	return c
}

// trace is the course for a sender.
func (c *course) trace() trace.Trace {
	t := trace.Trace{Name: c.name}
	for i, at := range c.at {
		t.Requests = append(t.Requests, trace.Request{At: seconds(at), Work: float64(c.work[i]), PromptBytes: 200})
	}
	return t
}

// measured is what came of a day through sockets.
type measured struct {
	Figures
	lost map[string]int // requests by what became of them
}

// RunLive measures it. Whatever it has started ends before it returns.
func RunLive(ctx context.Context, o Options) (*report.Result, error) {
	o = o.withDefaults()
	r := &report.Result{
		Schema: report.Schema, Scenario: Name, Title: Title, Command: o.Command, Started: time.Now(), Machine: report.ThisMachine(), Measured: true,
		Seeds: []uint64{o.Seed},
		About: "A day in four minutes through sockets: steelyard starts and stops simulated servers by its process actuator. Beside it stand the same requests in virtual time, by the same controller.",
	}
	c := compressed(o.Seed, liveDay.Seconds())
	m, err := measure(ctx, o, c)
	if err != nil {
		return nil, fmt.Errorf("live: %w", err)
	}
	s := c.setup
	s.revives = true
	simulated := simulate(s, c.requests(), newControlled(s, 0.7, nil))
	r.Tables = []report.Sheet{liveTable(m, simulated)}
	lost := 0
	for what, n := range m.lost {
		lost += n
		r.Notes = append(r.Notes, fmt.Sprintf("Lost: %d, %s.", n, what))
	}
	r.Goals = []report.Goal{{Name: "no request is lost", Checks: []report.Check{report.AtMost("lost", float64(lost), 0, "")}}}
	r.ElapsedSeconds = time.Since(r.Started).Seconds()
	return r, nil
}

func liveTable(m measured, simulated Figures) report.Sheet {
	s := report.Sheet{Title: "A day in four minutes", Head: []string{"", "server-minutes", "seconds over", "mean R", "starts", "turns", "most servers", "requests", "lost"}}
	lost := 0
	for _, n := range m.lost {
		lost += n
	}
	for _, row := range []struct {
		name string
		f    Figures
		lost int
	}{{"measured", m.Figures, lost}, {"simulated", simulated, simulated.Refused}} {
		s.Rows = append(s.Rows, []string{
			row.name, fmt.Sprintf("%.1f", 60*row.f.Hours), fmt.Sprint(row.f.Over), fmt.Sprintf("%.2f s", row.f.Response), fmt.Sprint(row.f.Starts),
			fmt.Sprint(row.f.Turns), fmt.Sprint(row.f.Peak), fmt.Sprint(row.f.Requests), fmt.Sprint(row.lost),
		})
	}
	return s
}

// measure offers the day to the gateway.
func measure(ctx context.Context, o Options, c *course) (m measured, err error) {
	g, err := startGateway(o.Program, c.setup)
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, g.stop()) }()
	if err := g.serves(ctx); err != nil {
		return m, err
	}
	watching, end := context.WithCancel(ctx)
	seen := make(chan Figures, 1)
	go func() { seen <- g.watch(watching, o, c.setup.span) }()
	samples, err := load.Replay(ctx, c.trace(), load.Options{URL: "http://" + g.address})
	end()
	m.Figures = <-seen
	if err != nil {
		return m, err
	}
	m.lost = map[string]int{}
	over := make([]bool, int(c.setup.span)+1)
	done := 0
	for i, s := range samples {
		switch {
		case s.Failure == load.BadStatus:
			m.lost[fmt.Sprintf("status %d", s.Status)]++
		case s.Failure != "":
			m.lost[string(s.Failure)]++
		default:
			done++
			m.Response += s.Response.Seconds()
		}
		if s.Failure != "" || s.Response.Seconds()-float64(c.work[i])*c.setup.unit > c.setup.wait {
			over[int(c.at[i])] = true
		}
	}
	for _, is := range over {
		if is {
			m.Over++
		}
	}
	m.Requests = len(samples)
	m.Response /= float64(max(done, 1))
	return m, nil
}
