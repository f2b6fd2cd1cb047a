package main

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// TestOrphansAreReaped has this process adopt what a shell leaves behind.
func TestOrphansAreReaped(t *testing.T) {
	require.NoError(t, unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0))
	defer func() { _ = unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0) }()
	said, err := exec.Command("sh", "-c", "sleep 0.1 >/dev/null & echo $!").Output()
	require.NoError(t, err)
	pid, err := strconv.Atoi(strings.TrimSpace(string(said)))
	require.NoError(t, err)

	own := exec.Command("true") // that somebody will wait for
	require.NoError(t, own.Start())

	o := newOrphans()
	require.Eventually(t, func() bool {
		dead := o.children()
		return dead[pid] != "" && dead[own.Process.Pid] != ""
	}, time.Minute, time.Millisecond, "both are dead")
	require.True(t, o.look())
	require.NoError(t, own.Wait(), "whoever started it waits for it, a little late")
	for range orphanLooks - 1 {
		require.True(t, o.look())
	}
	require.False(t, o.look())
	require.Empty(t, o.dead)
	require.ErrorIs(t, syscall.Kill(pid, 0), syscall.ESRCH)
}

func TestDeadChild(t *testing.T) {
	line := func(state, parent string) string {
		return "7 (a) Z 1 (b) " + state + " " + parent + " 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 4711 20"
	}
	began, is := deadChild(line("Z", "12"), 12)
	require.True(t, is)
	require.Equal(t, "4711", began)
	for _, other := range []string{line("S", "12"), line("Z", "1"), "", "7 (sh) Z 12", ")"} {
		_, is = deadChild(other, 12)
		require.False(t, is, other)
	}
	stat, err := os.ReadFile("/proc/self/stat")
	require.NoError(t, err)
	_, is = deadChild(string(stat), os.Getppid())
	require.False(t, is, "it lives")
}
