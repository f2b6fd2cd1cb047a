package load

import (
	"bufio"
	"errors"
	"net"
	"time"
)

// headLimit bounds one line of an answer's head, in bytes.
const headLimit = 8 << 10

func newConnection(conn net.Conn, p *pool) *connection {
	c := &connection{conn: conn, pool: p, in: bufio.NewReaderSize(conn, headLimit), names: map[string]string{}}
	c.body.in = c.in
	c.text = bufio.NewReaderSize(&c.body, 4<<10)
	return c
}

// write sends a request. Its reader learns of a connection that broke.
func (c *connection) write(deadline time.Time, message []byte) {
	if !deadline.IsZero() {
		_ = c.conn.SetReadDeadline(deadline) // fails on a closed connection only
	}
	if _, err := c.conn.Write(message); err != nil {
		c.conn.Close()
	}
}

// read settles one answer after another, until the connection is of no more use.
func (c *connection) read() {
	defer c.pool.drop(c)
	for {
		_, err := c.in.Peek(1)
		n := c.pool.carries(c)
		if n == idle {
			return // closed while it rested, or sent something unasked
		}
		if err != nil {
			c.pool.settle(n, Sample{Failure: sendFailure(err), Err: err})
			return
		}
		sample, again := c.answer(n)
		if again {
			if c.pool.replay.options.Timeout > 0 {
				_ = c.conn.SetReadDeadline(time.Time{}) // fails on a closed connection only
			}
			c.pool.rest(c) // before the request ends: who waits for that may count on the connection
		}
		c.pool.settle(n, sample)
		if !again {
			return
		}
	}
}

// answer reads one to its end, and says whether another may follow it.
func (c *connection) answer(n int) (s Sample, again bool) {
	r := c.pool.replay
	head, err := c.readHead()
	if err != nil {
		return Sample{Failure: sendFailure(err), Err: err}, false
	}
	s = Sample{Status: head.status, ServedBy: head.servedBy, Queue: head.queue}
	c.body.begin(head)
	c.text.Reset(&c.body)
	first, err := readAnswer(c.text, r.requests[n].Stream && head.status < 300)
	s.Response = r.since(n, time.Now())
	if !first.IsZero() {
		s.FirstToken = r.since(n, first)
	}
	s.Failure, s.Err = judge(head.status, err)
	whole := err == nil || errors.Is(err, errEvent) || errors.Is(err, errNoDone)
	return s, whole && !head.last && c.in.Buffered() == 0
}
