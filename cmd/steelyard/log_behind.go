// Writing log lines behind the requests, so that no reader can hold them up.

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
	// atOnce is how many bytes of waiting access lines are written together: a pipe with several
	// writers takes up to so many in one piece (PIPE_BUF).
	atOnce = 4096
	// lossEvery is the least time between two lines about lost lines.
	lossEvery = time.Second
)

// losses counts lines that were lost.
type losses interface {
	LogLinesDropped(n int)
	AccessLogLinesDropped(n int)
}

// writeBehind writes the lines of both logs on a goroutine of its own. A reader of standard
// error that stalls or has gone must stop neither requests nor the end of the process: lines
// that do not fit or cannot be written are lost and counted, and the next line is tried again.
type writeBehind struct {
	log, access queue
	out         io.Writer

	// Only write uses these.
	encoder zapcore.Encoder // for its own lines
	chunk   []byte          // what is being written
	torn    bool            // the last write ended within a line
	failure error           // of the last write that failed since the last report
	told    time.Time       // when losses were reported last
}

// queue holds the waiting lines of one log.
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

// Write queues a copy of a line, or counts it as lost. It never fails.
func (q *queue) Write(line []byte) (int, error) {
	select {
	case q.lines <- bytes.Clone(line):
	default:
		q.lose(1)
	}
	return len(line), nil
}

// Sync does nothing: the end of run waits for the lines.
func (q *queue) Sync() error { return nil }

func (q *queue) lose(lines int) {
	q.lost.Add(int64(lines))
	q.count(lines)
}

// run writes until the returned function is called, which gives waiting lines a last chance
// but never waits longer than syncTime.
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

// write writes until ctx ends, and then the lines that still wait. The log goes before the
// access log, since it says what is wrong.
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

// writeWaiting writes one piece of the waiting lines, or returns false if there are none.
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

// putTogether writes a line of the access log together with those that wait behind it.
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

// send writes lines, beginning on a new line even if the write before was cut short.
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

// report logs how many lines were lost, once lines can be written again.
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
	if err != nil { // it is reported later
		w.log.lost.Add(lines)
		w.access.lost.Add(access)
		return
	}
	w.failure, w.told = nil, now
}
