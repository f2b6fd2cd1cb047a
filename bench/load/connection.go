// One connection: sending a request and reading its answer.

package load

import (
	"bufio"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"
)

// connection is one of a pool's.
type connection struct {
	conn net.Conn
	pool *pool
	in   *bufio.Reader // of the connection
	text *bufio.Reader // of the body of the answer under way

	writing sync.Mutex // held while a request is written

	request *request  // which it carries, nil while it is idle; written under the pool's mutex
	rests   time.Time // since when it is idle; written under the pool's mutex
}

func newConnection(conn net.Conn, p *pool) *connection {
	return &connection{conn: conn, pool: p, in: bufio.NewReaderSize(conn, 8<<10), text: bufio.NewReaderSize(nil, 4<<10)}
}

// write sends a request. Its reader learns of a connection that broke.
func (c *connection) write(message []byte) {
	c.writing.Lock()
	defer c.writing.Unlock()
	if _, err := c.conn.Write(message); err != nil {
		c.conn.Close()
	}
}

// read settles one answer after another, until the connection is of no more use.
func (c *connection) read() {
	defer c.pool.drop(c)
	for {
		_, err := c.in.Peek(1)
		came := time.Now()
		r := c.pool.carries(c)
		if r == nil {
			return // closed while it rested, or sent something unasked
		}
		if err != nil {
			c.pool.settle(r, unanswered(err))
			return
		}
		sample, again := c.answer(r)
		if sample.Status != 0 {
			sample.First = came.Sub(r.at)
		}
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
	head, err := http.ReadResponse(c.in, nil)
	for err == nil && head.StatusCode < 200 { // an interim one
		head, err = http.ReadResponse(c.in, nil)
	}
	if err != nil {
		return unanswered(err), false
	}
	c.text.Reset(head.Body)
	body, err := readAnswer(c.text, r.stream && head.StatusCode < 300)
	s = Sample{Status: head.StatusCode, ServedBy: head.Header.Get("X-Served-By"), Response: time.Since(r.at), Told: body.told,
		RetryAfter: head.Header.Get("Retry-After"), Usage: body.usage}
	if !body.first.IsZero() {
		s.FirstEvent = body.first.Sub(r.at)
	}
	s.Failure, s.Err = judge(head.StatusCode, err)
	whole := err == nil || errors.Is(err, errEvent) || errors.Is(err, errNoDone)
	return s, whole && !head.Close && c.in.Buffered() == 0
}
