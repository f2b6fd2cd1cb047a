// Reloads and upgrades of the program with streams open.

package chaos

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/steelyard-proxy/steelyard/bench/alarm"
	"github.com/steelyard-proxy/steelyard/bench/peers"
	"github.com/steelyard-proxy/steelyard/bench/report"
)

const (
	reloadsCount  = 100
	upgradesCount = 5
	streamsCount  = 200
)

var changes = fault{
	name:  "changes",
	what:  fmt.Sprintf("%d reloads and %d upgrades of the program, with %d streams open", reloadsCount, upgradesCount, streamsCount),
	goal:  "no failed request, no cut stream; all gauges return to zero",
	times: Times{4 * time.Second, time.Minute, 4 * time.Second}, servers: roomy, streams: streamsCount,
	plan:   func(p *peers.Plan) { p.Master = true },
	during: func(ctx context.Context, s *stand) error { return s.upgrade.run(ctx, s) },
	notAsked: func(c Contender) string {
		if c.Beside && c.Program.Name == peers.Steelyard {
			return "an older steelyard may not know the signal of an upgrade, and would end by it"
		}
		return ""
	},
	judge: func(e *evidence) []report.Check {
		whole, cut := e.streams.counts()
		checks := []report.Check{
			e.noneFailed(),
			report.AtMost("cut streams", float64(cut), 0, ""), report.AtLeast("whole streams", float64(whole), streamsCount, ""),
			report.AtLeast("reloads told", float64(e.upgrade.reloads), reloadsCount, ""),
		}
		if e.ours() {
			checks = append(checks, report.AtLeast("upgrades that took over", float64(e.upgrade.taken), upgradesCount, ""))
		}
		return checks
	},
}

// upgrades are what became of the changes.
type upgrades struct {
	reloads, taken int
}

// run spreads the changes over the fault: each reload has another file, and every third leaves the last server out.
func (u *upgrades) run(ctx context.Context, s *stand) error {
	for n := range reloadsCount {
		at := s.on() + time.Duration(float64(s.times.During)*float64(n)/reloadsCount)
		if err := alarm.Pause(ctx, time.Until(s.start.Add(at))); err != nil {
			return err
		}
		servers := count
		if n%3 == 2 && n < reloadsCount-1 {
			servers--
		}
		if err := s.rewrite(servers, fmt.Sprint("reload ", n)); err != nil {
			return err
		}
		if s.ours() && n%(reloadsCount/upgradesCount) == reloadsCount/upgradesCount/2 {
			if err := u.upgrade(ctx, s); err != nil {
				return err
			}
		}
		if err := s.reload(); err != nil {
			return fmt.Errorf("reload %d: %w", n, err)
		}
		u.reloads++
	}
	<-s.over
	return nil
}

// newest is the process of the program that was started last, which serves.
func (s *stand) newest() (int, error) {
	if !s.ours() {
		return s.process.PID(), nil
	}
	pids, err := s.process.Session()
	if err == nil && len(pids) == 0 {
		err = errors.New("the program has ended")
	}
	if err != nil {
		return 0, err
	}
	return pids[len(pids)-1], nil
}

// reload tells the program to read its configuration again; HAProxy's master then starts itself anew.
func (s *stand) reload() error {
	pid, err := s.newest()
	if err != nil {
		return err
	}
	if s.contender.Program.Name == peers.HAProxy {
		return syscall.Kill(pid, syscall.SIGUSR2)
	}
	return syscall.Kill(pid, syscall.SIGHUP)
}

// upgradeLimit is how long a new program may take until it serves.
const upgradeLimit = 8 * time.Second

// upgrade starts the program anew by its own signal, and waits until the new process says that it is ready.
func (u *upgrades) upgrade(ctx context.Context, s *stand) error {
	old, err := s.newest()
	if err != nil {
		return fmt.Errorf("upgrade: %w", err)
	}
	began := s.processStart(ctx)
	if err := syscall.Kill(old, syscall.SIGUSR2); err != nil {
		return fmt.Errorf("upgrade: %w", err)
	}
	for end := time.Now().Add(upgradeLimit); time.Now().Before(end); {
		if pid, err := s.newest(); err != nil {
			return fmt.Errorf("upgrade: %w", err)
		} else if pid != old && s.ready(ctx) && s.processStart(ctx) != began {
			u.taken++
			return nil
		}
		if err := alarm.Pause(ctx, 20*time.Millisecond); err != nil {
			return err
		}
	}
	return nil // it is not counted, which the verdict shows
}

// ready says whether whoever has the admin listener is.
func (s *stand) ready(ctx context.Context) bool {
	body, err := get(ctx, s.process.Admin, "/readyz")
	if err != nil {
		return false
	}
	return body.Close() == nil
}

// processStart tells one process that answers at the admin listener from another; 0: none does.
func (s *stand) processStart(ctx context.Context) float64 {
	return s.scrape(ctx).sum("process_start_time_seconds")
}

// streams are clients that stay from before the fault until after it.
type streams struct {
	all        sync.WaitGroup
	mu         sync.Mutex
	whole, cut int // under mu
}

// open begins as many streams as the fault asks for, and returns when each has its first event.
func (c *streams) open(ctx context.Context, s *stand) error {
	if s.fault.streams == 0 {
		return nil
	}
	lasts := s.times.Before + s.times.During + 2*time.Second
	units := lasts.Seconds() / s.fault.servers.unit.Seconds()
	begun := make(chan error, s.fault.streams)
	for n := range s.fault.streams {
		c.all.Go(func() { c.one(ctx, s.process.Addr, fmt.Sprintf("%sstream-%d", asideMark, n), units, begun) })
	}
	for range s.fault.streams {
		if err := <-begun; err != nil {
			return fmt.Errorf("open a stream: %w", err)
		}
	}
	return nil
}

// one reads a stream to its end, and tells once when it has begun.
func (c *streams) one(ctx context.Context, addr, id string, units float64, begun chan<- error) {
	conn, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, "tcp", addr)
	if err != nil {
		begun <- err
		return
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	if _, err := io.WriteString(conn, question(addr, id, units, true)); err != nil {
		begun <- err
		return
	}
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = errors.New(answer.Status)
	}
	begun <- err
	if err != nil {
		return
	}
	text, err := io.ReadAll(answer.Body)
	c.mu.Lock()
	defer c.mu.Unlock()
	if err == nil && strings.HasSuffix(strings.TrimSpace(string(text)), "data: [DONE]") {
		c.whole++
	} else {
		c.cut++
	}
}

func (c *streams) wait() { c.all.Wait() }

func (c *streams) counts() (whole, cut int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.whole, c.cut
}
