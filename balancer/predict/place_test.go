package predict

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// atOnce is for what a pipe could hold up for ever.
func atOnce(t *testing.T, f func() error) error {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- f() }()
	select {
	case err := <-done:
		return err
	case <-time.After(10 * time.Second):
		t.Fatal("it waits for a writer of the pipe")
		return nil
	}
}

// TestWhatIsNoFileIsLeftAlone: it is neither opened nor renamed nor replaced.
func TestWhatIsNoFileIsLeftAlone(t *testing.T) {
	folder := t.TempDir()
	pipe, device := filepath.Join(folder, "pipe"), filepath.Join(folder, "device")
	require.NoError(t, syscall.Mkfifo(pipe, 0o600))
	require.NoError(t, os.Symlink(os.DevNull, device))
	toPipe := filepath.Join(folder, "to pipe")
	require.NoError(t, os.Symlink("pipe", toPipe))
	for _, path := range []string{pipe, device, toPipe, folder} {
		before, err := os.Lstat(path)
		require.NoError(t, err)
		p := New(Options{})
		says := path + " is no file: give the path of one"
		require.ErrorContains(t, atOnce(t, func() error { return p.Load(path) }), says)
		p.feed("m", linear(0.1), 10, newRandom(1))
		require.ErrorContains(t, atOnce(t, p.Keep), says)
		require.False(t, p.Changed())
		require.ErrorContains(t, atOnce(t, func() error { return p.Save(path) }), says)
		after, err := os.Lstat(path)
		require.NoError(t, err)
		require.Equal(t, before.Mode(), after.Mode())
	}
	left, err := os.ReadDir(folder)
	require.NoError(t, err)
	require.Len(t, left, 3)
}

// TestALinkStays: what it leads to is read, set aside and replaced, in its own folder.
func TestALinkStays(t *testing.T) {
	links, folder := t.TempDir(), t.TempDir()
	first, second, file := filepath.Join(links, "first"), filepath.Join(links, "second"), filepath.Join(folder, "work.json")
	require.NoError(t, os.Symlink("second", first))
	require.NoError(t, os.Symlink(file, second))
	saved := New(Options{})
	saved.feed("m", linear(0.1), 10, newRandom(1))
	require.NoError(t, saved.Save(first), "to a file that is not there yet")
	p := New(Options{})
	require.NoError(t, p.Load(first))
	require.EqualValues(t, 10, p.stateOf("").Rows)
	p.feed("m", linear(0.1), 10, newRandom(2))
	require.NoError(t, p.Keep())
	q := New(Options{})
	require.NoError(t, q.Load(file))
	require.EqualValues(t, 20, q.stateOf("").Rows)

	require.NoError(t, os.WriteFile(file, []byte("{"), 0o600))
	damaged, ok := errors.AsType[*DamagedError](q.Load(first))
	require.True(t, ok)
	require.Equal(t, folder, filepath.Dir(damaged.Aside))
	q.feed("m", linear(0.1), 1, newRandom(3))
	require.NoError(t, q.Keep())
	require.NoError(t, q.Read(file))
	require.EqualValues(t, 21, q.stateOf("").Rows)
	for link, to := range map[string]string{first: "second", second: file} {
		got, err := os.Readlink(link)
		require.NoError(t, err)
		require.Equal(t, to, got)
	}
	left, err := os.ReadDir(links)
	require.NoError(t, err)
	require.Len(t, left, 2)
}
