// The gateway of a measured run, and the servers that it starts.

package elastic

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// gateway is a program that serves.
type gateway struct {
	address, admin string
	dir            string
	cmd            *exec.Cmd
	said           bytes.Buffer  // by the program; read when exited is closed
	exited         chan struct{} // closed by who waits for it
}

// gatewayConfig is the configuration of a measured run. A server listens only when its start is over, and ends by the signal that
// all of its group get.
const gatewayConfig = `listen: [{address: %q}]
admin: {address: %q}
upstreams:
  - name: live
    queue: {max_requests: %d, max_wait: %s}
    health: {path: /health, interval: 1s}
    scale:
      min: %d
      max: %d
      capacity: %g
      slots: %d
      interval: %s
      scale_in_after: %s
      target_wait: %s
      predict: off
      dry_run: false
      actuator:
        kind: process
        ports: 31000-31999
        command: [sh, -c, 'sleep %g; tail -f /dev/null | exec "$0" bench server --address "127.0.0.1:$1" --slots %d --capacity %g', %q, "{port}"]
`

func (s *setup) config(listen, admin, program string) string {
	return fmt.Sprintf(gatewayConfig, listen, admin, s.queue, seconds(s.most), s.min, s.max, s.capacity(), s.slots, seconds(s.interval), seconds(s.keep), seconds(s.wait),
		s.start, s.slots, s.capacity(), program)
}

// startGateway starts the program on ports that were free.
func startGateway(program string, s setup) (*gateway, error) {
	g := &gateway{exited: make(chan struct{})}
	var err error
	if g.address, err = freeAddress(); err != nil {
		return nil, err
	}
	if g.admin, err = freeAddress(); err != nil {
		return nil, err
	}
	if g.dir, err = os.MkdirTemp("", "steelyard-elastic-"); err != nil {
		return nil, err
	}
	file := filepath.Join(g.dir, "steelyard.yaml")
	if err := os.WriteFile(file, []byte(s.config(g.address, g.admin, program)), 0o600); err != nil {
		return nil, errors.Join(err, os.RemoveAll(g.dir))
	}
	g.cmd = exec.Command(program, "serve", file)
	g.cmd.Stdout, g.cmd.Stderr = &g.said, &g.said
	g.cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "STEELYARD_") })
	if err := g.cmd.Start(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(g.dir))
	}
	go func() {
		defer close(g.exited)
		_ = g.cmd.Wait() // how it ended is asked of ProcessState
	}()
	return g, nil
}

func freeAddress() (string, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return ln.Addr().String(), ln.Close()
}

// stop has it drain, and its servers with it.
func (g *gateway) stop() error {
	const patience = 30 * time.Second
	_ = g.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-g.exited:
	case <-time.After(patience):
		_ = g.cmd.Process.Kill() // its servers end with it
		<-g.exited
	}
	return os.RemoveAll(g.dir)
}

// scaled is what the admin API says of the upstream.
type scaled struct{ Wanted, Current, Ready, Coming, Draining int }

// look asks the admin API.
func (g *gateway) look(ctx context.Context) (s scaled, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+g.admin+"/api/v1/autoscale", nil)
	if err != nil {
		return s, err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return s, err
	}
	defer answer.Body.Close()
	var all struct{ Upstreams []scaled }
	if err := json.NewDecoder(answer.Body).Decode(&all); err != nil {
		return s, fmt.Errorf("GET /api/v1/autoscale: status %d: %w", answer.StatusCode, err)
	}
	if len(all.Upstreams) != 1 {
		return s, fmt.Errorf("GET /api/v1/autoscale: status %d, %d upstreams", answer.StatusCode, len(all.Upstreams))
	}
	return all.Upstreams[0], nil
}

// lookEvery is how often a measured run asks.
const lookEvery = 250 * time.Millisecond

// serves waits for the first server.
func (g *gateway) serves(ctx context.Context) error {
	const patience = time.Minute
	var s scaled
	var err error
	for end := time.Now().Add(patience); time.Now().Before(end); {
		if s, err = g.look(ctx); err == nil && s.Ready > 0 {
			return nil
		}
		select {
		case <-g.exited:
			return fmt.Errorf("the gateway has ended: %s", g.said.String())
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(lookEvery):
		}
	}
	return fmt.Errorf("no server is ready after %s: %+v: %w", patience, s, err)
}

// watch adds up what there is until ctx ends.
func (g *gateway) watch(ctx context.Context, o Options, span float64) (f Figures) {
	began, last, current, direction := time.Now(), time.Now(), 0, 0
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return f
		case <-tick.C:
		}
		s, err := g.look(ctx)
		if err != nil {
			continue // what it is asked next covers the time
		}
		now := time.Now()
		f.Hours += now.Sub(last).Hours() * float64(s.Current+s.Draining)
		f.Peak = max(f.Peak, s.Current+s.Draining)
		last = now
		if more := s.Current - current; current > 0 && more != 0 {
			f.Starts += max(more, 0)
			is := 1
			if more < 0 {
				is = -1
			}
			if direction == -is {
				f.Turns++
			}
			direction = is
		}
		current = s.Current
		if part := now.Sub(began).Seconds() / span; o.Progress != nil && part < 1 {
			o.Progress(Step{Doing: "a day in four minutes", Done: part, Left: seconds(span * (1 - part))})
		}
	}
}
