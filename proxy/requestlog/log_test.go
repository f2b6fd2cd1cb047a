package requestlog_test

import (
	"context"
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/steelyard-proxy/steelyard/proxy/requestlog"
)

const requestColumns = "time,upstream,endpoint,model,prompt_bytes,max_tokens,stream,status,class,queue_s,first_byte_s,service_s,capacity,slots,work"

// requestLog is a request log under test, and what it says and drops.
type requestLog struct {
	*requestlog.Log
	path    string
	dropped atomic.Int64
	logged  *observer.ObservedLogs
}

func open(t *testing.T, o requestlog.Options) *requestLog {
	t.Helper()
	core, logged := observer.New(zapcore.DebugLevel)
	l := &requestLog{path: o.Path, logged: logged}
	o.Log, o.Dropped = zap.New(core), func() { l.dropped.Add(1) }
	var err error
	l.Log, err = requestlog.Open(o)
	require.NoError(t, err)
	return l
}

// end writes what waits, as at the process's end.
func (l *requestLog) end(t *testing.T) {
	t.Helper()
	ended, end := context.WithCancel(context.Background())
	end()
	require.NoError(t, l.Run(ended))
}

// write writes rows from..to-1, each known by its prompt's length.
func (l *requestLog) write(from, to int) {
	for i := from; i < to; i++ {
		l.Write(requestlog.Row{Upstream: "chat", Endpoint: "a", Class: "answered", Status: 200, PromptBytes: i})
	}
}

// rowsOf are the rows of a file below its header, by column.
func rowsOf(t *testing.T, path string) (rows []map[string]string) {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(string(text), requestColumns+"\n"), "the header stands at the top of %s", path)
	require.Equal(t, 1, strings.Count(string(text), requestColumns), "and nowhere else")
	lines, err := csv.NewReader(strings.NewReader(string(text))).ReadAll()
	require.NoError(t, err)
	require.Equal(t, len(lines), strings.Count(string(text), "\n"), "one line for each row")
	for _, line := range lines[1:] {
		row := map[string]string{}
		for i, name := range lines[0] {
			row[name] = line[i]
		}
		rows = append(rows, row)
	}
	return rows
}

// requireRows says that files hold the rows from..to-1 one after the other.
func requireRows(t *testing.T, from, to int, paths ...string) {
	t.Helper()
	for _, path := range paths {
		for _, row := range rowsOf(t, path) {
			require.Equal(t, strconv.Itoa(from), row["prompt_bytes"], path)
			from++
		}
	}
	require.Equal(t, to, from)
}

func TestRequestRow(t *testing.T) {
	l := open(t, requestlog.Options{Path: filepath.Join(t.TempDir(), "requests.csv")})
	arrived := time.Now()
	l.Write(requestlog.Row{
		Arrived: arrived, Upstream: "chat", Endpoint: "gpu-1", Model: "meta-llama/Llama-3", Class: "answered", Status: 200, Stream: true,
		MaxTokens: 256, PromptBytes: 1234, Queue: 1500 * time.Microsecond, FirstByte: 20 * time.Millisecond, Service: 2 * time.Second,
		Capacity: 0.1, Slots: 8, Work: 12.75,
	})
	l.end(t)
	require.Equal(t, []map[string]string{{
		"time":     arrived.UTC().Format("2006-01-02T15:04:05.000000Z"),
		"upstream": "chat", "endpoint": "gpu-1", "model": "meta-llama/Llama-3", "prompt_bytes": "1234", "max_tokens": "256",
		"stream": "true", "status": "200", "class": "answered", "queue_s": "0.001500", "first_byte_s": "0.020000",
		"service_s": "2.000000", "capacity": "0.1", "slots": "8", "work": "12.75",
	}}, rowsOf(t, l.path))
	info, err := os.Stat(l.path)
	require.NoError(t, err)
	require.Zero(t, info.Mode().Perm()&0o007, "it is not for everybody")
	require.Zero(t, l.logged.Len())
}

