package keeper

import (
	"context"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// away is a script whose server has a child in a session of its own.
const away = `setsid sh -c 'echo $$ > "$1"; while :; do sleep 1; done' sh "$1" & echo $$ > "$2"; while :; do sleep 1; done`

// TestWhatHasLeftTheGroupIsEndedToo, whether the server is stopped or ends by itself.
func TestWhatHasLeftTheGroupIsEndedToo(t *testing.T) {
	for _, end := range []func(k *Kept){
		(*Kept).Stop,
		func(k *Kept) { _ = syscall.Kill(k.Pid(), syscall.SIGKILL) },
	} {
		folder := t.TempDir()
		k := start(t, shell(t, away, filepath.Join(folder, "away"), filepath.Join(folder, "pid")))
		daemon := pidIn(t, filepath.Join(folder, "away"))
		pidIn(t, filepath.Join(folder, "pid"))
		end(k)
		require.Zero(t, requireEnd(t, k).Left)
		require.False(t, alive(k.Pid()))
		require.False(t, alive(daemon), "it is gone before the end is told")
	}
}

// TestTheKeeperIsKilled: the server dies with it, and what is left besides is found by its mark.
func TestTheKeeperIsKilled(t *testing.T) {
	require.NoError(t, unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)) // so that the test can wait for what is left
	defer func() { _ = unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0) }()
	folder := t.TempDir()
	k := start(t, shell(t, away, filepath.Join(folder, "away"), filepath.Join(folder, "pid")))
	daemon := pidIn(t, filepath.Join(folder, "away"))
	pidIn(t, filepath.Join(folder, "pid"))
	s, ok := statOf(k.Pid())
	require.True(t, ok)
	require.Empty(t, marked(markName, ""), "its keeper lives")
	require.NoError(t, syscall.Kill(s.parent, syscall.SIGKILL))
	how := requireEnd(t, k)
	require.False(t, how.Told)
	dead := func(pid int) bool {
		s, ok := statOf(pid)
		return !ok || s.dead
	}
	require.Eventually(t, func() bool { return dead(k.Pid()) }, time.Minute, time.Millisecond)
	require.False(t, dead(daemon))
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	require.Positive(t, EndLeft(ctx, ""))
	require.True(t, dead(daemon))
	for _, pid := range []int{daemon, k.Pid()} {
		_, _ = syscall.Wait4(pid, nil, syscall.WNOHANG, nil)
	}
}

func TestMarks(t *testing.T) {
	own := space("self")
	owner, ok := ownerOf(mark("my chat-0"), own)
	require.True(t, ok)
	require.Equal(t, self(), owner)
	require.Equal(t, os.Getpid(), owner.pid)
	require.True(t, owner.alive())
	require.False(t, process{owner.pid, "another time"}.alive(), "its number is another's now")
	for _, bad := range []string{"", "x", "chat-0 1 2 elsewhere", "chat-0 one 2 " + own, "chat-0 -1 2 " + own, "1 2 " + own} {
		_, ok = ownerOf(bad, own)
		require.False(t, ok, bad)
	}
	_, ok = ownerOf(mark("chat-0"), "pid:[1]")
	require.False(t, ok, "another container counts its processes otherwise")
}

// TestAnotherProgramGoesOn with a copy of the line: the first one's end does not end the server.
func TestAnotherProgramGoesOn(t *testing.T) {
	ready := filepath.Join(t.TempDir(), "ready")
	first := start(t, shell(t, `trap 'exit 3' TERM; echo $$ > "$1"; while :; do sleep 0.01; done`, ready))
	pidIn(t, ready)
	fd, err := first.Copy()
	require.NoError(t, err)
	first.Leave()
	<-first.Ended()
	second, err := Take(fd, first.Pid())
	require.NoError(t, err)
	require.True(t, alive(second.Pid()))
	second.Stop()
	require.Equal(t, "exit status 3, as it was asked to", requireEnd(t, second).How)
	requireGone(t, second.Pid())
}
