package predict

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestWhatIsNoFileIsLeftAlone: package statefile sees to it, and all that opens a file goes through there.
func TestWhatIsNoFileIsLeftAlone(t *testing.T) {
	device := filepath.Join(t.TempDir(), "device") // which could be read, and written to
	require.NoError(t, os.Symlink(os.DevNull, device))
	says := device + " is no file: give the path of one"
	p := New(Options{})
	require.ErrorContains(t, p.Load(device), says)
	p.feed("m", linear(0.1), 10, newRandom(1))
	require.ErrorContains(t, p.Keep(), says)
	require.False(t, p.Changed())
	require.ErrorContains(t, p.Save(device), says)
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
