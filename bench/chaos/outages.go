// Servers that are gone or silent, one or all, for a while or again and again.

package chaos

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/steelyard-proxy/steelyard/bench/backend"
	"github.com/steelyard-proxy/steelyard/bench/load"
	"github.com/steelyard-proxy/steelyard/bench/peers"
	"github.com/steelyard-proxy/steelyard/bench/report"
)

// probeInterval is the default of steelyard, and what HAProxy is told.
const probeInterval = 2 * time.Second

var killed = fault{
	name: "killed", what: "a server is killed (SIGKILL) and starts again after the fault",
	goal:  "no failed request but streams already begun there; out within 3 failures",
	times: Times{4 * time.Second, 6 * time.Second, 6 * time.Second}, servers: usual, process: true,
	during: func(ctx context.Context, s *stand) error {
		s.servers[victim].kill()
		<-s.over
		return s.servers[victim].start(ctx)
	},
	judge: func(e *evidence) []report.Check {
		checks := []report.Check{e.noneLost(0)}
		if e.ours() {
			held := int64(0)
			for _, l := range e.looks {
				if l.at < e.on() {
					held = l.inFlight[victim]
				}
			}
			tries := e.repeats(e.servers[victim].name)
			checks = append(checks, report.AtMost(fmt.Sprintf("failures there, with the %d requests that it had when it died", held), tries, float64(3+held), ""),
				report.AtMost("told to be out after", e.toldOut(), 3, "s"))
		}
		return checks
	},
}

// noneLost forgives the streams that had begun at the faulty server: nobody can answer them to the end.
func (e *evidence) noneLost(limit float64) report.Check {
	lost, begun := 0, 0
	for _, r := range e.between(0, e.times.whole()) {
		switch {
		case !r.failed():
		case r.Status == 200 && r.Stream && r.ServedBy == e.servers[victim].name:
			begun++
		default:
			lost++
		}
	}
	return report.AtMost(fmt.Sprintf("failed requests, without %d streams already begun there", begun), float64(lost), limit, "")
}

// repeats are the requests that were sent again because of an endpoint.
func (e *evidence) repeats(name string) (n float64) {
	label := `endpoint="` + name + `"`
	for _, family := range []string{"steelyard_repeats_total", "steelyard_retries_total"} {
		n += e.last.sum(family, label) - e.first.sum(family, label)
	}
	return n
}

var hung = fault{
	name: "hung", what: "a server accepts and never answers, with 1 s for an answer's first byte",
	goal:  "no failed request; out within 3 s",
	times: Times{4 * time.Second, 8 * time.Second, 5 * time.Second}, servers: usual,
	plan:   func(p *peers.Plan) { p.Answer = time.Second },
	during: held(backend.Hang),
	judge: func(e *evidence) []report.Check {
		return []report.Check{e.noneFailed(), report.AtMost("out after", e.outAfter(), 3, "s")}
	},
}

func (e *evidence) noneFailed() report.Check {
	return report.AtMost("failed requests", float64(failedOf(e.between(0, e.times.whole()))), 0, "")
}

// outageGoal is the same whether nobody listens, or those who do reset.
const outageGoal = "503 and Retry-After at once; at most 1.25 attempts for a request; full service within 2 probe intervals, and no herd"

var outage = fault{
	name: "all-down", what: "all servers are gone, listeners too, and come back",
	goal: outageGoal, times: Times{4 * time.Second, 5 * time.Second, 10 * time.Second}, servers: usual,
	during: everywhere(backend.Down), judge: judgeOutage,
}

var outageReset = fault{
	name: "all-reset", what: "all servers take each request and reset its connection, and come back",
	goal: outageGoal, times: Times{4 * time.Second, 5 * time.Second, 10 * time.Second}, servers: usual,
	during: everywhere(backend.Reset), judge: judgeOutage,
}

func judgeOutage(e *evidence) []report.Check {
	begun := e.on() + 500*time.Millisecond // until then requests break that were on their way, and servers are found out
	list := e.between(begun, e.off()-100*time.Millisecond)
	wrong := 0
	var took []time.Duration
	for _, r := range list {
		if s, err := strconv.Atoi(r.RetryAfter); r.Failure != load.BadStatus || r.Status != 503 || err != nil || s < 0 {
			wrong++
		}
		took = append(took, r.Response)
	}
	_, tries := e.attempts(e.on(), e.off())
	checks := []report.Check{
		report.AtMost("requests not answered with 503 and Retry-After after the first 0.5 s", float64(wrong), 0, ""),
		report.AtMost("p99 of the time until then", quantile(sorted(took), 0.99), 0.1, "s"),
		report.AtMost("attempts for a request", float64(tries)/float64(len(e.between(e.on(), e.off()))), 1.25, "×"),
		report.AtMost("full service after", e.serviceAfter(), (2 * probeInterval).Seconds(), "s"),
		report.AtMost("most requests at one server after the return", float64(e.most(e.off(), e.times.whole())), max(3*float64(e.most(0, e.on())), 12), ""),
	}
	return checks
}

// serviceAfter is how long after the end of the fault the last request began that failed.
func (e *evidence) serviceAfter() float64 {
	last := e.off()
	for _, r := range e.between(e.off(), e.times.whole()) {
		if r.failed() {
			last = r.At
		}
	}
	return (last - e.off()).Seconds()
}

var flapping = fault{
	name: "flapping", what: "a server is gone, listener too, and back, each for 2 s",
	goal:  "bounded by growing ejection; mean response time at most 1.3 × what it is without",
	times: Times{6 * time.Second, 24 * time.Second, 4 * time.Second}, servers: usual,
	during: func(ctx context.Context, s *stand) error {
		for down := true; ; down = !down {
			kind := map[bool]backend.Fault{true: backend.Down, false: backend.None}[down]
			if err := s.servers[victim].suffer(kind); err != nil {
				return err
			}
			select {
			case <-s.over:
				return s.servers[victim].suffer(backend.None)
			case <-time.After(2 * time.Second):
			}
		}
	},
	judge: func(e *evidence) []report.Check {
		half := e.on() + e.times.During/2
		early, _ := e.attempts(e.on(), half)
		late, all := e.attempts(half, e.off())
		return []report.Check{
			report.AtMost("mean response time ÷ that before", mean(times(e.between(e.on(), e.off()), ""))/mean(times(e.between(0, e.on()), "")), 1.3, "×"),
			e.noneLost(5),
			report.AtMost("attempts there in the second half, of those in the first and 1 %", float64(late), float64(early)+0.01*float64(all), ""),
		}
	},
}
