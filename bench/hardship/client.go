// A client that speaks raw text over one connection.

//go:build linux

package main

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// client is one connection to a program, spoken to in raw text.
type client struct {
	net.Conn
	r *bufio.Reader
}

// get is the plainest request.
const get = "GET / HTTP/1.1\r\nHost: x.test\r\n\r\n"

// post is a request with a body of five bytes.
const post = "POST / HTTP/1.1\r\nHost: x.test\r\nContent-Length: 5\r\n\r\nhello"

func dial(addr string, within time.Duration) (*client, error) {
	conn, err := net.DialTimeout("tcp4", addr, within)
	if err != nil {
		return nil, err
	}
	return wrap(conn), nil
}

func dialTLS(addr string, trust *tls.Config, within time.Duration) (*client, error) {
	conn, err := tls.DialWithDialer(&net.Dialer{Timeout: within}, "tcp4", addr, trust)
	if err != nil {
		return nil, err
	}
	return wrap(conn), nil
}

// wrap has a small buffer, so that thousands of clients are cheap.
func wrap(conn net.Conn) *client { return &client{Conn: conn, r: bufio.NewReaderSize(conn, 1<<10)} }

// ask sends a request and reads the whole answer; it fails when that is not done in time.
func (c *client) ask(request string, within time.Duration) (status int, body string, err error) {
	answer, err := c.begin(request, within)
	if err != nil {
		return 0, "", err
	}
	text, err := io.ReadAll(answer.Body)
	return answer.StatusCode, string(text), err
}

// begin sends a request and reads the head of its answer. The time allowed holds for the body as well.
func (c *client) begin(request string, within time.Duration) (*http.Response, error) {
	if err := c.SetDeadline(time.Now().Add(within)); err != nil {
		return nil, err
	}
	if _, err := io.WriteString(c, request); err != nil {
		return nil, err
	}
	method, _, _ := strings.Cut(request, " ")
	return http.ReadResponse(c.r, &http.Request{Method: method})
}

// askOnce does so on a connection of its own.
func askOnce(addr, request string, within time.Duration) (status int, body string, err error) {
	c, err := dial(addr, within)
	if err != nil {
		return 0, "", err
	}
	defer c.Close()
	return c.ask(request, within)
}

// tally counts answers by status; 0 is none.
type tally map[int]int

// text names what came, the most wanted first; none says what no answer at all is called.
func (t tally) text(none string) string {
	var parts []string
	for status := 599; status > 0; status-- {
		if n := t[status]; n > 0 {
			part := fmt.Sprintf("%d × %d", n, status)
			if status == http.StatusOK {
				parts = append([]string{part}, parts...)
			} else {
				parts = append(parts, part)
			}
		}
	}
	if n := t[0]; n > 0 {
		parts = append(parts, fmt.Sprintf("%d × %s", n, none))
	}
	return strings.Join(parts, ", ")
}
