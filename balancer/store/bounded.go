// A socket that nobody can fill our memory by.

package store

import (
	"errors"
	"net"
	"sync/atomic"
)

// errTooMuch ends a connection whose server says more than a call may be answered with.
var errTooMuch = errors.New("its answer is larger than anything that steelyard keeps there: somebody else writes to these keys")

// bounded is a socket of which no more is read than is left.
type bounded struct {
	net.Conn
	left atomic.Int64 // bytes
}

func (b *bounded) Read(p []byte) (int, error) {
	left := b.left.Load()
	if left <= 0 {
		return 0, errTooMuch
	}
	n, err := b.Conn.Read(p[:min(int64(len(p)), left)])
	b.left.Add(-int64(n))
	return n, err
}
