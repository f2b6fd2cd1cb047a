package requestlog_test

import (
	"math"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/proxy/requestlog"
)

// A full file makes place for the next, and each can be read by itself.
func TestRequestLogRotates(t *testing.T) {
	path := filepath.Join(t.TempDir(), "requests.csv")
	o := requestlog.Options{Path: path, MaxBytes: 1000, Keep: 3}
	l := open(t, o)
	l.write(0, 100)
	l.end(t)
	names := []string{path + ".3", path + ".2", path + ".1", path}
	kept := 0
	for _, name := range names {
		info, err := os.Stat(name)
		require.NoError(t, err)
		require.LessOrEqual(t, info.Size(), int64(1000))
		kept += len(rowsOf(t, name))
	}
	require.Greater(t, kept, 4, "more than one row in each")
	requireRows(t, 100-kept, 100, names...)
	require.NoFileExists(t, path+".4")

	l = open(t, o) // full files are moved on after a restart, too
	l.write(100, 130)
	l.end(t)
	all := 0
	for _, name := range names {
		all += len(rowsOf(t, name))
	}
	requireRows(t, 130-all, 130, names...)
}

// A row longer than a file may be gets a file of its own.
func TestRequestLogOfTinyFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "requests.csv")
	l := open(t, requestlog.Options{Path: path, MaxBytes: 1})
	l.write(0, 4)
	l.end(t)
	requireRows(t, 0, 4, path+".3", path+".2", path+".1", path)
}

func TestRequestLogAppendsAfterRestart(t *testing.T) {
	const unfinished = `2026-01-02T15:04:05.000000Z,chat,a,"half a na`
	for what, end := range map[string]string{"clean": "", "torn": unfinished, "torn far back": unfinished + strings.Repeat("x", 10000)} {
		path := filepath.Join(t.TempDir(), "requests.csv")
		for start := range 3 {
			l := open(t, requestlog.Options{Path: path})
			l.write(start*10, start*10+10)
			l.end(t)
			require.Zero(t, l.logged.Len(), what)
			text, err := os.ReadFile(path)
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(path, append(text, end...), 0o640))
		}
		l := open(t, requestlog.Options{Path: path})
		l.end(t)
		requireRows(t, 0, 30, path)
	}
}

// A header that a crash cut off is written again; there is nothing else in such a file.
func TestRequestLogWithHalfAHeader(t *testing.T) {
	path := filepath.Join(t.TempDir(), "requests.csv")
	for _, begin := range []string{"", "time,ups", requestColumns} {
		require.NoError(t, os.WriteFile(path, []byte(begin), 0o640))
		l := open(t, requestlog.Options{Path: path})
		l.write(0, 2)
		l.end(t)
		requireRows(t, 0, 2, path)
	}
}

// What somebody else has written is kept, beside.
func TestRequestLogMovesOthersAside(t *testing.T) {
	path := filepath.Join(t.TempDir(), "requests.csv")
	for i, text := range []string{"time,other\n1,2\n", "not a table", requestColumns + ",more\n"} {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o640))
		l := open(t, requestlog.Options{Path: path})
		l.write(0, 2)
		l.end(t)
		requireRows(t, 0, 2, path)
		aside := path + ".aside." + string(rune('1'+i))
		kept, err := os.ReadFile(aside)
		require.NoError(t, err)
		require.Equal(t, text, string(kept))
		require.Equal(t, 1, l.logged.Len())
		require.Equal(t, aside, l.logged.All()[0].ContextMap()["to"])
	}
}

// While a process is replaced there are two that write, and both may find the file full.
func TestTwoRequestLogsOnOneFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "requests.csv")
	o := requestlog.Options{Path: path, MaxBytes: 1000, Keep: 100}
	old, next := open(t, o), open(t, o)
	old.write(0, 50)
	next.write(50, 100)
	old.end(t)
	next.end(t)
	files, err := filepath.Glob(path + "*")
	require.NoError(t, err)
	rows := 0
	for _, file := range files {
		rows += len(rowsOf(t, file))
	}
	require.Equal(t, 100, rows)
	require.Zero(t, old.dropped.Load()+next.dropped.Load())
}

// A file that was moved or removed is made again, whoever did that.
func TestRequestLogFollowsItsPath(t *testing.T) {
	path := filepath.Join(t.TempDir(), "requests.csv")
	moved := open(t, requestlog.Options{Path: path})
	require.NoError(t, os.Rename(path, path+".moved"))
	moved.write(0, 3)
	moved.end(t)
	requireRows(t, 0, 3, path)
	removed := open(t, requestlog.Options{Path: path})
	require.NoError(t, os.Remove(path))
	removed.write(0, 3)
	removed.end(t)
	requireRows(t, 0, 3, path)
}

