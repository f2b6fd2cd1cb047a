// One connection to the upstream.

//go:build linux

package wire

import (
	"fmt"
	"slices"
)

// served is one connection from a proxy (or, without one, from the client) to the upstream.
type served struct {
	up      *Upstream
	fd      int
	part    []byte // of a request whose rest has not arrived
	checked bool   // the first request was looked at closely
	streams bool   // is in up.streams
}

func (s *served) ready() {
	data, err := s.up.loop.read(s.fd)
	if err != nil {
		s.up.leave(s)
		return
	}
	if len(data) == 0 {
		return
	}
	if len(s.part) > 0 {
		s.part = append(s.part, data...)
		data = s.part
	}
	size := messageSize(data, RequestBody)
	switch {
	case size == 0 || len(data) < size:
		if len(s.part) == 0 {
			s.part = append(s.part, data...)
		}
	case len(data) > size:
		s.up.loop.fail(fmt.Errorf("read request from the proxy: %d bytes beyond its end", len(data)-size))
	default:
		s.answer(data)
		s.part = s.part[:0]
	}
}

func (s *served) answer(request []byte) {
	if !s.checked {
		if err := checkRequest(request, s.up.Proxied); err != nil {
			s.up.loop.fail(fmt.Errorf("check request from the proxy: %w\n%q", err, request))
			return
		}
		s.checked = true
	}
	s.up.Requests++
	if s.up.Streaming {
		s.stream()
	} else if err := write(s.fd, answerMessage); err != nil {
		s.up.loop.fail(fmt.Errorf("write answer to the proxy: %w", err))
	}
}

// stream sends the head and the first chunk in one piece, as a server does whose first token is ready.
func (s *served) stream() {
	putStamp(s.up.chunk[stampAt:], s.up.loop.Now())
	if err := write(s.fd, append([]byte(streamHead), s.up.chunk...)); err != nil {
		s.up.loop.fail(fmt.Errorf("write stream to the proxy: %w", err))
		return
	}
	s.up.Chunks++
	s.streams = true
	s.up.streams = append(s.up.streams, s)
}

// leave forgets a connection, which the proxy has closed or is about to find closed.
func (u *Upstream) leave(s *served) {
	if s.streams {
		u.streams = slices.DeleteFunc(u.streams, func(other *served) bool { return other == s })
	}
	u.loop.drop(s.fd)
}
