package wire

import (
	"net"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// counting counts how often a write timer is set.
type counting struct {
	net.Conn
	arms atomic.Int64
}

func (c *counting) SetWriteDeadline(t time.Time) error {
	c.arms.Add(1)
	return c.Conn.SetWriteDeadline(t)
}

func (c *counting) SyscallConn() (syscall.RawConn, error) {
	return c.Conn.(syscall.Conn).SyscallConn()
}

// A TLS write that has timed out can not go on: trying again is in vain.
func TestTimedOutTLSWriteIsNotRetried(t *testing.T) {
	nc, peer := connected(t, "tcp")
	counted := &counting{Conn: nc}
	ours, _ := overTLS(t, counted, peer)
	c := newConn(ours, NewBuffers(64))
	var err error
	writes := 0
	for ; err == nil && writes < 8; writes++ { // as much as the sockets hold
		err = c.WriteAll(pattern, 20*time.Millisecond)
	}
	assert.Equal(t, ErrTimeout, err)
	assert.LessOrEqual(t, counted.arms.Load(), int64(writes*len(pattern)/(16<<10)+2), "more timers than records: it spun")
}
