package keeper

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// shell is a plan that runs a script of the shell.
func shell(t *testing.T, script string, args ...string) Plan {
	t.Helper()
	return Plan{
		Name: t.Name() + "-0", Args: append([]string{"sh", "-c", script, "sh"}, args...), Env: os.Environ(), StopTimeout: time.Minute,
	}
}

// start starts it; what is left at the end of the test is stopped.
func start(t *testing.T, p Plan) *Kept {
	t.Helper()
	k, err := Start(p)
	require.NoError(t, err)
	t.Cleanup(func() {
		k.Stop()
		<-k.Ended()
	})
	return k
}

// pidIn waits for a number in a file.
func pidIn(t *testing.T, file string) (pid int) {
	t.Helper()
	require.Eventually(t, func() bool {
		text, _ := os.ReadFile(file)
		n, err := strconv.Atoi(strings.TrimSpace(string(text)))
		pid = n
		return err == nil && strings.HasSuffix(string(text), "\n")
	}, time.Minute, time.Millisecond, file)
	return pid
}

func alive(pid int) bool { return syscall.Kill(pid, 0) == nil }

func requireGone(t *testing.T, pids ...int) {
	t.Helper()
	for _, pid := range pids {
		require.Eventually(t, func() bool { return !alive(pid) }, time.Minute, time.Millisecond, "process %d is left", pid)
	}
}

func requireEnd(t *testing.T, k *Kept) Ending {
	t.Helper()
	select {
	case <-k.Ended():
	case <-time.After(time.Minute):
		t.Fatal("it does not end")
	}
	return k.How()
}

func TestAServerEndsWhenItIsAsked(t *testing.T) {
	ready := filepath.Join(t.TempDir(), "ready")
	k := start(t, shell(t, `trap 'echo bye; exit 3' TERM; echo $$ > "$1"; while :; do sleep 0.01; done`, ready))
	require.Equal(t, k.Pid(), pidIn(t, ready))
	k.Stop()
	how := requireEnd(t, k)
	require.Equal(t, "exit status 3, as it was asked to", how.How)
	require.Contains(t, how.Output, "bye")
	require.True(t, how.Told)
	requireGone(t, k.Pid())
}

func TestAServerThatIgnoresTermIsKilled(t *testing.T) {
	folder := t.TempDir()
	child, ready := filepath.Join(folder, "child"), filepath.Join(folder, "ready")
	p := shell(t, `trap '' TERM; (trap '' TERM; while :; do sleep 1; done) & echo $! > "$1"; echo $$ > "$2"; while :; do sleep 1; done`, child, ready)
	p.StopTimeout = 10 * time.Millisecond
	k := start(t, p)
	pidIn(t, ready)
	k.Stop()
	require.Equal(t, "signal: killed, as it was asked to", requireEnd(t, k).How)
	requireGone(t, k.Pid(), pidIn(t, child))
}

func TestAServerThatEndsByItself(t *testing.T) {
	for script, how := range map[string]string{"echo oh no >&2; exit 7": "exit status 7", "echo oh no; kill -9 $$": "signal: killed"} {
		require.Equal(t, Ending{How: how, Output: "oh no", Told: true}, requireEnd(t, start(t, shell(t, script))))
	}
}

func TestAServerThatCannotBeStarted(t *testing.T) {
	for want, p := range map[string]Plan{
		"find its program: ":            {Args: []string{"there is no such program"}},
		"find its program: exec: \"/\"": {Args: []string{"/"}},
		"enter its folder: ":            {Args: []string{"sh"}, Dir: "/there is no such folder"},
	} {
		p.Name = "x-0"
		_, err := Start(p)
		require.ErrorContains(t, err, want)
	}
}

func TestTheProgramIsFoundByTheServersPath(t *testing.T) {
	folder := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(folder, "own"), []byte("#!/bin/sh\npwd; echo $VALUE; exit 4\n"), 0o755))
	k := start(t, Plan{Name: "x-0", Args: []string{"own"}, Dir: folder, Env: []string{"PATH=" + folder + ":/bin:/usr/bin", "VALUE=a b"}})
	how := requireEnd(t, k)
	require.Equal(t, "exit status 4", how.How)
	require.True(t, strings.HasSuffix(how.Output, "\na b"), how.Output)
}

func TestWhatAServerWritesIsKept(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x.log") // where each line is to be seen before the next is written: two at once count as one
	p := shell(t, `for i in 1 2 3 4 5 6 7 8; do echo "line $i 0123456789"; until grep -qs "line $i" "$1"; do sleep 0.01; done; done`, file)
	p.Log, p.LogBytes = file, 60
	requireEnd(t, start(t, p))
	now, err := os.ReadFile(p.Log)
	require.NoError(t, err)
	before, err := os.ReadFile(p.Log + ".1")
	require.NoError(t, err)
	require.LessOrEqual(t, len(now), 60+4096)
	require.Contains(t, string(now), "line 8")
	require.NotContains(t, string(now)+string(before), "line 1 ", "two files are kept, and no more")
}

// TestALogThatCannotBeWritten is told, and the server runs on.
func TestALogThatCannotBeWritten(t *testing.T) {
	folder := t.TempDir()
	require.NoError(t, syscall.Mkfifo(filepath.Join(folder, "pipe"), 0o600))
	for _, log := range []string{"/there is no such folder/x.log", folder, filepath.Join(folder, "pipe")} {
		p := shell(t, `trap 'exit 0' TERM; while :; do echo more; sleep 0.01; done`)
		p.Log = log
		k := start(t, p)
		require.Eventually(t, func() bool { return k.Problem() != "" }, time.Minute, time.Millisecond)
		require.Contains(t, k.Problem(), "its log is not written: ")
		require.True(t, alive(k.Pid()))
		k.Stop()
		require.Equal(t, "exit status 0, as it was asked to", requireEnd(t, k).How)
	}
}

// helper runs a function of this test in a process of its own, which can be killed.
func helper(t *testing.T, mode string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0], append([]string{"-test.run=^TestHelper$", "--"}, args...)...)
	cmd.Env = append(os.Environ(), "KEEPER_TEST="+mode)
	cmd.Stderr = os.Stderr
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return cmd
}

// TestHelper is a gateway that is going to be killed.
func TestHelper(t *testing.T) {
	if os.Getenv("KEEPER_TEST") != "gateway" {
		return
	}
	args := os.Args[len(os.Args)-3:]
	_, err := Start(Plan{Name: "helper-0", Args: []string{"sh", "-c", args[0], "sh", args[1], args[2]}, Env: os.Environ(), StopTimeout: time.Minute})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	select {}
}

// TestNothingIsLeftOfAKilledGateway: neither the server, nor what has left its group.
func TestNothingIsLeftOfAKilledGateway(t *testing.T) {
	if _, err := exec.LookPath("setsid"); err != nil {
		t.Skip("there is no setsid")
	}
	folder := t.TempDir()
	pid, away := filepath.Join(folder, "pid"), filepath.Join(folder, "away")
	gateway := helper(t, "gateway", `setsid sh -c 'echo $$ > "$1"; trap "" HUP; while :; do sleep 1; done' sh "$2" & echo $$ > "$1"; while :; do sleep 1; done`, pid, away)
	server, daemon := pidIn(t, pid), pidIn(t, away)
	require.True(t, alive(server) && alive(daemon))
	require.NoError(t, gateway.Process.Kill())
	requireGone(t, server, daemon)
	require.Zero(t, EndLeft(context.Background(), ""))
}
