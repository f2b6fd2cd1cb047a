package predict

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestKeepSavesWhatIsNew(t *testing.T) {
	require.NoError(t, New(Options{}).Keep(), "without a file there is nothing to do")
	path := filepath.Join(t.TempDir(), "work.json")
	p := New(Options{})
	require.NoError(t, p.Load(path))
	require.NoError(t, p.Keep())
	require.NoFileExists(t, path, "nothing was learned")
	rows := func() uint64 {
		q := New(Options{})
		require.NoError(t, q.Read(path))
		return q.stateOf("").Rows
	}
	for n := range 3 {
		p.feed("m", linear(0.1), 10, newRandom(1))
		require.False(t, p.Changed())
		require.NoError(t, p.Keep())
		require.EqualValues(t, 10*(n+1), rows())
	}
	require.NoError(t, os.Remove(path))
	require.NoError(t, p.Keep())
	require.NoFileExists(t, path, "nothing is new")
	p.feed("m", linear(0.1), 1, newRandom(1))
	require.NoError(t, p.Keep())
	require.EqualValues(t, 31, rows(), "one that has gone is written anew")
}

func TestKeepLeavesWhatOthersHaveWritten(t *testing.T) {
	_, path := someSaved(t)
	p := New(Options{})
	require.NoError(t, p.Load(path))
	require.False(t, p.Changed())
	trained, err := os.ReadFile(path)
	require.NoError(t, err)
	trained = append(trained, '\n')
	require.NoError(t, os.WriteFile(path, trained, 0o600))
	require.True(t, p.Changed())
	require.NoError(t, p.Keep(), "there is nothing to keep")
	p.feed("m", linear(0.1), 10, newRandom(1))
	require.ErrorIs(t, p.Keep(), ErrChanged)
	left, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(trained), string(left))

	q := New(Options{})
	require.NoError(t, q.Read(path))
	before := q.stateOf("").Rows
	require.False(t, q.Changed())
	q.feed("m", linear(0.1), 10, newRandom(1))
	require.NoError(t, q.Keep(), "who knows what it holds goes on from there")
	require.NoError(t, p.Read(path))
	require.Equal(t, before+10, p.stateOf("").Rows)
}

// TestKeepLeavesWhatCannotBeRead, and what could not be read at first.
func TestKeepLeavesWhatCannotBeRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "work.json")
	require.NoError(t, os.Symlink(path, path)) // root could open any other
	p := New(Options{})
	require.Error(t, p.Load(path))
	p.feed("m", linear(0.1), 10, newRandom(1))
	require.False(t, p.Changed())
	require.ErrorContains(t, p.Keep(), "save what was learned")
	_, good := someSaved(t)
	require.NoError(t, os.Rename(good, path))
	require.True(t, p.Changed())
	require.ErrorIs(t, p.Keep(), ErrChanged)
}
