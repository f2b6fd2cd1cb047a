// Judging by failures: so many in a row, or too large a part of all.

package outlier

import (
	"fmt"
	"time"
)

// judgeRun ejects an endpoint with too many failures in a row.
func (g *Group) judgeRun(e *Endpoint, now time.Time) {
	n, limit := e.inARow.Load(), e.limit.Load()
	if e.out || limit == 0 || n < limit {
		return
	}
	latest := Ending(e.latest.Load())
	reason := fmt.Sprintf("%d failures in a row; the last: %s", n, faultWords[latest])
	if e.trial {
		reason = fmt.Sprintf("it came back and failed again: %s", faultWords[latest])
	}
	g.accuse(e, finding{Consecutive, reason, map[string]any{
		"failures_in_a_row": int(n), "limit": int(limit), "last_failure": faultNames[latest],
	}}, now)
}

// judgeRatio ejects an endpoint of whose attempts in the window too many failed. Where its
// peers fail nearly as often, the requests are more likely at fault.
func (g *Group) judgeRatio(e *Endpoint, now time.Time) {
	o := &g.options
	if e.out || o.FailureRatio == 0 {
		return
	}
	served, failed, _ := e.sums()
	if served+failed < o.MinRequests {
		return
	}
	ratio := float64(failed) / float64(served+failed)
	if ratio < o.FailureRatio {
		return
	}
	peers, known := g.ratioOfPeers(e)
	if known && peers >= ratio/2 {
		return
	}
	evidence := map[string]any{"failure_ratio": ratio, "limit": o.FailureRatio, "requests": served + failed, "window_seconds": o.Window.Seconds()}
	if known {
		evidence["failure_ratio_of_peers"] = peers
	}
	g.accuse(e, finding{Ratio, fmt.Sprintf("%d of its last %d requests failed", failed, served+failed), evidence}, now)
}

// sums is how many attempts in the window were served, how many failed, and how many clients
// gave up before they got anything.
func (e *Endpoint) sums() (served, failed, abandoned int) {
	for i := range e.window.n {
		s := e.window.back(i)
		served += int(s.served)
		failed += int(s.failed)
		abandoned += int(s.abandoned)
	}
	return served, failed, abandoned
}

// ratioOfPeers is the part of the attempts at all others in the window that failed.
func (g *Group) ratioOfPeers(e *Endpoint) (ratio float64, known bool) {
	served, failed := 0, 0
	for _, peer := range g.members {
		if peer != e {
			s, f, _ := peer.sums()
			served += s
			failed += f
		}
	}
	if served+failed < g.options.MinRequests {
		return 0, false
	}
	return float64(failed) / float64(served+failed), true
}
