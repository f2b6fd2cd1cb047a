// Finding the master, and logging in.

package store

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/gomodule/redigo/redis"
)

// dial connects to the first address that is a master's, in turn from one on. Each gets an equal part of the time that
// is left, so that one that is stopped leaves the others theirs.
func (c *Client) dial(ctx context.Context, from int) (*connection, error) {
	n := len(c.options.Addresses)
	if n == 0 {
		return nil, errors.New("no address is given")
	}
	var worst error
	for i := range n {
		at := (from + i) % n
		conn, err := c.try(ctx, c.options.Addresses[at], n-i)
		if err == nil {
			c.mu.Lock()
			c.first = at
			c.mu.Unlock()
			return conn, nil
		}
		if e, is := errors.AsType[*Error](err); worst == nil || is && e.Kind != Away {
			worst = err // what a server says tells more than that one cannot be reached
		}
		if ctx.Err() != nil {
			break
		}
	}
	c.mu.Lock()
	c.first = (from + 1) % n
	c.mu.Unlock()
	return nil, worst
}

func (c *Client) try(ctx context.Context, address string, left int) (*connection, error) {
	if deadline, ok := ctx.Deadline(); ok && left > 1 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Until(deadline)/time.Duration(left))
		defer cancel()
	}
	one := c.options
	one.Addresses = []string{address}
	fail := func(err error) error {
		if ended := ctx.Err(); ended != nil {
			err = ended
		}
		return &Error{Kind: kindOf(err), Where: one.where(), Err: err}
	}
	password, err := c.options.password()
	if err != nil {
		return nil, &Error{Kind: Denied, Where: one.where(), Err: err}
	}
	conn := &connection{}
	stop := func() bool { return true }
	options := []redis.DialOption{
		redis.DialUsername(c.options.User), redis.DialPassword(password), redis.DialDatabase(c.options.Database), redis.DialClientName(c.options.Name),
		redis.DialContextFunc(func(_ context.Context, network, address string) (net.Conn, error) {
			plain, err := c.options.Dial(ctx, network, address)
			if err != nil {
				return nil, err
			}
			socket := &bounded{Conn: plain}
			socket.left.Store(c.options.MostAnswer)
			conn.socket = socket
			stop = context.AfterFunc(ctx, func() { _ = socket.Close() })
			return socket, nil
		}),
	}
	if c.options.TLS != nil {
		options = append(options, redis.DialUseTLS(true), redis.DialTLSConfig(c.options.TLS))
	}
	conn.Conn, err = redis.DialContext(ctx, c.options.Network, address, options...)
	if err != nil {
		stop()
		return nil, fail(err)
	}
	if len(c.options.Addresses) > 1 {
		err = master(conn)
	}
	if !stop() && err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		_ = conn.Close()
		return nil, fail(err)
	}
	return conn, nil
}

// master returns an error if the server says that it is none.
func master(conn redis.Conn) error {
	role, err := redis.Values(conn.Do("ROLE"))
	if err != nil {
		return err
	}
	if len(role) == 0 {
		return errors.New("its ROLE is empty")
	}
	if name, _ := redis.String(role[0], nil); name != "master" {
		return redis.Error(fmt.Sprintf("READONLY its ROLE is %s", name))
	}
	return nil
}
