package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// elastic is a gateway that starts and stops its servers, and its upstream's name, by which they are found in the list of processes.
type elastic struct {
	*process
	upstream, file, url, admin string
}

// elasticServer is the command of a simulated server that takes a moment to load.
func elasticServer(more ...string) string {
	words := append([]string{binary, "demo", "server", "--name", "{name}", "--address", "127.0.0.1:{port}", "--load", "200ms"}, more...)
	for i := range words {
		words[i] = strconv.Quote(words[i])
	}
	return "[" + strings.Join(words, ", ") + "]"
}

// newElastic is one that has not been started. scale is the rest of its section, in the style of {a: 1, b: 2} without the
// braces; command is that of a server.
func newElastic(t *testing.T, scale, command string) *elastic {
	t.Helper()
	_, port, err := net.SplitHostPort(freeAddress(t))
	require.NoError(t, err)
	first, err := strconv.Atoi(port)
	require.NoError(t, err)
	lastPort.Add(40) // which its servers take
	e := &elastic{
		upstream: fmt.Sprintf("up%d", rand.Uint64()), file: filepath.Join(t.TempDir(), "steelyard.yaml"),
	}
	address, admin := freeAddress(t), freeAddress(t)
	e.url, e.admin = "http://"+address, "http://"+admin
	e.write(t, scale, fmt.Sprintf(`listen: [{address: %q}]
admin: {address: %q}
timeouts: {shutdown: 3s}
upstreams:
  - name: %s
    health: {path: /health, interval: 200ms, timeout: 200ms, unhealthy_threshold: 3, healthy_threshold: 1}
    slow_start: 0s
    outlier: off
    scale: {SCALE, dry_run: false, interval: 1s, predict: "off", actuator: {kind: process, command: %s, ports: %d-%d, stop_timeout: 1s}}
`, address, admin, e.upstream, command, first, first+40))
	t.Cleanup(func() { // whatever a test that fails has left
		for pid := range e.left() {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	})
	return e
}

func (e *elastic) write(t *testing.T, scale, text string) {
	t.Helper()
	require.NoError(t, os.WriteFile(e.file, []byte(strings.Replace(text, "SCALE", scale, 1)), 0o600))
}

func (e *elastic) start(t *testing.T) {
	t.Helper()
	e.process = start(t, nil, binary, "serve", "--config", e.file)
	eventually(t, "the gateway serves", func() bool { return status(e.admin+"/healthz") == 200 })
}

// left are the processes whose command line names the upstream: servers and their keepers.
func (e *elastic) left() map[int]string {
	list := map[int]string{}
	entries, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range entries {
		text, err := os.ReadFile(file)
		if err != nil || !bytes.Contains(text, []byte(e.upstream+"-")) {
			continue
		}
		pid, _ := strconv.Atoi(strings.Split(file, "/")[2])
		list[pid] = string(bytes.ReplaceAll(text, []byte{0}, []byte(" ")))
	}
	return list
}

// servers are the processes that serve.
func (e *elastic) servers() (pids []int) {
	for pid, line := range e.left() {
		if !strings.HasPrefix(line, "steelyard keeper") {
			pids = append(pids, pid)
		}
	}
	slices.Sort(pids)
	return pids
}

func (e *elastic) nothingIsLeft(t *testing.T) {
	t.Helper()
	eventually(t, "no process is left", func() bool { return len(e.left()) == 0 })
}

// eligible is how many servers get requests.
func (e *elastic) eligible(t *testing.T) (n int) {
	t.Helper()
	var all struct {
		Upstreams []struct{ Endpoints []endpoint }
	}
	require.NoError(t, json.Unmarshal([]byte(get(t, e.admin+"/api/v1/upstreams")), &all))
	for _, x := range all.Upstreams[0].Endpoints {
		if x.Eligible {
			n++
		}
	}
	return n
}

// events are the kinds of all events so far.
func (e *elastic) events(t *testing.T) (kinds []string) {
	t.Helper()
	for _, m := range regexp.MustCompile(`"kind":\s*"([a-z_]+)"`).FindAllStringSubmatch(get(t, e.admin+"/api/v1/events?limit=1000"), -1) {
		kinds = append(kinds, m[1])
	}
	return kinds
}

func (e *elastic) told(t *testing.T, kind string) (n int) {
	t.Helper()
	for _, k := range e.events(t) {
		if k == kind {
			n++
		}
	}
	return n
}

// stream asks for a stream of so many tokens and says what is wrong with the answer, nil if it is whole.
func (e *elastic) stream(tokens int, begun func()) error {
	answer, err := http.Post(e.url+"/v1/chat/completions", "application/json",
		strings.NewReader(fmt.Sprintf(`{"model":"steelyard-demo","messages":[],"stream":true,"max_tokens":%d}`, tokens)))
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != 200 {
		text, _ := io.ReadAll(answer.Body)
		return fmt.Errorf("%s: %s", answer.Status, text)
	}
	done, first := false, true
	for lines := bufio.NewScanner(answer.Body); lines.Scan(); {
		if first && begun != nil {
			begun()
		}
		first = false
		if strings.Contains(lines.Text(), `"error"`) {
			return fmt.Errorf("cut: %s", lines.Text())
		}
		done = done || lines.Text() == "data: [DONE]"
	}
	if !done {
		return fmt.Errorf("the stream ended before its end")
	}
	return nil
}

// TestElasticFromZero: what comes while there is no server waits for the first one, under load, and none is lost.
func TestElasticFromZero(t *testing.T) {
	e := newElastic(t, "min: 0, max: 3, capacity: 50, slots: 8, hold: 1m, scale_in_after: 2s, zero_after: 2s", elasticServer("--capacity", "50", "--slots", "8"))
	e.start(t)
	require.Empty(t, e.left())
	for range 2 {
		var all sync.WaitGroup
		var lost atomic.Value
		for range 60 {
			all.Go(func() {
				if err := e.stream(4, nil); err != nil {
					lost.Store(err.Error())
				}
			})
		}
		all.Wait()
		require.Nil(t, lost.Load())
		e.nothingIsLeft(t) // the last one goes, and the first one comes again
	}
	require.GreaterOrEqual(t, e.told(t, "server_started"), 2)
	e.signal(t, syscall.SIGTERM)
	require.Zero(t, e.exits(t))
}

// TestElasticInWithStreams goes from 8 servers to 1 while 100 streams are open: none is cut.
func TestElasticInWithStreams(t *testing.T) {
	command := elasticServer("--capacity", "8", "--slots", "40") // 5 s for a unit of work
	e := newElastic(t, "min: 8, max: 8, capacity: 8, slots: 40, scale_in_after: 1s", command)
	e.start(t)
	eventually(t, "eight servers are ready", func() bool { return e.eligible(t) == 8 })
	var all, begun sync.WaitGroup
	problems := make(chan error, 100)
	begun.Add(100)
	for range 100 {
		all.Go(func() {
			once := sync.OnceFunc(begun.Done)
			if err := e.stream(32, once); err != nil {
				problems <- err
			}
			once()
		})
	}
	begun.Wait()
	text, err := os.ReadFile(e.file)
	require.NoError(t, err)
	e.write(t, "", strings.Replace(string(text), "min: 8", "min: 1", 1))
	e.signal(t, syscall.SIGHUP)
	all.Wait()
	close(problems)
	for err := range problems {
		t.Error(err)
	}
	// One goes at a time, and each takes some seconds.
	require.Eventually(t, func() bool { return len(e.servers()) == 1 }, 4*within, 50*time.Millisecond, "one server is left")
	require.NoError(t, e.stream(1, nil))
	require.Equal(t, 7, e.told(t, "server_ended"))
	e.signal(t, syscall.SIGTERM)
	require.Zero(t, e.exits(t))
	e.nothingIsLeft(t)
}

// TestElasticKilled kills the gateway at any moment: nothing is left, and the next one has as many servers again.
func TestElasticKilled(t *testing.T) {
	e := newElastic(t, "min: 2, max: 3, capacity: 50, slots: 8", elasticServer("--capacity", "50", "--slots", "8"))
	for i := range 6 {
		e.start(t)
		moment := time.NewTimer(time.Duration(rand.IntN(1500)) * time.Millisecond) // any may be the wrong one
		<-moment.C
		e.kill(t)
		if i%2 == 0 { // else the next one comes while the servers of this one end
			e.nothingIsLeft(t)
		}
	}
	e.start(t)
	eventually(t, "two servers are ready, and no others are there", func() bool { return e.eligible(t) == 2 && len(e.left()) == 4 })
	servers := e.servers()
	require.Len(t, servers, 2)
	require.NoError(t, syscall.Kill(servers[0], syscall.SIGKILL))
	eventually(t, "the crashed one is started again", func() bool { return e.told(t, "server_failed") == 1 && e.eligible(t) == 2 && len(e.servers()) == 2 })
	for pid, line := range e.left() { // a keeper is killed: its server goes with it, and another comes
		if strings.HasPrefix(line, "steelyard keeper") {
			require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
			break
		}
	}
	eventually(t, "another one is started", func() bool { return e.told(t, "server_failed") == 2 && e.eligible(t) == 2 && len(e.servers()) == 2 })
	e.signal(t, syscall.SIGTERM)
	require.Zero(t, e.exits(t))
	e.nothingIsLeft(t)
}

// TestElasticUpgrade: the servers survive an upgrade of the gateway, under load, and belong to the new one.
func TestElasticUpgrade(t *testing.T) {
	e := newElastic(t, "min: 2, max: 2, capacity: 50, slots: 8", elasticServer("--capacity", "50", "--slots", "8"))
	e.start(t)
	eventually(t, "two servers are ready", func() bool { return e.eligible(t) == 2 })
	before := e.servers()
	stop := make(chan struct{})
	var load sync.WaitGroup
	var lost atomic.Value
	for range 4 {
		load.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if err := e.stream(4, nil); err != nil {
					lost.Store(err.Error())
				}
			}
		})
	}
	for range 2 {
		old := e.upgrade(t)
		eventually(t, "the old one has ended", func() bool { return syscall.Kill(old, 0) != nil || zombie(old) })
	}
	close(stop)
	load.Wait()
	require.Nil(t, lost.Load())
	require.Equal(t, before, e.servers(), "the same processes")
	eventually(t, "both serve", func() bool { return e.eligible(t) == 2 }) // a busy machine may fail probes
	require.Zero(t, e.told(t, "server_started"), "the new gateway has started none")
	require.NoError(t, syscall.Kill(e.pid(), syscall.SIGTERM))
	e.nothingIsLeft(t)
}