// Rows that come one by one are written within a second, and many at once sooner.
func TestRequestRowsAreWrittenSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := open(t, requestlog.Options{Path: filepath.Join(t.TempDir(), "requests.csv")})
		ctx, end := context.WithCancel(context.Background())
		run := make(chan error, 1)
		go func() { run <- l.Run(ctx) }()
		written := 0
		for _, rows := range []int{1, 2, 2048, 1} {
			l.write(written, written+rows)
			written += rows
			if rows < 2048 {
				time.Sleep(time.Second)
			}
			synctest.Wait()
			requireRows(t, 0, written, l.path)
		}
		end()
		require.NoError(t, <-run)
	})
}

// Many requests end at once while rows are written and files are full: every row is written once, or counted.
func TestRequestLogUnderLoad(t *testing.T) {
	const writers, each = 8, 3000
	folder := t.TempDir()
	l := open(t, requestlog.Options{Path: filepath.Join(folder, "requests.csv"), MaxBytes: 100 << 10, Keep: 1000})
	ctx, end := context.WithCancel(context.Background())
	var run, clients sync.WaitGroup
	run.Go(func() { require.NoError(t, l.Run(ctx)) })
	for w := range writers {
		clients.Go(func() {
			model := fmt.Sprintf("model-%d", w)
			for i := range each {
				l.Write(requestlog.Row{Upstream: "chat", Model: model, PromptBytes: w*each + i})
			}
		})
	}
	clients.Wait()
	end()
	run.Wait()
	seen := map[int]bool{}
	files, err := filepath.Glob(filepath.Join(folder, "*"))
	require.NoError(t, err)
	for _, path := range files {
		for _, row := range rowsOf(t, path) {
			id, err := strconv.Atoi(row["prompt_bytes"])
			require.NoError(t, err)
			require.False(t, seen[id], "row %d is there once", id)
			seen[id] = true
			require.Equal(t, fmt.Sprintf("model-%d", id/each), row["model"])
		}
	}
	require.Equal(t, writers*each, len(seen)+int(l.dropped.Load()))
	require.Zero(t, l.logged.Len())
}

// A log that is not written drops rows beyond its bound, and waits for nobody.
func TestFullRequestLogDropsRows(t *testing.T) {
	l := open(t, requestlog.Options{Path: filepath.Join(t.TempDir(), "requests.csv")})
	l.write(0, 5000)
	require.EqualValues(t, 5000-4096, l.dropped.Load())
	l.end(t)
	requireRows(t, 0, 4096, l.path)
	l.write(4096, 4100)
	require.EqualValues(t, 5000-4096+4, l.dropped.Load(), "after the end as well")
}

// Clients choose the model's name: whatever it is, it is one cell, and no formula.
func TestRequestCells(t *testing.T) {
	for name, want := range map[string]string{
		"a,b": "a,b", `a"b`: `a"b`, "a b ": "a b ", "": "", "名前": "名前",
		"=HYPERLINK(\"http://x\")": "'=HYPERLINK(\"http://x\")", "+1": "'+1", "-1": "'-1", "@cf/meta/llama": "'@cf/meta/llama",
		" =1": "' =1", "'a": "''a", "a'=": "a'=", "＝1": "'＝1",
		"a\r\nb,c\n": "a\uFFFD\uFFFDb,c\uFFFD", "\t=1": "\uFFFD=1", "\x00\x1b[31m\x7f": "\uFFFD\uFFFD[31m\uFFFD", "a\u2028b": "a\uFFFDb",
		"a\xffb": "a\uFFFDb", "\"\n\"": "\"\uFFFD\"",
	} {
		l := open(t, requestlog.Options{Path: filepath.Join(t.TempDir(), "requests.csv")})
		l.Write(requestlog.Row{Upstream: name, Model: name, Work: 1})
		l.end(t)
		rows := rowsOf(t, l.path)
		require.Len(t, rows, 1)
		require.Equal(t, want, rows[0]["model"])
		require.Equal(t, "1", rows[0]["work"])
		require.Equal(t, want, rows[0]["upstream"])
	}
}
