package statefile

import (
	"os"
	"path/filepath"
	"strconv"
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
	case <-time.After(time.Minute):
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
		for what, f := range map[string]func() error{
			"read":    func() error { _, err := Read(path); return err },
			"replace": func() error { return Replace(path, []byte("text")) },
			"aside":   func() error { _, err := Aside(path, strconv.Itoa); return err },
		} {
			require.ErrorContains(t, atOnce(t, f), path+" is no file: give the path of one", what)
		}
		after, err := os.Lstat(path)
		require.NoError(t, err)
		require.Equal(t, before.Mode(), after.Mode())
	}
	left, err := os.ReadDir(folder)
	require.NoError(t, err)
	require.Len(t, left, 3)
}

// TestAPipeThatTakesTheFilesPlace after the first look is not waited for.
func TestAPipeThatTakesTheFilesPlace(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	require.NoError(t, syscall.Mkfifo(pipe, 0o600))
	require.ErrorContains(t, atOnce(t, func() error { _, err := readOpened(pipe); return err }), "is no file")
}

// TestAsideOverNoOther: each gets a name of its own, beside what the link leads to.
func TestAsideOverNoOther(t *testing.T) {
	links, folder := t.TempDir(), t.TempDir()
	link, file := filepath.Join(links, "link"), filepath.Join(folder, "file")
	require.NoError(t, os.Symlink(file, link))
	for _, want := range []string{"file.old-1", "file.old-2", "file.old-3"} {
		require.NoError(t, Replace(link, []byte(want)))
		aside, err := Aside(link, func(n int) string { return ".old-" + strconv.Itoa(n) })
		require.NoError(t, err)
		require.Equal(t, filepath.Join(folder, want), aside)
		text, err := Read(aside)
		require.NoError(t, err)
		require.Equal(t, want, string(text))
	}
	_, err := Aside(link, func(n int) string { return ".old-" + strconv.Itoa(n) })
	require.ErrorIs(t, err, os.ErrNotExist)
}
