package docker

import (
	"archive/tar"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/metrics/autoscale"
)

// engine starts a real Docker Engine with folders of its own, which ends with the test.
func realEngine(t *testing.T) (socket string) {
	t.Helper()
	if os.Getenv("E2E") == "" {
		t.Skip("it starts a Docker Engine; `make e2e` runs it")
	}
	if _, err := exec.LookPath("dockerd"); err != nil || os.Getuid() != 0 {
		t.Skip("SKIPPED: dockerd is not installed, or this is not root (apt-get install docker.io)")
	}
	folder, err := os.MkdirTemp("", "dockerd")
	require.NoError(t, err)
	socket = filepath.Join(folder, "s")
	log, err := os.Create(filepath.Join(folder, "log"))
	require.NoError(t, err)
	// Without a network of its own: it must change nothing on this machine.
	cmd := exec.Command("dockerd", "--bridge=none", "--iptables=false", "--ip6tables=false", "--ip-forward=false", "--ip-masq=false",
		"--data-root", filepath.Join(folder, "data"), "--exec-root", filepath.Join(folder, "exec"), "--pidfile", filepath.Join(folder, "pid"), "-H", "unix://"+socket)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		if t.Failed() {
			text, _ := os.ReadFile(log.Name())
			t.Logf("dockerd said:\n%s", text[max(0, len(text)-4000):])
		}
		_ = os.RemoveAll(folder)
	})
	e := newEngine(socket)
	deadline := time.Now().Add(time.Minute)
	for {
		if _, err := e.negotiate(t.Context()); err == nil {
			return socket
		}
		if time.Now().After(deadline) {
			text, _ := os.ReadFile(log.Name())
			t.Skipf("SKIPPED: the Docker Engine does not start here: %s", text[max(0, len(text)-500):])
		}
		select {
		case <-t.Context().Done():
			t.Fatal("ended")
		case <-time.After(20 * time.Millisecond):
		}
	}
}

const serverText = `package main

import ("net/http"; "os")

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("I am " + os.Args[2])) })
	panic(http.ListenAndServe("127.0.0.1:"+os.Args[1], nil))
}
`

// putImage builds a server without libraries and makes an image of it.
func putImage(t *testing.T, socket string) {
	t.Helper()
	folder := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(folder, "main.go"), []byte(serverText), 0o600))
	build := exec.Command("go", "build", "-o", "serve", "main.go")
	build.Dir, build.Env = folder, append(os.Environ(), "CGO_ENABLED=0")
	out, err := build.CombinedOutput()
	require.NoError(t, err, string(out))
	program, err := os.ReadFile(filepath.Join(folder, "serve"))
	require.NoError(t, err)
	var image bytes.Buffer
	w := tar.NewWriter(&image)
	require.NoError(t, w.WriteHeader(&tar.Header{Name: "serve", Mode: 0o755, Size: int64(len(program))}))
	_, err = w.Write(program)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	e := newEngine(socket)
	version, err := e.negotiate(t.Context())
	require.NoError(t, err)
	u := url.URL{Scheme: "http", Host: "docker", Path: version + "/images/create", RawQuery: "fromSrc=-&repo=serve&tag=1"}
	answer, err := e.http.Post(u.String(), "application/x-tar", &image)
	require.NoError(t, err)
	text, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	require.Equal(t, 200, answer.StatusCode, string(text))
	require.NoError(t, answer.Body.Close())
}

// freePorts is the first of some ports in a row that nobody listens on.
func freePorts(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return min(l.Addr().(*net.TCPAddr).Port, 65500)
}

// TestARealEngine starts containers, hears of one that is killed, and ends them; another actuator finds them again.
func TestARealEngine(t *testing.T) {
	socket := realEngine(t)
	putImage(t, socket)
	first := freePorts(t)
	s := Settings{
		Image: "serve:1", Command: []string{"/serve", "{port}", "{name}"}, First: first, Last: first + 30, Most: 3, StopTimeout: time.Second,
		Create: `{"HostConfig": {"RestartPolicy": {"Name": "unless-stopped"}}}`,
	}
	a := New("chat", socket, s, nil)
	ctx, cancel := context.WithCancel(t.Context())
	changed := make(chan struct{}, 1000)
	var running sync.WaitGroup
	running.Go(func() { _ = a.Run(ctx, func() { changed <- struct{}{} }) })
	defer running.Wait()
	defer cancel()
	require.NoError(t, a.Scale(ctx, autoscale.Order{ID: "1", To: 2}))
	answers := func(by *Actuator, want ...string) {
		t.Helper()
		require.Eventually(t, func() bool {
			c, err := by.Count(t.Context())
			require.NoError(t, err)
			var got []string
			for _, r := range c.Replicas {
				if answer, err := http.Get(r.URL); err == nil && r.State == autoscale.Running {
					text, _ := io.ReadAll(answer.Body)
					_ = answer.Body.Close()
					got = append(got, string(text))
				}
			}
			return len(got) == len(want) && func() bool {
				for i := range got {
					if got[i] != want[i] {
						return false
					}
				}
				return true
			}()
		}, time.Minute, 50*time.Millisecond, "%v", want)
	}
	answers(a, "I am chat-0", "I am chat-1")
	for len(changed) > 0 {
		<-changed
	}
	all, err := a.list(ctx)
	require.NoError(t, err)
	require.NoError(t, a.engine.call(ctx, http.MethodPost, "/containers/"+all[0].ID+"/restart", url.Values{"t": {strconv.Itoa(0)}}, nil, nil))
	select {
	case <-changed:
	case <-time.After(time.Minute):
		t.Fatal("the engine's events are not heard")
	}
	other := New("chat", socket, s, nil)
	answers(other, "I am chat-0", "I am chat-1")
	require.NoError(t, other.Scale(ctx, autoscale.Order{ID: "2", To: 1, Victims: []string{"chat-0"}}))
	answers(a, "I am chat-1")
	require.NoError(t, other.Scale(ctx, autoscale.Order{ID: "3", To: 0, Victims: []string{"chat-1"}}))
	require.NoError(t, other.Close(ctx))
	all, err = a.list(ctx)
	require.NoError(t, err)
	require.Empty(t, all, "nothing is left")
	err = New("chat", socket, Settings{Image: "none:1", First: first, Last: first + 30, Most: 1}, nil).Scale(ctx, autoscale.Order{ID: "4", To: 1})
	require.ErrorContains(t, err, "the image none:1 is not on this machine: docker pull none:1")
}
