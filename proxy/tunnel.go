// Bytes in both directions, once the protocol was switched.

package proxy

import (
	"errors"
	"io"
	"sync/atomic"
	"time"

	"github.com/steelyard-proxy/steelyard/metrics"
	"github.com/steelyard-proxy/steelyard/proxy/strict"
	"github.com/steelyard-proxy/steelyard/proxy/wire"
)

// halfOpen is how long one direction of a tunnel may stay silent once the other
// has ended.
const halfOpen = 5 * time.Second

// tunnel passes the 101 on and then bytes, both ways, until either side ends or
// both are silent for longer than timeouts.upgrade_idle. It counts as in flight
// all the while.
func (x *exchange) tunnel() error {
	a, r := x.current, &x.reply
	a.phase, a.clean = metrics.PhaseTunnel, false
	x.conn.Tunnel()
	x.conn.Disarm(&x.waiter) // a half-close is part of the conversation from here on
	b := r.start(a.answer.Status, a.answer.Reason)
	for i := range a.answer.Fields {
		if f := &a.answer.Fields[i]; f.Kind == strict.Upgrade {
			b = appendField(b, f)
		} else {
			b = appendAnswerField(b, f, false)
		}
	}
	b = x.appendVia(b, a.answer.Minor)
	b = x.appendRequestID(b)
	r.hold(append(b, "Connection: Upgrade\r\n\r\n"...))
	a.firstByte = a.answered
	a.up.Discard(a.headSize)
	x.remember()
	x.conn.ReleaseRequest()
	if err := r.flush(); err != nil {
		return err
	}

	t := pipes{idle: x.generation.UpgradeIdle, stall: x.upstream.Idle}
	t.moved.Store(int64(wire.Now()))
	back := make(chan int64)
	go func() { back <- x.carry(&t, &a.up.Conn, &x.conn.Conn) }()
	down := x.carry(&t, &x.conn.Conn, &a.up.Conn)
	up := <-back
	x.took(int(up))
	r.sent(int(down))
	a.target.Metrics.AddBytes(metrics.ToUpstream, int(up))
	a.target.Metrics.AddBytes(metrics.FromUpstream, int(down))
	x.conn.Abort(false)
	if x.conn.Cut() {
		return errShutdown
	}
	return nil
}

// carry is one direction. A panic in it costs this tunnel, not the process.
func (x *exchange) carry(t *pipes, dst, src *wire.Conn) (moved int64) {
	defer func() {
		if r := recover(); r != nil {
			x.logPanic(r)
			dst.Poke()
			src.Poke()
		}
	}()
	return t.carry(dst, src)
}

// pipes is what the two directions of a tunnel share.
type pipes struct {
	idle, stall time.Duration
	moved       atomic.Int64 // the moment bytes last went either way; written by both
	ended       atomic.Bool  // one direction is over; written by both
}

type writeCloser interface{ CloseWrite() error }

// carry moves bytes from src to dst until src ends, then tells dst so. An error
// ends both directions.
func (p *pipes) carry(dst, src *wire.Conn) (moved int64) {
	for {
		if src.Buffered() > 0 {
			n := src.Buffered()
			if dst.WriteAll(src.Bytes(), p.stall) != nil {
				break
			}
			src.Discard(n)
			moved += int64(n)
			p.moved.Store(int64(wire.Now()))
		}
		err := src.Fill(p.until())
		switch {
		case err == nil:
			continue
		case errors.Is(err, wire.ErrTimeout) && p.until() > wire.Now():
			continue // the other direction has moved meanwhile
		case errors.Is(err, wire.ErrPoked) && !src.Poked():
			src.ResumeRead()
			continue // the other direction has ended: less time is left
		case errors.Is(err, io.EOF) && p.ended.CompareAndSwap(false, true):
			if w, ok := dst.Conn.(writeCloser); ok && w.CloseWrite() == nil {
				dst.PokeRead() // the other direction may finish what it has to say, but not for long
				return moved
			}
		}
		break
	}
	dst.Poke()
	src.Poke()
	return moved
}

// until is when the tunnel has been silent for too long.
func (p *pipes) until() time.Duration {
	limit := p.idle
	if p.ended.Load() {
		limit = halfOpen
	}
	if limit == 0 {
		return 0
	}
	return time.Duration(p.moved.Load()) + limit
}
