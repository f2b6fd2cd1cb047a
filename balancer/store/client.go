// Calls, and the connections that carry them.

package store

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/gomodule/redigo/redis"
)

const (
	usualTimeout = time.Second
	usualMost    = 32 << 20         // bytes of what one call is answered
	mostIdle     = 4                // connections that are kept
	idleFor      = 90 * time.Second // a connection that was not used for longer may lead nowhere: a firewall forgets it
)

// Client calls one server. All methods are safe for concurrent use.
type Client struct {
	options Options
	where   string

	mu     sync.Mutex
	idle   []*connection // the last used at the end
	first  int           // the address that is tried first
	closed bool
}

// connection is one to the master. One call has it at a time.
type connection struct {
	redis.Conn
	socket *bounded // under Conn, so that a call can be ended from beside it
	since  time.Time
}

// New returns a client. It dials nothing.
func New(o Options) *Client {
	if o.Timeout <= 0 {
		o.Timeout = usualTimeout
	}
	if o.MostAnswer <= 0 {
		o.MostAnswer = usualMost
	}
	if o.Dial == nil {
		o.Dial = (&net.Dialer{}).DialContext
	}
	if o.Network == "" {
		o.Network = "tcp"
	}
	return &Client{options: o, where: o.where()}
}

// Where names the server for people, without user or password.
func (c *Client) Where() string { return c.where }

// Close closes the connections that are kept. Calls under way end by themselves, and later ones fail.
func (c *Client) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	c.dropLocked()
	return nil
}

// Do sends one command and returns its answer. The error is an [*Error], whether of the connection or of the server.
func (c *Client) Do(ctx context.Context, command string, args ...any) (any, error) {
	replies, err := c.Pipe(ctx, append([]any{command}, args...))
	if err != nil {
		return nil, err
	}
	if err, is := replies[0].(error); is {
		return nil, err
	}
	return replies[0], nil
}

// Pipe sends several commands in one round trip. What the server refuses is an [*Error] among the answers.
func (c *Client) Pipe(ctx context.Context, commands ...[]any) ([]any, error) {
	if len(commands) == 0 {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, c.options.Timeout)
	defer cancel()
	conn, err := c.take(ctx)
	if err != nil {
		return nil, c.failed(ctx, err)
	}
	conn.socket.left.Store(c.options.MostAnswer)
	stop := context.AfterFunc(ctx, func() { _ = conn.socket.Close() })
	replies, err := exchange(conn, commands)
	if !stop() && err == nil {
		err = context.Cause(ctx) // the socket is closed, or will be
	}
	if err != nil {
		_ = conn.Close()
		c.doubt()
		return nil, c.failed(ctx, err)
	}
	moved := false
	for i, r := range replies {
		if said, is := r.(redis.Error); is {
			e := &Error{Kind: kindOf(said), Where: c.where, Err: said}
			replies[i] = e
			moved = moved || e.Kind.moves()
		}
	}
	if moved {
		_ = conn.Close()
		c.doubt()
	} else {
		c.give(conn)
	}
	return replies, nil
}

// exchange sends all commands and reads all answers.
func exchange(conn redis.Conn, commands [][]any) ([]any, error) {
	for _, args := range commands {
		name, ok := args[0].(string)
		if !ok {
			return nil, fmt.Errorf("a command must begin with its name, is %T", args[0])
		}
		if err := conn.Send(name, args[1:]...); err != nil {
			return nil, err
		}
	}
	if err := conn.Flush(); err != nil {
		return nil, err
	}
	replies := make([]any, len(commands))
	for i := range replies {
		reply, err := conn.Receive()
		if said, is := errors.AsType[redis.Error](err); is {
			reply, err = said, nil
		}
		if err != nil {
			return nil, err
		}
		replies[i] = reply
	}
	return replies, nil
}

// failed is an error of a connection, by its kind. That our time is over is why a socket was closed.
func (c *Client) failed(ctx context.Context, err error) error {
	if own, is := errors.AsType[*Error](err); is {
		return own
	}
	if ended := ctx.Err(); ended != nil {
		err = ended
	}
	return &Error{Kind: kindOf(err), Where: c.where, Err: err}
}

// take returns a connection to the master, kept or new.
func (c *Client) take(ctx context.Context) (*connection, error) {
	c.mu.Lock()
	for n := len(c.idle); n > 0; n = len(c.idle) {
		conn := c.idle[n-1]
		c.idle = c.idle[:n-1]
		if time.Since(conn.since) < idleFor {
			c.mu.Unlock()
			return conn, nil
		}
		_ = conn.Close()
	}
	first, closed := c.first, c.closed
	c.mu.Unlock()
	if closed {
		return nil, &Error{Kind: Away, Where: c.where, Err: errors.New("the client is closed")}
	}
	return c.dial(ctx, first)
}

func (c *Client) give(conn *connection) {
	conn.since = time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || len(c.idle) >= mostIdle {
		_ = conn.Close()
		return
	}
	c.idle = append(c.idle, conn)
}

// doubt forgets all connections: they lead to the same server as one that failed.
func (c *Client) doubt() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dropLocked()
}

func (c *Client) dropLocked() {
	for _, conn := range c.idle {
		_ = conn.Close()
	}
	c.idle = nil
}

// password is what the file holds, or what was given.
func (o *Options) password() (string, error) {
	if o.PasswordFile == "" {
		return o.Password, nil
	}
	text, err := os.ReadFile(o.PasswordFile)
	if err != nil {
		return "", err
	}
	password := strings.TrimSpace(string(text))
	if password == "" {
		return "", fmt.Errorf("%s is empty: write the password in it", o.PasswordFile)
	}
	return password, nil
}
