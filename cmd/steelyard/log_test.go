package main

import (
	"bytes"
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/steelyard-proxy/steelyard/configs"
)

// clogged is an output that nobody reads until it is opened.
type clogged struct {
	open chan struct{}
	once sync.Once
	busy chan struct{} // closed when the first write waits
	got  bytes.Buffer  // written while open
}

func newClogged() *clogged { return &clogged{open: make(chan struct{}), busy: make(chan struct{})} }

func (c *clogged) Write(p []byte) (int, error) {
	c.once.Do(func() { close(c.busy) })
	<-c.open
	return c.got.Write(p)
}

// lossCount counts lost lines.
type lossCount struct{ log, access atomic.Int64 }

func (l *lossCount) LogLinesDropped(n int)       { l.log.Add(int64(n)) }
func (l *lossCount) AccessLogLinesDropped(n int) { l.access.Add(int64(n)) }

// A reader that stands still blocks nobody, whichever log is written; what it lost is counted,
// and said when it goes on.
func TestLogsNeverBlock(t *testing.T) {
	out, lost := newClogged(), &lossCount{}
	log, access, behind := newLogs(configs.Log{Level: "info"}, out, lost)
	end := behind.run()
	log.Info("first")
	<-out.busy
	for range waitingLines + 7 {
		log.Warn("next")
	}
	for range waitingLines + 9 {
		access.Info("request")
	}
	require.EqualValues(t, 7, lost.log.Load())
	require.EqualValues(t, 9, lost.access.Load())
	close(out.open)
	end()
	text := out.got.String()
	require.Equal(t, waitingLines, strings.Count(text, `"msg":"next"`))
	require.Equal(t, waitingLines, strings.Count(text, `"msg":"request"`))
	require.Contains(t, text, `"msg":"log lines were lost: standard error took them too slowly or not at all","lines":7,"access_lines":9}`)
}

// The end of the process waits for a reader that stands still, but not for ever.
func TestTheEndOfALogIsBounded(t *testing.T) {
	out := newClogged()
	log, access, behind := newLogs(configs.Log{Level: "info"}, out, &lossCount{})
	end := behind.run()
	access.Info("request")
	<-out.busy
	log.Info("last")
	end()
	require.Empty(t, out.got.String())
	close(out.open)
}

// A write that fails loses what it did not write, and the next one is tried: what is read then is whole lines, and
// how many are missing.
func TestALogThatCannotBeWrittenIsTriedAgain(t *testing.T) {
	out, lost := &broken{after: 25}, &lossCount{}
	log, access, behind := newLogs(configs.Log{Level: "info", Format: "console"}, out, lost)
	log.Info("one, which is cut short")
	log.Info("two")
	access.Info("three")
	access.Info("four")
	ctx, stop := context.WithCancel(t.Context())
	stop()
	behind.write(ctx)
	require.EqualValues(t, 2, lost.log.Load())
	require.EqualValues(t, 2, lost.access.Load())
	out.mended = true
	log.Info("five")
	access.Info("six")
	behind.write(ctx)
	lines := strings.Split(out.got.String(), "\n")
	require.Len(t, lines, 5, "%q", lines) // the last is empty
	require.Len(t, lines[0], 25)
	require.Contains(t, lines[1], "five")
	require.Contains(t, lines[2], `{"lines": 2, "access_lines": 2, "error": "broken pipe"}`)
	require.Contains(t, lines[3], "six")
	require.EqualValues(t, 2, lost.log.Load(), "what is said of losses is none")
}

// broken takes so many bytes and then none, until it is mended.
type broken struct {
	after  int
	mended bool
	got    bytes.Buffer
}

func (b *broken) Write(p []byte) (int, error) {
	if b.mended {
		return b.got.Write(p)
	}
	n := min(len(p), b.after)
	b.after -= n
	b.got.Write(p[:n])
	return n, syscall.EPIPE
}

// The access log is what log.access says, whatever the level of the other lines.
func TestLogFormatsAndLevels(t *testing.T) {
	for format, want := range map[string]string{"json": `"level":"warn"`, "console": "WARN\tseen"} {
		out := newClogged()
		close(out.open)
		log, access, behind := newLogs(configs.Log{Level: "warn", Format: format, Access: true}, out, &lossCount{})
		end := behind.run()
		log.Info("unseen")
		log.Warn("seen", zap.Int("n", 1))
		access.Info("request")
		end()
		require.Contains(t, out.got.String(), want)
		require.NotContains(t, out.got.String(), "unseen")
		require.Contains(t, out.got.String(), "request")
	}
}
