package wire

import (
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
)

// buffered is a socket in virtual time: it takes what it has room for, and its peer
// takes from that what the test says.
type buffered struct {
	c            *Conn
	room         int                     // bytes that it holds
	given        int                     // to it, in all
	taken        func(time.Duration) int // by the peer, in all
	began, until time.Time
}

// timed is what else the Conn wants of its socket.
type timed struct {
	net.Conn
	b *buffered
}

func (t timed) SetWriteDeadline(until time.Time) error { t.b.until = until; return nil }

func (b *buffered) Write(f func(uintptr) bool) error {
	if f(0) {
		return nil
	}
	<-time.After(time.Until(b.until))
	return os.ErrDeadlineExceeded
}

func (b *buffered) Control(f func(uintptr)) error { f(0); return nil }
func (b *buffered) Read(func(uintptr) bool) error { panic("nobody reads") }
func (b *buffered) queued() int                   { return b.given - b.taken(time.Since(b.began)) }

// put is one try to write.
func (b *buffered) put(uintptr) bool {
	n := min(len(b.c.out), b.room-b.queued())
	b.given += n
	b.c.out = b.c.out[n:]
	return len(b.c.out) == 0 || b.c.once
}

func newBuffered(room int, taken func(since time.Duration) int) *buffered {
	b := &buffered{c: new(Conn), room: room, taken: taken, began: time.Now()}
	b.c.Conn, b.c.raw, b.c.tryWrite = timed{b: b}, b, b.put
	b.c.tryQueue = func(uintptr) { b.c.queue = b.queued() }
	return b
}

// However much the socket has taken before: a peer that takes nothing is given up
// when it has taken nothing for stall, and not for twice as long.
func TestStallIsCountedFromTheLastByteTaken(t *testing.T) {
	for _, stall := range []time.Duration{time.Second, 5 * time.Second, time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			c := newBuffered(1<<20, func(time.Duration) int { return 0 }).c
			begin := Now()
			assert.Equal(t, ErrTimeout, c.WriteAll(make([]byte, 2<<20), stall))
			assert.GreaterOrEqual(t, Now()-begin, stall)
			assert.LessOrEqual(t, Now()-begin, stall+min(stall/8, lookEvery))
		})
	}
}

// A peer that reads slowly is no peer that reads nothing, though the socket has no
// room for more for minutes.
func TestWhatThePeerTakesIsProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBuffered(1<<20, func(since time.Duration) int { return int(since.Seconds()) * 100 })
		b.c.tryWrite = func(fd uintptr) bool { // as the system has it: there is room when a third of the buffer is free
			if b.given == 0 || b.queued() < 2*b.room/3 {
				return b.put(fd)
			}
			return b.c.once
		}
		assert.NoError(t, b.c.WriteAll(make([]byte, 1<<20+1000), 5*time.Second))
	})
}

func TestPeerThatIsTooSlow(t *testing.T) {
	for name, c := range map[string]struct {
		rate int // bytes/s that the peer takes
		err  error
	}{
		"nothing": {0, ErrTooSlow}, "half": {512, ErrTooSlow}, "enough": {1100, nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				conn := newBuffered(1<<10, func(since time.Duration) int { return int(since.Milliseconds()) * c.rate / 1000 }).c
				conn.Pace.Begin(1<<10, 10*time.Second)
				assert.Equal(t, c.err, conn.WriteAll(make([]byte, 1<<20), time.Minute))
			})
		})
	}
}

// Only waits count: whoever takes at once what comes seldom is not slow.
func TestSlowStreamIsNoSlowPeer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newBuffered(1<<10, func(since time.Duration) int { return int(since.Seconds()) }).c
		c.Pace.Begin(1<<20, time.Second)
		for range 100 {
			assert.NoError(t, c.WriteAll([]byte("x"), time.Second))
			time.Sleep(time.Minute)
		}
	})
}

func TestPace(t *testing.T) {
	var p Pace
	p.Waited(time.Hour, 0)
	assert.False(t, p.Over(), "nothing is asked for")
	assert.Equal(t, time.Minute, p.Until(time.Second, time.Minute))
	p.Begin(1000, 10*time.Second)
	p.Waited(9*time.Second, 0)
	assert.Equal(t, 3*time.Second, p.Until(2*time.Second, time.Minute))
	p.Waited(0, 1<<30)
	assert.Equal(t, 12*time.Second, p.Until(2*time.Second, 0), "no more than the window is saved")
	p.Narrow(time.Second)
	assert.Equal(t, 3*time.Second, p.Until(2*time.Second, 0))
	p.Narrow(time.Minute)
	p.Waited(2*time.Second, 999)
	assert.True(t, p.Over())
}
