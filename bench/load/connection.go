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
func (c *connection) write(message []byte) {
	if _, err := c.conn.Write(message); err != nil {
		c.conn.Close()
	}
}

// read settles one answer after another, until the connection is of no more use.
func (c *connection) read() {
	defer c.pool.drop(c)
	for {
		_, err := c.in.Peek(1)
		r := c.pool.carries(c)
		if r == nil {
			return // closed while it rested, or sent something unasked
		}
		if err != nil {
			c.pool.settle(r, unanswered(err))
			return
		}
		sample, again := c.answer(r)
		if again {
			c.pool.rest(c) // before the request ends: who waits for that may count on the connection
		}
		c.pool.settle(r, sample)
		if !again {
			return
		}
	}
}

// answer reads one to its end, and says whether another may follow it.
func (c *connection) answer(r *request) (s Sample, again bool) {
	head, err := c.readHead()
	if err != nil {
		return unanswered(err), false
	}
	c.body.begin(head)
	c.text.Reset(&c.body)
	err = readAnswer(c.text, r.stream && head.status < 300)
	s = Sample{Status: head.status, ServedBy: head.servedBy, Response: time.Since(r.at)}
	s.Failure, s.Err = judge(head.status, err)
	whole := err == nil || errors.Is(err, errEvent) || errors.Is(err, errNoDone)
	return s, whole && !head.last && c.in.Buffered() == 0
}