// pid is the process that serves now; 0: none answers.
func (e *elastic) pid() int {
	http.DefaultClient.CloseIdleConnections()
	var health struct{ PID int }
	r, err := http.Get(e.admin + "/healthz")
	if err == nil {
		_ = json.NewDecoder(r.Body).Decode(&health)
		_ = r.Body.Close()
	}
	return health.PID
}

// upgrade has another process serve, and returns the one before.
func (e *elastic) upgrade(t *testing.T) (old int) {
	t.Helper()
	eventually(t, "a process serves", func() bool { old = e.pid(); return old != 0 })
	require.NoError(t, syscall.Kill(old, syscall.SIGUSR2))
	next := 0
	eventually(t, "another process serves", func() bool { next = e.pid(); return next != 0 && next != old })
	t.Cleanup(func() { _ = syscall.Kill(next, syscall.SIGKILL) })
	return old
}

// zombie says whether a process has ended and nobody has waited for it.
func zombie(pid int) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err != nil || strings.Contains(string(text), ") Z ")
}

// TestElasticOddServers: one that ignores SIGTERM and has a child that has left its group, one that ends at once, and one that never is
// ready. What they do is bounded and told, and nothing is left of them.
func TestElasticOddServers(t *testing.T) {
	need(t, "setsid")
	shell := func(script string) string {
		return fmt.Sprintf(`[sh, -c, %q, "{name}", "{port}"]`, script)
	}
	for name, c := range map[string]struct {
		command string
		seen    func(t *testing.T, e *elastic)
	}{
		"stubborn": {shell(`trap "" TERM; setsid sh -c 'trap "" TERM; while :; do sleep 1; done' "$0" & while :; do sleep 1; done`), func(t *testing.T, e *elastic) {
			eventually(t, "server, daemon", func() bool { return len(e.servers()) >= 2 })
		}},
		"short": {shell(`echo cannot allocate; exit 3`), func(t *testing.T, e *elastic) {
			eventually(t, "failures", func() bool { return e.told(t, "server_failed") >= 2 })
			require.LessOrEqual(t, e.told(t, "server_failed"), 6, "no loop")
			require.Contains(t, get(t, e.admin+"/api/v1/events?limit=1000"), "cannot allocate")
		}},
		"never ready": {shell(`while :; do sleep 1; done`), func(t *testing.T, e *elastic) {
			eventually(t, "the start has failed", func() bool { return e.told(t, "scale_failed") >= 1 })
			require.Zero(t, e.eligible(t))
			require.LessOrEqual(t, e.told(t, "server_started"), 5, "no loop")
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newElastic(t, "min: 1, max: 1, capacity: 50, slots: 8, start_timeout: 2s", c.command)
			e.start(t)
			c.seen(t, e)
			if rand.IntN(2) == 0 {
				e.kill(t)
			} else {
				e.signal(t, syscall.SIGTERM)
				require.Zero(t, e.exits(t))
			}
			e.nothingIsLeft(t)
		})
	}
}

// TestElasticDemo lets the morning of a short day pass: servers come, no request fails, and nothing is left. How they go again is
// above: what the controller looks back on is longer than such a day.
func TestElasticDemo(t *testing.T) {
	p := start(t, nil, binary, "demo", "--elastic", "--day", "20s", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0")
	var servers [][]string
	eventually(t, "several servers run at noon", func() bool {
		servers = regexp.MustCompile(`"pid":(\d+)`).FindAllStringSubmatch(p.err.String(), -1)
		return len(servers) >= 3 && regexp.MustCompile(`wanted, [3-6] run`).MatchString(p.out.String())
	})
	p.signal(t, syscall.SIGINT)
	require.Zero(t, p.exits(t))
	require.Regexp(t, `The load's client saw: \d+ answered, .* failed 0`, p.out.String())
	for _, m := range servers {
		pid, err := strconv.Atoi(m[1])
		require.NoError(t, err)
		require.Error(t, syscall.Kill(pid, 0), "server %d is left", pid)
	}
}
