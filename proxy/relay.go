package proxy

import (
	"errors"
	"io"
	"strconv"
	"time"

	"github.com/steelyard-proxy/steelyard/metrics"
	"github.com/steelyard-proxy/steelyard/proxy/wire"
)

// relay commits the answer and carries its body to the client, each piece as it
// comes: whatever is there is sent before the next wait begins. A client that
// takes nothing stops the reading, and so the endpoint.
func (x *exchange) relay() error {
	x.phase = metrics.PhaseStream
	if x.answer.Status == 101 {
		return x.tunnel()
	}
	x.commit()
	for {
		until := time.Duration(0)
		if !x.body.Pending() {
			if err := x.flush(); err != nil {
				return err
			}
			until = wire.Within(x.upstream.Idle)
		}
		piece, err := x.body.Next(until)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			if failed := x.uploadFailure(); failed != nil {
				return failed
			}
			return err
		}
		if x.firstByte == 0 {
			x.firstByte = wire.Now()
		}
		x.target.Metrics.AddBytes(metrics.FromUpstream, len(piece))
		x.events.see(piece)
		if err := x.put(piece); err != nil {
			return err
		}
	}
	if x.chunked {
		if err := x.putLastChunk(); err != nil {
			return err
		}
	}
	if x.firstByte == 0 { // an answer without a body: its head is all there is
		x.firstByte = x.answered
	}
	if x.upload == nil {
		// The endpoint has done its part: what waits for its slot or its connection
		// need not wait for the client to take the rest.
		x.body.Settle()
		x.release(x.clean)
	}
	if err := x.flush(); err != nil {
		return err
	}
	x.whole = true
	return nil
}

// put adds a piece of the body, as a chunk where the client's body is chunked.
func (x *exchange) put(piece []byte) error {
	const chunkFrame = 20
	if x.out != nil && x.n+len(piece)+chunkFrame > len(x.out.B) {
		if err := x.flush(); err != nil {
			return err
		}
	}
	b := x.takeOut().B[:x.n]
	if x.chunked {
		b = strconv.AppendInt(b, int64(len(piece)), 16)
		b = append(b, "\r\n"...)
	}
	b = append(b, piece...)
	if x.chunked {
		b = append(b, "\r\n"...)
	}
	x.hold(b)
	return nil
}

// putLastChunk ends a chunked body, with the endpoint's trailers.
func (x *exchange) putLastChunk() error {
	trailer := x.body.Trailer()
	const frame = len("0\r\n\r\n")
	if x.out != nil && x.n+len(trailer)+frame > len(x.out.B) {
		if err := x.flush(); err != nil {
			return err
		}
	}
	b := append(x.takeOut().B[:x.n], "0\r\n"...)
	b = append(b, trailer...)
	x.hold(append(b, "\r\n"...))
	return nil
}

// flush sends what has been put together and gives its buffer back.
func (x *exchange) flush() error {
	if x.out == nil {
		return nil
	}
	x.committed = true
	err := x.pass(x.out.B[:x.n])
	x.written += x.n
	x.dropOut()
	if x.flushed == 0 {
		x.flushed = wire.Now()
	}
	if err != nil {
		return clientWriteFault(err)
	}
	return nil
}

// pass sends bytes to the client. How long the client lets that take is no work of
// the endpoint's, where its work is measured.
func (x *exchange) pass(b []byte) error {
	if x.upstream == nil || !x.upstream.Sized {
		return x.conn.Send(b)
	}
	begin := wire.Now()
	defer func() { x.blocked += wire.Now() - begin }()
	return x.conn.Send(b)
}
