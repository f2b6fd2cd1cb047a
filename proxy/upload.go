// Sending a large body while the answer is waited for.

package proxy

import (
	"errors"
	"io"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/steelyard-proxy/steelyard/metrics"
	"github.com/steelyard-proxy/steelyard/proxy/fault"
	"github.com/steelyard-proxy/steelyard/proxy/strict"
	"github.com/steelyard-proxy/steelyard/proxy/wire"
)

// upload carries a body to the endpoint while the exchange's goroutine waits for
// the answer. From its start to its join it alone reads from the client and
// writes to the endpoint.
type upload struct {
	a       *attempt
	chunked bool
	length  int64 // of the whole body; negative if not known
	done    chan struct{}
	last    atomic.Bool // what is being written is the end of the body; set by run
	reading atomic.Bool // it waits for the client to send more; set by run

	mu     sync.Mutex
	failed error         // why the exchange must end with the upload; written by run
	broken bool          // the body did not go out whole; written by run
	ended  time.Duration // when it ended; 0 before; written by run
}

// startUpload sends what is held of the body and then the rest. The caller has
// written the head.
func (a *attempt) startUpload(chunked bool) error {
	x := a.x
	if !x.held.whole {
		if err := x.conn.Continue(); err != nil {
			return clientWriteFault(err)
		}
	}
	a.upload = &upload{a: a, chunked: chunked, length: x.conn.Request.ContentLength, done: make(chan struct{})}
	go a.upload.run()
	return nil
}

func (u *upload) run() {
	defer close(u.done) // the last thing: until then the exchange may not touch what run uses
	err := u.carrySafely()
	if errors.Is(err, wire.ErrTimeout) {
		err = u.fail(fault.New(fault.IdleTimeout, nil))
	}
	u.mu.Lock()
	u.ended, u.broken = wire.Now(), err != nil
	failed := u.failed != nil
	u.mu.Unlock()
	if failed {
		// A body cut short must not look whole: the endpoint's connection ends here.
		// Where the endpoint broke it, an answer may still stand on it.
		u.a.up.Poke()
	}
}

// carrySafely turns a panic into a failure: it costs one request, as it would on
// the exchange's own goroutine.
func (u *upload) carrySafely() (err error) {
	defer func() {
		if r := recover(); r != nil {
			u.a.x.logPanic(r)
			err = u.fail(fault.New(fault.Internal, nil))
		}
	}()
	return u.carry()
}

func (u *upload) carry() error {
	x := u.a.x
	sent := 0
	for piece := range x.held.pieces {
		sent += len(piece)
		u.last.Store(x.held.whole && !u.chunked && sent == x.held.n)
		if err := u.write(piece); err != nil {
			return err
		}
	}
	if !x.held.whole {
		buf := outBuffers.Get()
		defer buf.Release()
		for {
			u.reading.Store(true)
			n, err := x.conn.ReadBody(buf.B)
			u.reading.Store(false)
			if n > 0 {
				x.took(n)
				if int64(x.received) > x.generation.BodyBytes {
					return u.fail(strict.BodyTooLarge)
				}
				u.last.Store(int64(x.received) == u.length)
				if err := u.write(buf.B[:n]); err != nil {
					return err
				}
			}
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return u.fail(err)
			}
		}
	}
	if !u.chunked {
		return nil
	}
	end := append([]byte("0\r\n"), x.conn.Trailer()...)
	u.last.Store(true)
	return u.a.up.WriteAll(append(end, "\r\n"...), x.upstream.Idle)
}

// write sends one piece, as a chunk where the body is chunked.
func (u *upload) write(p []byte) error {
	if len(p) == 0 {
		return nil
	}
	up, stall := u.a.up, u.a.x.upstream.Idle
	u.a.target.Metrics.AddBytes(metrics.ToUpstream, len(p))
	if !u.chunked {
		return up.WriteAll(p, stall)
	}
	var size [20]byte
	head := append(strconv.AppendInt(size[:0], int64(len(p)), 16), "\r\n"...)
	if err := up.WriteAll(head, stall); err != nil {
		return err
	}
	if err := up.WriteAll(p, stall); err != nil {
		return err
	}
	return up.WriteAll([]byte("\r\n"), stall)
}

// fail records why no answer can be expected any longer.
func (u *upload) fail(err error) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.failed = err
	return err
}

// uploadFailure is why the exchange ended with the upload, or over it; nil if it did not.
func (a *attempt) uploadFailure() error {
	u := a.upload
	if u == nil {
		return nil
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.failed == nil && u.reading.Load() {
		return a.x.unread(nil)
	}
	return u.failed
}

// finished says whether the whole body has gone out.
func (u *upload) finished() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.ended != 0 && !u.broken
}

// lastWrite is how long the end of a body may take to go out once the endpoint has
// answered it: the goroutine that wrote it has only to be run.
const lastWrite = 10 * time.Millisecond

// settled is finished for somebody who has the answer: an endpoint that got the
// whole body may answer before the upload can say that it has ended.
func (u *upload) settled() bool {
	if u.last.Load() && !u.finished() {
		limit := time.NewTimer(lastWrite)
		defer limit.Stop()
		select {
		case <-u.done:
		case <-limit.C:
		}
	}
	return u.finished()
}

// uploadExtends moves the moment the first byte is due: its time-out counts
// from the end of the request, which an upload may not have reached yet.
func (a *attempt) uploadExtends(until time.Duration) time.Duration {
	if a.upload == nil || a.x.upstream.FirstByte == 0 {
		return until
	}
	a.upload.mu.Lock()
	defer a.upload.mu.Unlock()
	if a.upload.ended == 0 {
		return wire.Within(a.x.upstream.FirstByte)
	}
	return a.upload.ended + a.x.upstream.FirstByte
}

// joinUpload waits until nobody but this goroutine uses the two connections. An
// upload that has not ended by now is of no use to anybody.
func (a *attempt) joinUpload() {
	u := a.upload
	if u == nil {
		return
	}
	if !u.finished() {
		a.clean = false
		a.x.conn.PokeRead()
		if a.up != nil {
			a.up.Poke()
		}
	}
	<-u.done
	a.x.conn.ResumeRead()
	a.upload = nil
}
