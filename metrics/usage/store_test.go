package usage

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

var noon = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

// shelf is a folder, and books in it with what they have said.
type shelf struct {
	t     *testing.T
	dir   string
	told  []string
	notes []string
	days  int
	most  int64
}

func newShelf(t *testing.T) *shelf {
	return &shelf{t: t, dir: filepath.Join(t.TempDir(), "usage"), days: 30, most: 1 << 30}
}

func (s *shelf) open() *Book {
	return Open(Options{
		Dir: s.dir, Days: s.days, MaxBytes: s.most,
		Told: func(cause string, _ int64) { s.told = append(s.told, cause) },
		Note: func(text string) { s.notes = append(s.notes, text) },
	})
}

// rowAt is a row that ends at a moment.
func rowAt(at time.Time, user UserID) *Row {
	r := fullRow(1)
	r.User, r.Failure, r.Retry, r.Response, r.At = user, "", 0, time.Second, at.Add(-time.Second)
	return &r
}

// put adds one row.
func put(b *Book, r *Row) { b.Add([]Row{*r}) }

func requests(t *testing.T, b *Book, q Question) map[string]uint64 {
	t.Helper()
	q.Now = noon
	report, err := b.Report(q)
	require.NoError(t, err)
	got := map[string]uint64{}
	for _, l := range report.Lines {
		got[l.Key] = l.Requests
	}
	return got
}

// TestABookIsReadAgain: what was saved and what came after it are there at the next start, once.
func TestABookIsReadAgain(t *testing.T) {
	s := newShelf(t)
	b := s.open()
	for range 10 {
		put(b, rowAt(noon, "user:a"))
	}
	b.store.step(noon) // writes and saves
	for range 5 {
		put(b, rowAt(noon.Add(time.Second), "user:b"))
	}
	b.store.step(noon.Add(time.Second)) // writes
	b.store.close()

	again := s.open()
	again.store.step(noon.Add(2 * time.Second))
	require.Equal(t, map[string]uint64{"user:a": 10, "user:b": 5}, requests(t, again, Question{By: ByUser}))
	require.NoError(t, os.WriteFile(filepath.Join(s.dir, sumsFile), []byte("rubbish"), 0o600))
	third := s.open()
	third.store.step(noon.Add(2 * time.Second))
	require.Equal(t, map[string]uint64{"user:a": 10, "user:b": 5}, requests(t, third, Question{By: ByUser}))
	require.Len(t, s.notes, 1)
	require.Contains(t, s.notes[0], "read again")
	require.Empty(t, s.told)
}

// TestTwoProcesses write to one folder, as during an upgrade: nothing is damaged, and the new one counts the rows of the old one too.
func TestTwoProcesses(t *testing.T) {
	s := newShelf(t)
	old := s.open()
	put(old, rowAt(noon, "user:a"))
	old.store.step(noon)
	fresh := s.open()
	old.Own(false)
	for i := range 100 {
		at := noon.Add(time.Duration(i) * time.Second)
		put(old, rowAt(at, "user:old"))
		put(fresh, rowAt(at, "user:new"))
		old.store.step(at)
		fresh.store.step(at)
	}
	fresh.store.step(noon.Add(10 * time.Minute))
	want := map[string]uint64{"user:a": 1, "user:old": 100, "user:new": 100}
	require.Equal(t, want, requests(t, fresh, Question{By: ByUser}))
	last := s.open()
	last.store.step(noon.Add(11 * time.Minute))
	require.Equal(t, want, requests(t, last, Question{By: ByUser}))
	require.Empty(t, s.notes)
}

// TestOldFilesAreDropped whole: by age, and the oldest where all take too much.
func TestOldFilesAreDropped(t *testing.T) {
	s := newShelf(t)
	s.days = 2
	b := s.open()
	for hour := range 100 {
		at := noon.Add(time.Duration(hour) * time.Hour)
		put(b, rowAt(at, "user:a"))
		b.store.step(at)
	}
	names, err := segments(s.dir)
	require.NoError(t, err)
	require.Len(t, names, 50, "two days, and the hour under way at both ends")

	left := filepath.Join(s.dir, ".sums.1234")
	require.NoError(t, os.WriteFile(left, nil, 0o600))
	require.NoError(t, os.Chtimes(left, noon, noon))
	b.options.MaxBytes = 10 * leastTaken
	b.store.retain(noon.Add(100 * time.Hour))
	names, err = segments(s.dir)
	require.NoError(t, err)
	require.Less(t, len(names), 10)
	require.NoFileExists(t, left)
	first, _ := hourOf(names[len(names)-1])
	require.Equal(t, noon.Add(99*time.Hour), first, "the newest stay")
}

