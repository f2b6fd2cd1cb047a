package usage

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// TestAFullDisk takes what fits, each row whole; the rest counts in memory, and is told of once. When there is room again, rows are
// written again.
func TestAFullDisk(t *testing.T) {
	s := newShelf(t)
	require.NoError(t, os.Mkdir(s.dir, 0o700))
	if err := unix.Mount("tmpfs", s.dir, "tmpfs", 0, "size=1m"); err != nil {
		t.Skipf("no small disk can be made here: %v", err)
	}
	t.Cleanup(func() { require.NoError(t, unix.Unmount(s.dir, 0)) })
	b := s.open()
	t.Cleanup(b.store.close)
	const rows, hours = 20_000, 10
	for i := range rows {
		at := noon.Add(time.Duration(i) * hours * time.Hour / rows)
		put(b, rowAt(at, "user:a"))
		if i%100 == 99 {
			b.store.step(at)
		}
	}
	require.Len(t, s.told, 1)
	require.Contains(t, s.told[0], "no space left")
	require.Positive(t, b.Lost())
	count := func() (n int64) {
		damaged, err := ReadDir(s.dir, time.Time{}, time.Time{}, func(*Row) { n++ })
		require.NoError(t, err)
		require.Zero(t, damaged)
		return n
	}
	require.Equal(t, rows-b.Lost(), count())
	require.EqualValues(t, rows, requests(t, b, Question{By: ByHour})["2026-11-30T12:00:00Z"]*hours)

	names, err := segments(s.dir)
	require.NoError(t, err)
	require.NoError(t, os.Remove(filepath.Join(s.dir, names[0])))
	before := count()
	put(b, rowAt(noon.Add(hours*time.Hour), "user:a"))
	b.store.step(noon.Add(hours * time.Hour))
	require.Equal(t, before+1, count())
	for minute := range 10 {
		at := noon.Add(hours*time.Hour + time.Duration(minute)*time.Minute)
		put(b, rowAt(at, "user:a"))
		b.store.step(at)
	}
	require.Equal(t, "", s.told[1])
	require.Len(t, s.told, 2)
}
