package main

import (
	"bytes"
	"context"
	"io"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

const (
	// waitingLines is how many lines of each log may wait to be written.
	waitingLines = 4096
	// syncTime is how long an output that nobody reads may hold up the end of the process.
	syncTime = time.Second
	// atOnce is how many bytes of waiting access lines are written together: a pipe that
	// others write to as well takes so many whole (PIPE_BUF).
	atOnce = 4096
	// lossEvery is the least time between two lines about lost lines.
	lossEvery = time.Second
)

// losses counts lines that nobody will read.
type losses interface {
	LogLinesDropped(n int)
	AccessLogLinesDropped(n int)
}

// writeBehind writes the lines of both logs on a goroutine of its own. A reader of standard
// error that stands still must not stop requests or the end of the process, and one that has
// gone must not either: lines that do not fit or cannot be written are lost and counted, and
// the next line is tried again.
type writeBehind struct {
	log, access queue
	out         io.Writer

	// Run's alone.
	encoder zapcore.Encoder // of its own words
	chunk   []byte          // what is being written
	torn    bool            // the last write ended within a line
	failure error           // of the last write that failed since the last report
	told    time.Time       // when losses were reported last
}

// queue holds the lines of one log that wait.
type queue struct {
	lines chan []byte
	count func(n int)
	lost  atomic.Int64 // lines since the last report; added to by Write and Run
}

func newWriteBehind(out io.Writer, encoder zapcore.Encoder, count losses) *writeBehind {
	return &writeBehind{
		log:    queue{lines: make(chan []byte, waitingLines), count: count.LogLinesDropped},
		access: queue{lines: make(chan []byte, waitingLines), count: count.AccessLogLinesDropped},
		out:    out, encoder: encoder,
	}
}

// Write takes a copy of a line, whatever becomes of it.
func (q *queue) Write(line []byte) (int, error) {
	select {
	case q.lines <- bytes.Clone(line):
	default:
		q.lose(1)
	}
	return len(line), nil
}

// Sync does nothing: the end of Run is when lines are waited for.
func (q *queue) Sync() error { return nil }

func (q *queue) lose(lines int) {
	q.lost.Add(int64(lines))
	q.count(lines)
}

// run writes until the returned function is called, which gives what still waits a last
// chance, and ends in any case.
func (w *writeBehind) run() (end func()) {
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		w.write(ctx)
	}()
	return func() {
		stop()
		select {
		case <-ended:
		case <-time.After(syncTime):
		}
	}
}

// write writes until ctx ends, and then what still waits. The log goes first, as it says what
// is wrong; the access log is many lines that are alike.
func (w *writeBehind) write(ctx context.Context) {
	for {
		if w.writeWaiting() {
			continue
		}
		select {
		case line := <-w.log.lines:
			w.put(&w.log, line)
		case line := <-w.access.lines:
			w.putTogether(line)
		case <-ctx.Done():
			for w.writeWaiting() {
			}
			w.report(time.Now())
			return
		}
	}
}

// writeWaiting writes one piece of what waits, or says that nothing does.
func (w *writeBehind) writeWaiting() bool {
	select {
	case line := <-w.log.lines:
		w.put(&w.log, line)
		return true
	default:
	}
	select {
	case line := <-w.access.lines:
		w.putTogether(line)
		return true
	default:
		return false
	}
}

// putTogether writes a line of the access log with those that wait behind it.
func (w *writeBehind) putTogether(line []byte) {
	chunk := append(w.chunk[:0], line...)
	for len(chunk)+len(line) <= atOnce { // the next is about as long
		select {
		case line = <-w.access.lines:
			chunk = append(chunk, line...)
			continue
		default:
		}
		break
	}
	w.put(&w.access, chunk)
	w.chunk = chunk[:0]
}

// put writes whole lines of a log.
func (w *writeBehind) put(q *queue, lines []byte) {
	n, err := w.send(lines)
	if err != nil {
		w.failure = err
		q.lose(bytes.Count(lines[n:], []byte("\n")))
		return
	}
	if now := time.Now(); now.Sub(w.told) >= lossEvery {
		w.report(now)
	}
}

// send writes lines, on a line of their own even where a write before was cut short.
func (w *writeBehind) send(lines []byte) (n int, err error) {
	if w.torn {
		if _, err := w.out.Write([]byte("\n")); err != nil {
			return 0, err
		}
		w.torn = false
	}
	n, err = w.out.Write(lines)
	w.torn = n > 0 && lines[n-1] != '\n'
	return n, err
}

// report says how many lines were lost, where lines can be written again.
func (w *writeBehind) report(now time.Time) {
	lines, access := w.log.lost.Swap(0), w.access.lost.Swap(0)
	if lines+access == 0 {
		return
	}
	text, err := w.encoder.EncodeEntry(zapcore.Entry{
		Level: zapcore.WarnLevel, Time: now, Message: "log lines were lost: standard error took them too slowly or not at all",
	}, []zap.Field{zap.Int64("lines", lines), zap.Int64("access_lines", access), zap.Error(w.failure)})
	if err == nil {
		_, err = w.send(text.Bytes())
		text.Free()
	}
	if err != nil { // it is told later
		w.log.lost.Add(lines)
		w.access.lost.Add(access)
		return
	}
	w.failure, w.told = nil, now
}