// TestAFolderThatCannotBeWritten is told of once, costs rows on the disk but none in memory, and is told of when it can be written again.
func TestAFolderThatCannotBeWritten(t *testing.T) {
	s := newShelf(t)
	require.NoError(t, os.WriteFile(s.dir, nil, 0o600)) // no folder
	b := s.open()
	for i := range 3 {
		put(b, rowAt(noon, "user:a"))
		b.store.step(noon.Add(time.Duration(i) * time.Second))
	}
	require.Len(t, s.told, 1)
	require.NotEmpty(t, s.told[0])
	require.EqualValues(t, 3, b.Lost())
	require.Equal(t, map[string]uint64{"user:a": 3}, requests(t, b, Question{By: ByUser}))
	require.NoError(t, os.Remove(s.dir))
	put(b, rowAt(noon, "user:a"))
	b.store.step(noon.Add(4 * time.Second))
	require.Len(t, s.told, 1, "it may not last")
	put(b, rowAt(noon, "user:a"))
	b.store.step(noon.Add(2 * time.Minute))
	require.Len(t, s.told, 1, "what adds up was not saved yet")
	put(b, rowAt(noon, "user:a"))
	b.store.step(noon.Add(10 * time.Minute))
	put(b, rowAt(noon, "user:a"))
	b.store.step(noon.Add(12 * time.Minute))
	require.Len(t, s.told, 2)
	require.Empty(t, s.told[1])
	require.EqualValues(t, 3, b.Lost())
}

// TestASlowDisk costs rows, never memory without end.
func TestASlowDisk(t *testing.T) {
	s := newShelf(t)
	b := s.open()
	const rows = 60_000
	for range rows {
		put(b, rowAt(noon, "user:a"))
	}
	require.Len(t, s.told, 1)
	require.Positive(t, b.Lost())
	require.LessOrEqual(t, len(b.store.waiting), mostUnsynced)
	b.store.step(noon)
	require.Equal(t, "", s.told[1])
	written := 0
	_, err := ReadDir(s.dir, time.Time{}, time.Time{}, func(*Row) { written++ })
	require.NoError(t, err)
	require.EqualValues(t, rows-b.Lost(), written)
}

// TestAUserIsForgotten in memory, in what is saved and in all files; its requests still count.
func TestAUserIsForgotten(t *testing.T) {
	s := newShelf(t)
	b := s.open()
	for i := range 30 {
		at := noon.Add(time.Duration(i) * 10 * time.Minute)
		put(b, rowAt(at, "user:alice"))
		put(b, rowAt(at, "user:bob"))
		b.store.step(at)
	}
	put(b, rowAt(noon, "user:alice")) // not written yet
	rows, known, err := b.Forget("user:alice")
	require.NoError(t, err)
	require.True(t, known)
	require.Equal(t, 31, rows)
	entries, err := os.ReadDir(s.dir)
	require.NoError(t, err)
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(s.dir, e.Name()))
		require.NoError(t, err)
		require.NotContains(t, string(text), "alice", e.Name())
	}
	require.NoError(t, os.Remove(filepath.Join(s.dir, sumsFile)))
	again := s.open()
	again.store.step(noon.Add(6 * time.Hour))
	require.Equal(t, map[string]uint64{"user:bob": 30}, requests(t, again, Question{By: ByUser}))
	require.Equal(t, map[string]uint64{"chat": 61}, requests(t, again, Question{By: ByUpstream}))
	rows, known, err = again.Forget("user:alice")
	require.NoError(t, err)
	require.False(t, known)
	require.Zero(t, rows)
	require.Empty(t, s.notes)
}

// TestAnotherVersion of a file is moved aside.
func TestAnotherVersion(t *testing.T) {
	s := newShelf(t)
	require.NoError(t, os.Mkdir(s.dir, 0o700))
	name := segmentName(noon, "1-x-1")
	require.NoError(t, os.WriteFile(filepath.Join(s.dir, name), []byte(magicName+"9\nsomething"), 0o600))
	b := s.open()
	b.store.step(noon)
	require.Len(t, s.notes, 1)
	require.Contains(t, s.notes[0], "moved aside")
	require.FileExists(t, filepath.Join(s.dir, name+asideSuffix))
	b.store.step(noon.Add(time.Hour))
	require.Len(t, s.notes, 1)
}

