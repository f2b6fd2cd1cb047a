package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// holder is an endpoint whose streams go on until the test lets them end.
type holder struct {
	*httptest.Server
	release func()
}

func newHolder(t *testing.T) *holder {
	t.Helper()
	ended := make(chan struct{})
	h := &holder{release: sync.OnceFunc(func() { close(ended) })}
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, "first\n")
		if r.URL.Path != "/stream" {
			return
		}
		w.(http.Flusher).Flush()
		select {
		case <-ended:
			_, _ = io.WriteString(w, "last\n")
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(func() { h.release(); h.CloseClientConnections(); h.Close() })
	return h
}

// dynasty is a gateway and those that replace it. They write to one file, as pipes would tie them to the test.
type dynasty struct {
	t       *testing.T
	program string // a copy of the binary, for tests that replace it
	file    string
	said    string
	address string
	admin   string
	first   *exec.Cmd
	pids    map[int]bool
}

// found starts the first gateway. more is configuration besides addresses and the upstream; slots are of its endpoint.
func found(t *testing.T, h *holder, more string, slots int) *dynasty {
	t.Helper()
	d := prepare(t, h, more, slots)
	d.start(exec.Command(d.program, "serve", d.file))
	return d
}

// prepare is found before the start.
func prepare(t *testing.T, h *holder, more string, slots int) *dynasty {
	t.Helper()
	folder := t.TempDir()
	d := &dynasty{
		t: t, program: filepath.Join(folder, "steelyard"), file: filepath.Join(folder, "c.yaml"), said: filepath.Join(folder, "log"),
		address: freeAddress(t), admin: "http://" + freeAddress(t), pids: map[int]bool{},
	}
	require.NoError(t, os.Link(binary, d.program))
	d.write(fmt.Sprintf("listen: [{address: %q}, {address: \"unix:%s/s\"}]\nadmin: {address: %q}\n%s\nupstreams: [{endpoints: [{name: h, url: %q, slots: %d}]}]\n",
		d.address, folder, strings.TrimPrefix(d.admin, "http://"), more, h.URL, slots))
	return d
}

func (d *dynasty) start(first *exec.Cmd) {
	t := d.t
	t.Helper()
	log, err := os.Create(d.said)
	require.NoError(t, err)
	d.first = first
	first.Env = append(first.Env, "PATH="+os.Getenv("PATH"))
	first.Stdout, first.Stderr = log, log
	require.NoError(t, first.Start())
	require.NoError(t, log.Close())
	t.Cleanup(func() {
		for pid := range d.pids {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		_ = d.first.Process.Kill()
		_ = d.first.Wait()
		if t.Failed() {
			t.Log(d.log())
		}
	})
	d.serves(0)
}

func (d *dynasty) write(text string) {
	d.t.Helper()
	require.NoError(d.t, os.WriteFile(d.file+".new", []byte(text), 0o600))
	require.NoError(d.t, os.Rename(d.file+".new", d.file))
}

func (d *dynasty) log() string {
	text, err := os.ReadFile(d.said)
	require.NoError(d.t, err)
	return string(text)
}

// saysMore waits until the log has a text once more than before.
func (d *dynasty) saysMore(text string, do func()) {
	d.t.Helper()
	before := strings.Count(d.log(), text)
	do()
	eventually(d.t, "the log says "+text, func() bool { return strings.Count(d.log(), text) > before })
}

// pid is the process that serves the admin listener, 0 if none does.
func (d *dynasty) pid() int {
	r, err := http.Get(d.admin + "/healthz")
	if err != nil {
		return 0
	}
	defer func() { _ = r.Body.Close() }()
	var health struct{ PID int }
	_ = json.NewDecoder(r.Body).Decode(&health)
	return health.PID
}

// serves waits until another process than the one before serves, and returns it.
func (d *dynasty) serves(before int) (pid int) {
	d.t.Helper()
	eventually(d.t, "another process serves", func() bool {
		http.DefaultClient.CloseIdleConnections()
		pid = d.pid()
		return pid != 0 && pid != before
	})
	d.pids[pid] = true
	return pid
}

// upgrade has the present process replaced, and returns the new one.
func (d *dynasty) upgrade() int {
	d.t.Helper()
	before := d.pid()
	require.NoError(d.t, syscall.Kill(before, syscall.SIGUSR2))
	return d.serves(before)
}

func (d *dynasty) metric(series string) string {
	d.t.Helper()
	for line := range strings.Lines(get(d.t, d.admin+"/metrics")) {
		if value, ok := strings.CutPrefix(line, series+" "); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// atRest waits until nothing is in flight, nothing of the older processes is left, and each gauge says so.
func (d *dynasty) atRest() {
	d.t.Helper()
	eventually(d.t, "all gauges are back at zero", func() bool {
		return d.metric(`steelyard_requests_in_flight{endpoint="h",upstream="default"}`) == "0" &&
			d.metric("steelyard_replaced_processes") == "0" && d.metric("steelyard_replaced_requests") == "0"
	})
}

// heldStream is one that has begun and goes on.
type heldStream struct {
	conn   net.Conn
	answer *http.Response
	reader *bufio.Reader
}

func (d *dynasty) openStream() *heldStream {
	d.t.Helper()
	c, err := net.Dial("tcp", d.address)
	require.NoError(d.t, err)
	d.t.Cleanup(func() { _ = c.Close() })
	_, err = io.WriteString(c, "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n")
	require.NoError(d.t, err)
	answer, err := http.ReadResponse(bufio.NewReader(c), nil)
	require.NoError(d.t, err)
	s := &heldStream{c, answer, bufio.NewReader(answer.Body)}
	line, err := s.reader.ReadString('\n')
	require.NoError(d.t, err)
	require.Equal(d.t, "first\n", line)
	return s
}

// strictClient sends one request after another on connections that it keeps for as long as it may. It never repeats one:
// what is lost is lost.
type strictClient struct {
	address        string
	pause          time.Duration
	answered, lost atomic.Int64
	problem        atomic.Value
}

func (s *strictClient) run(stop <-chan struct{}) {
	var c net.Conn
	var r *bufio.Reader
	for {
		select {
		case <-stop:
			if c != nil {
				_ = c.Close()
			}
			return
		case <-time.After(s.pause):
		}
		err := func() (err error) {
			if c == nil {
				if c, err = net.Dial("tcp", s.address); err != nil {
					return err
				}
				r = bufio.NewReader(c)
			}
			_ = c.SetDeadline(time.Now().Add(within))
			if _, err = io.WriteString(c, "POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"); err != nil {
				return err
			}
			answer, err := http.ReadResponse(r, nil)
			if err != nil {
				return err
			}
			body, err := io.ReadAll(answer.Body)
			if err == nil && (answer.StatusCode != 200 || string(body) != "first\n") {
				err = fmt.Errorf("%s: %s", answer.Status, body)
			}
			if answer.Close {
				_ = c.Close()
				c = nil
			}
			return err
		}()
		if err != nil {
			s.lost.Add(1)
			s.problem.Store(err.Error())
			if c != nil {
				_ = c.Close()
				c = nil
			}
			continue
		}
		s.answered.Add(1)
	}
}
