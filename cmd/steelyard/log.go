package main

import (
	"bytes"
	"context"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/steelyard-proxy/steelyard/configs"
)

// newLogs makes the log, which never blocks who logs once behind runs, and the one
// that the access log writes to from a goroutine of its own, which waits for out.
func newLogs(c configs.Log, out zapcore.WriteSyncer) (log, access *zap.Logger, behind *writeBehind) {
	encoding := zap.NewProductionEncoderConfig()
	encoding.EncodeTime = zapcore.RFC3339NanoTimeEncoder
	encoding.EncodeDuration = zapcore.SecondsDurationEncoder
	encoder := zapcore.NewJSONEncoder(encoding)
	if c.Format == "console" {
		encoding.EncodeLevel = zapcore.CapitalLevelEncoder
		encoding.EncodeDuration = zapcore.StringDurationEncoder
		encoder = zapcore.NewConsoleEncoder(encoding)
	}
	level := zapcore.InfoLevel
	_ = level.Set(c.Level) // checked by configs
	out = zapcore.Lock(out)
	access = zap.New(zapcore.NewCore(encoder, out, level))
	behind = &writeBehind{out: out, log: access, lines: make(chan line, waitingLines)}
	return zap.New(zapcore.NewCore(encoder, behind, level)), access, behind
}

const (
	// waitingLines is how many log lines may wait to be written.
	waitingLines = 4096
	// syncTime is how long a log that nobody reads may hold up the end of the process.
	syncTime = time.Second
)

// writeBehind writes what it is given on a goroutine of its own: a reader of the
// log that stands still must not stop requests. Lines beyond those that may wait
// are dropped, and how many is logged.
type writeBehind struct {
	out     zapcore.WriteSyncer
	log     *zap.Logger // writes to out directly
	lines   chan line
	dropped atomic.Int64 // lines since the last report; written by Write and Run
}

// line is one line, or the request to be told when those before it are written.
type line struct {
	text []byte
	done chan struct{} // closed by Run; nil in a line
}

// Write takes a copy of p, whatever becomes of it.
func (w *writeBehind) Write(p []byte) (int, error) {
	select {
	case w.lines <- line{text: bytes.Clone(p)}:
	default:
		w.dropped.Add(1)
	}
	return len(p), nil
}

// Sync waits until all lines so far are written, but not for longer than syncTime.
func (w *writeBehind) Sync() error {
	ctx, cancel := context.WithTimeout(context.Background(), syncTime)
	defer cancel()
	done := make(chan struct{})
	select {
	case w.lines <- line{done: done}:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Run writes until ctx ends.
func (w *writeBehind) Run(ctx context.Context) error {
	for {
		select {
		case l := <-w.lines:
			w.write(l)
		case <-ctx.Done():
			return nil
		}
	}
}

func (w *writeBehind) write(l line) {
	if l.done == nil {
		_, _ = w.out.Write(l.text) // there is nowhere to say that it failed
	}
	if n := w.dropped.Swap(0); n > 0 {
		w.log.Warn("log lines dropped: they came faster than they could be written", zap.Int64("lines", n))
	}
	if l.done != nil {
		close(l.done)
	}
}

// runBehind runs w until the returned function is called, which waits for what has
// been logged.
func runBehind(w *writeBehind) (end func()) {
	ctx, stop := context.WithCancel(context.Background())
	go func() { _ = w.Run(ctx) }()
	return func() {
		_ = w.Sync()
		stop()
	}
}