// TestQuestions about a time are answered exactly, from the files.
func TestQuestions(t *testing.T) {
	s := newShelf(t)
	b := s.open()
	for hour := range 5 {
		for range hour + 1 {
			put(b, rowAt(noon.Add(time.Duration(hour)*time.Hour), UserID(fmt.Sprintf("user:%d", hour))))
		}
		b.store.step(noon.Add(time.Duration(hour) * time.Hour))
	}
	q := Question{By: ByUser, From: noon.Add(time.Hour), To: noon.Add(3 * time.Hour)}
	require.Equal(t, map[string]uint64{"user:1": 2, "user:2": 3}, requests(t, b, q))
	q.By = ByModel
	require.Equal(t, map[string]uint64{"meta-llama/Llama-3.1-8B": 5}, requests(t, b, q))
	require.Equal(t, map[string]uint64{
		"2026-11-30T12:00:00Z": 1, "2026-11-30T13:00:00Z": 2, "2026-11-30T14:00:00Z": 3, "2026-11-30T15:00:00Z": 4, "2026-11-30T16:00:00Z": 5,
	}, requests(t, b, Question{By: ByHour}))
	require.Equal(t, map[string]uint64{"user:4": 5}, requests(t, b, Question{By: ByUser, Most: 1}))
	offline, err := Scan(s.dir, q)
	require.NoError(t, err)
	require.EqualValues(t, 5, offline.Lines[0].Requests)

	var text strings.Builder
	offline.Lines[0].Name = "=cmd|' /C calc'!A0\n"
	require.NoError(t, offline.CSV(&text))
	cells, err := csv.NewReader(strings.NewReader(text.String())).ReadAll()
	require.NoError(t, err)
	require.Len(t, cells, 2)
	require.Equal(t, "'=cmd|' /C calc'!A0 ", cells[1][1])
}

// TestTheClockMayJump: rows keep their wall time, and nothing is lost.
func TestTheClockMayJump(t *testing.T) {
	b := Open(Options{})
	for _, at := range []time.Time{noon, noon.AddDate(10, 0, 0), noon.Add(time.Minute), noon.Add(-time.Hour), time.Unix(0, 0), noon.Add(2 * time.Minute)} {
		put(b, rowAt(at, "user:a"))
	}
	sum := uint64(0)
	for _, n := range requests(t, b, Question{By: ByHour}) {
		sum += n
	}
	require.EqualValues(t, 6, sum)
	require.LessOrEqual(t, len(b.panes), panesKept+1)
}

// TestTheSecret is one for the installation, and nobody else may read it.
// TestASecretIsNeverHalfWritten: one that is too short would give users other names at each start, until somebody removes it.
func TestASecretIsNeverHalfWritten(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "usage")
	fresh := func() []byte { return []byte("0123456789abcdef0123") }
	var old unix.Rlimit
	require.NoError(t, unix.Getrlimit(unix.RLIMIT_FSIZE, &old))
	signal.Ignore(unix.SIGXFSZ)
	defer signal.Reset(unix.SIGXFSZ)
	require.NoError(t, unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: 3, Max: old.Max})) // as on a full disk
	_, err := Secret(dir, fresh)
	require.NoError(t, unix.Setrlimit(unix.RLIMIT_FSIZE, &old))
	require.Error(t, err)
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, left)
	_, err = Secret(dir, fresh)
	require.NoError(t, err)

	pipe := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, unix.Mkfifo(pipe, 0o600))
	_, err = Secret(filepath.Dir(pipe), fresh)
	require.ErrorContains(t, err, "is no file")
}

// TestNothingIsAListToo: whoever reads the answer finds lists and times where nobody has asked yet.
func TestNothingIsAListToo(t *testing.T) {
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	report, err := Open(Options{}).Report(Question{By: ByUser, Now: now})
	require.NoError(t, err)
	require.Equal(t, []time.Time{now, now}, []time.Time{report.From, report.To})
	text, err := json.Marshal(report)
	require.NoError(t, err)
	require.NotContains(t, string(text), "null")
}

func TestTheSecret(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "usage")
	fresh := func() []byte { return []byte("0123456789abcdef0123") }
	first, err := Secret(dir, fresh)
	require.NoError(t, err)
	again, err := Secret(dir, func() []byte { return []byte("another one, made later") })
	require.NoError(t, err)
	require.Equal(t, first, again)
	info, err := os.Stat(filepath.Join(dir, "secret"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	require.NoError(t, os.WriteFile(filepath.Join(dir, "secret"), []byte("x"), 0o600))
	_, err = Secret(dir, fresh)
	require.ErrorContains(t, err, "remove it")
	_, err = Secret("", fresh)
	require.NoError(t, err)
}

// BenchmarkBook is what a row costs off the request path.
func BenchmarkBook(b *testing.B) {
	for _, dir := range []string{"", "files"} {
		b.Run("dir="+dir, func(b *testing.B) {
			o := Options{Days: 1, MaxBytes: 1 << 30}
			if dir != "" {
				o.Dir = b.TempDir()
			}
			book := Open(o)
			var rows []Row
			zipfRows(10_000, 1000, func(r *Row) { rows = append(rows, *r) })
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				put(book, &rows[i%len(rows)])
				if book.store != nil && i%10_000 == 0 {
					book.store.waiting, book.store.waitingRows = book.store.waiting[:0], 0
				}
			}
		})
	}
}
