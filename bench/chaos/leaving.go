// Clients that leave before their answers end.

package chaos

import (
	"context"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/steelyard-proxy/steelyard/bench/alarm"
	"github.com/steelyard-proxy/steelyard/bench/backend"
	"github.com/steelyard-proxy/steelyard/bench/load"
	"github.com/steelyard-proxy/steelyard/bench/report"
)

// asideMark begins the numbers of requests that are no part of the load.
const asideMark = "aside-"

// leaversCount is how many clients leave.
const leaversCount = 1000

// leavers are clients that do not wait for the end of their answers.
type leavers struct {
	mu     sync.Mutex
	left   map[string]time.Time // by the number of the request, under mu
	failed int                  // could not even send, under mu
}

var leaving = fault{
	name: "leaving", what: fmt.Sprintf("%d clients leave at random moments within a second, beside the load", leaversCount),
	goal:  "their work at the servers is cancelled within 100 ms; no gauge drifts",
	times: Times{3 * time.Second, 8 * time.Second, 4 * time.Second}, servers: roomy,
	during: func(ctx context.Context, s *stand) error {
		s.leavers.left = map[string]time.Time{}
		draws := rand.New(rand.NewPCG(s.options.Seed, 2))
		var clients sync.WaitGroup
		defer clients.Wait()
		for n := range leaversCount {
			at := s.on() + time.Duration(float64(s.times.During-time.Second)*float64(n)/leaversCount)
			stays, stream := time.Duration(draws.Int64N(int64(time.Second))), draws.IntN(2) == 0
			if err := alarm.Pause(ctx, time.Until(s.start.Add(at))); err != nil {
				return err
			}
			clients.Go(func() { s.leavers.one(ctx, s.process.Addr, fmt.Sprintf("%s%d", asideMark, n), stays, stream) })
		}
		return nil
	},
	judge: judgeLeaving,
}

// one asks for more than it waits for.
func (l *leavers) one(ctx context.Context, addr, id string, stays time.Duration, stream bool) {
	conn, err := net.DialTimeout("tcp", addr, 2*time.Second)
	if err == nil {
		_, err = io.WriteString(conn, question(addr, id, 1000, stream))
	}
	if err == nil {
		_ = alarm.Pause(ctx, stays) // leaves either way
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		l.failed++
	} else {
		l.left[id] = time.Now()
	}
	if conn != nil {
		_ = conn.Close() // that is the leaving
	}
}

// question is a request for so many units of work.
func question(host, id string, units float64, stream bool) string {
	body := fmt.Sprintf(`{"messages":[{"role":"user","content":"Weigh."}],"stream":%v}`, stream)
	return fmt.Sprintf("POST /v1/chat/completions HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nX-Simulated-Work: %g\r\n%s: %s\r\nContent-Length: %d\r\n\r\n%s",
		host, units, load.NumberHeader, id, len(body), body)
}

func judgeLeaving(e *evidence) []report.Check {
	var lags []time.Duration
	running, reached := 0, 0
	e.leavers.mu.Lock()
	defer e.leavers.mu.Unlock()
	for _, v := range e.visits {
		if !strings.HasPrefix(v.id, asideMark) {
			continue
		}
		reached++
		left, ok := e.leavers.left[v.id]
		switch {
		case v.ended.IsZero() || !ok:
			running++
		case v.how == backend.Aborted:
			lags = append(lags, max(v.ended.Sub(left), 0))
		}
	}
	slices.Sort(lags)
	longest := math.NaN()
	if len(lags) > 0 {
		longest = lags[len(lags)-1].Seconds()
	}
	return []report.Check{
		report.AtMost(fmt.Sprintf("longest until the work of a client was cancelled, of %d", len(lags)), longest, 0.1, "s"),
		report.AtMost(fmt.Sprintf("of %d that reached a server, those that still run", reached), float64(running), 0, ""),
		report.AtMost("clients that could not ask", float64(e.leavers.failed), 0, ""),
		report.AtMost("failed requests of the load", float64(failedOf(e.between(0, e.times.whole()))), 0, ""),
	}
}