// A symbolic link stays: what it leads to is rotated, or moved aside, in its own folder.
func TestRequestLogKeepsALink(t *testing.T) {
	folder := t.TempDir()
	link, path := filepath.Join(t.TempDir(), "link"), filepath.Join(folder, "requests.csv")
	require.NoError(t, os.Symlink(path, link))
	require.NoError(t, os.WriteFile(path, []byte("other,columns\n"), 0o600))
	l := open(t, requestlog.Options{Path: link, MaxBytes: 1000})
	l.write(0, 50)
	l.end(t)
	to, err := os.Readlink(link)
	require.NoError(t, err)
	require.Equal(t, path, to)
	for _, name := range []string{path, path + ".1", path + ".aside.1"} {
		require.FileExists(t, name)
	}
	files, err := os.ReadDir(filepath.Dir(link))
	require.NoError(t, err)
	require.Len(t, files, 1)
}

// A disk that takes nothing costs rows, which are counted, and one line of the log.
func TestRequestLogOnFullDisk(t *testing.T) {
	const full = "/dev/full"
	if _, err := os.Stat(full); err != nil {
		t.Skip("this system has no device that is always full")
	}
	path := filepath.Join(t.TempDir(), "requests.csv")
	require.NoError(t, os.Symlink(full, path))
	l := open(t, requestlog.Options{Path: path, MaxBytes: 1000})
	l.write(0, 50)
	l.end(t)
	require.EqualValues(t, 50, l.dropped.Load())
	require.Equal(t, 1, l.logged.Len())
	require.Contains(t, l.logged.All()[0].ContextMap()["error"], "no space left")
}

// The rows that a disk still takes are kept, the one that it takes half of is
// not, and it goes on where there is room again.
func TestRequestLogOnDiskThatFillsUp(t *testing.T) {
	path := filepath.Join(t.TempDir(), "requests.csv")
	l := open(t, requestlog.Options{Path: path})
	var before syscall.Rlimit
	require.NoError(t, syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before))
	signal.Ignore(syscall.SIGXFSZ)
	defer signal.Reset(syscall.SIGXFSZ)
	l.write(0, 50)
	limit := before
	limit.Cur = 2030 // bytes: in the middle of a row
	require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit))
	requestlog.WriteRows(l.Log)
	l.write(50, 60)
	requestlog.WriteRows(l.Log)
	require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &before))
	lost := int(l.dropped.Load())
	require.Equal(t, 1, l.logged.Len(), "said once")
	l.write(60, 70)
	l.end(t)
	rows := rowsOf(t, path)
	kept := len(rows) - 10
	require.Greater(t, kept, 10)
	require.Equal(t, 60-kept, lost)
	require.Equal(t, "60", rows[kept]["prompt_bytes"])
	require.Equal(t, 2, l.logged.Len())
	require.EqualValues(t, lost, l.logged.All()[1].ContextMap()["dropped"])
}

// A folder that is not there any more is no reason to stop.
func TestRequestLogWithoutItsFolder(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "logs")
	require.NoError(t, os.Mkdir(folder, 0o750))
	l := open(t, requestlog.Options{Path: filepath.Join(folder, "requests.csv")})
	require.NoError(t, os.RemoveAll(folder))
	l.write(0, 5)
	l.end(t)
	require.EqualValues(t, 5, l.dropped.Load())
	require.Equal(t, 1, l.logged.Len())
}

func TestRequestLogsThatCannotBeOpened(t *testing.T) {
	folder := t.TempDir()
	pipe := filepath.Join(folder, "pipe")
	require.NoError(t, syscall.Mkfifo(pipe, 0o600))
	for path, want := range map[string]string{
		folder:                            "is no file",
		pipe:                              "is no file",
		filepath.Join(folder, "no", "it"): "make its folder first",
		"":                                "no such file",
	} {
		_, err := requestlog.Open(requestlog.Options{Path: path})
		require.ErrorContains(t, err, want)
	}
}

// A request pays for its row with a copy: no memory, whatever becomes of the row.
func TestRequestLogAllocatesNothing(t *testing.T) {
	l := open(t, requestlog.Options{Path: filepath.Join(t.TempDir(), "requests.csv")})
	r := requestlog.Row{Upstream: "chat", Endpoint: "a", Model: "meta-llama/Llama-3", Class: "answered", Work: math.Inf(1)}
	require.Zero(t, testing.AllocsPerRun(3000, func() { l.Write(r) }))
	l.end(t)
	rows := rowsOf(t, l.path)
	require.Len(t, rows, 3001)
	require.Equal(t, "0", rows[0]["work"], "what is no number is not known")
	require.Zero(t, testing.AllocsPerRun(100, func() { l.Write(r) }), "when it is dropped as well")
}
