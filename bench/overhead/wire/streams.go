// A client with a fixed number of open streams.

//go:build linux

package wire

import (
	"bytes"
	"context"
	"fmt"
	"net/netip"
)

// Streams is a client with a fixed number of streamed answers under way, one to a connection.
type Streams struct {
	Chunks int // received since the start
	// Delays is how long after its stamp each chunk arrived, in nanoseconds; kept while it has capacity left.
	Delays []int64

	loop   *Loop
	all    []*stream
	opened int // streams whose first chunk has come
}

type stream struct {
	of     *Streams
	fd     int
	stamps stamps
	headed bool // the status line was looked at
	begun  bool // the first chunk has come
}

// Stream opens n connections and waits for the first chunk on each. The upstream must be Streaming.
func (l *Loop) Stream(ctx context.Context, addr netip.AddrPort, n int) (*Streams, error) {
	s := &Streams{loop: l}
	request := requestMessage(addr.String())
	for len(s.all) < n {
		for range min(openStep, n-len(s.all)) {
			one := &stream{of: s}
			fd, err := l.dial(addr, one)
			if err != nil {
				return s, err
			}
			one.fd = fd
			s.all = append(s.all, one)
			if err := write(fd, request); err != nil {
				return s, fmt.Errorf("write request: %w", err)
			}
		}
		err := l.RunUntil(ctx, openLimit, "wait for first chunks", func() bool { return s.opened == len(s.all) })
		if err != nil {
			return s, err
		}
	}
	return s, nil
}

// Close resets the connections in the middle of their answers.
func (s *Streams) Close() {
	for _, one := range s.all {
		s.loop.drop(one.fd)
	}
	s.all = nil
}

func (one *stream) ready() {
	s := one.of
	data, err := s.loop.read(one.fd)
	if err != nil {
		s.loop.fail(fmt.Errorf("read stream: ended by the proxy: %w", err))
		s.loop.drop(one.fd)
		return
	}
	if len(data) == 0 {
		return
	}
	if !one.headed {
		one.headed = true
		if !bytes.HasPrefix(data, statusOK) {
			s.loop.fail(fmt.Errorf("read stream: not a 200: %q", data))
			return
		}
	}
	chunks := s.Chunks
	one.take(data)
	if !one.begun && s.Chunks > chunks {
		one.begun = true
		s.opened++
	}
}

func (one *stream) take(data []byte) {
	s := one.of
	now := s.loop.Now()
	one.stamps.scan(data, func(at int64) {
		s.Chunks++
		if len(s.Delays) < cap(s.Delays) {
			s.Delays = append(s.Delays, now-at)
		}
	})
}
