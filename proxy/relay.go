// Carrying the answer's body to the client, piece by piece.

package proxy

import (
	"errors"
	"io"
	"time"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/metrics"
	"github.com/steelyard-proxy/steelyard/proxy/wire"
)

// relay commits the answer and carries its body to the client, each piece as it
// comes: whatever is there is sent before the next wait begins. A client that
// takes nothing stops the reading, and so the endpoint.
func (x *exchange) relay() error {
	a, r := x.current, &x.reply
	a.phase = metrics.PhaseStream
	if a.answer.Status == 101 {
		return x.tunnel()
	}
	if x.reply.waiting && !a.streams() {
		return x.tellAnswer()
	}
	x.commit()
	atOnce := a.kept == nil // all of it came with its head
	for {
		if !a.pending() {
			atOnce = false
			if err := r.flush(); err != nil {
				return err
			}
		}
		piece, err := a.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			if err = x.resume(err); err != nil {
				return err
			}
			a, atOnce = x.current, false
			continue
		}
		if x.rest != nil {
			piece = x.followed(piece)
		}
		if err := r.carry(piece); err != nil {
			return err
		}
	}
	if x.rest != nil {
		if err := r.carry(x.rest.Left()); err != nil {
			return err
		}
	}
	if r.chunked {
		if err := r.putLastChunk(a.trailer()); err != nil {
			return err
		}
	}
	x.absolve()
	if a.upload != nil {
		return r.flush()
	}
	if atOnce && !r.begun { // nothing was waited for since
		a.done = a.answered
	}
	// The endpoint has done its part: what waits for its slot or its connection
	// need not wait for the client to take the rest.
	a.end(a.outcome(balancer.Answered))
	x.unbind()
	once := !r.begun
	if err := r.flush(); err != nil {
		return err
	}
	if once {
		x.ended = r.flushed
	}
	return nil
}

// pending says whether next would return without waiting.
func (a *attempt) pending() bool { return a.kept != nil || a.body.Pending() }

// trailer is that of an answer that has ended.
func (a *attempt) trailer() []byte {
	if a.kept != nil {
		return a.kept.trailer
	}
	return a.body.Trailer()
}

// next is the next piece of the answer's body, waited for if there is none yet; io.EOF is
// its end. An upload that fails ends the answer too.
func (a *attempt) next() ([]byte, error) {
	waits := !a.pending()
	piece, err := a.read(waits)
	switch {
	case err == nil:
		switch {
		case a.firstByte > 0:
		case waits || a.kept != nil:
			a.firstByte = wire.Now()
		default:
			a.firstByte = a.answered
		}
		return piece, nil
	case errors.Is(err, io.EOF):
		a.whole = true
		if a.firstByte == 0 { // an answer without a body: its head is all there is
			a.firstByte = a.answered
		}
		return nil, err
	}
	if failed := a.uploadFailure(); failed != nil {
		return nil, failed
	}
	return nil, err
}

// read is next off the connection, or of the answer that was kept.
func (a *attempt) read(waits bool) (piece []byte, err error) {
	if a.kept != nil {
		if piece = a.nextKept(); len(piece) == 0 {
			return nil, io.EOF
		}
		return piece, nil
	}
	until := time.Duration(0)
	if waits {
		until = wire.Within(a.x.upstream.Idle)
	}
	if piece, err = a.body.Next(until); err == nil {
		a.target.Metrics.AddBytes(metrics.FromUpstream, len(piece))
		if a.tally != nil {
			a.passed(piece)
		}
	}
	return piece, err
}
