package load

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"time"
)

// ClientOptions adjust a Client.
type ClientOptions struct {
	MaxIdle int           // connections kept for reuse; default 1024, as many as a Generator has in flight by default
	Timeout time.Duration // of one request from sending to the last byte; 0 = none
}

// Client sends requests over HTTP to one base URL on a loopback address. It is
// used from any number of goroutines.
type Client struct {
	base      string
	timeout   time.Duration
	transport *http.Transport
	buffers   sync.Pool // of *bufio.Reader
}

// NewClient refuses an address outside the loopback networks: a load generator
// pointed at a stranger's server is an attack.
func NewClient(base string, o ClientOptions) (*Client, error) {
	host, err := parseTarget(base)
	if err != nil {
		return nil, err
	}
	if o.MaxIdle == 0 {
		o.MaxIdle = defaultMaxInFlight
	}
	return &Client{
		base:    "http://" + host,
		timeout: o.Timeout,
		transport: &http.Transport{ // no Proxy: the environment does not decide where load goes
			DialContext:         loopback.DialContext,
			MaxIdleConnsPerHost: o.MaxIdle,
			DisableCompression:  true,
		},
		buffers: sync.Pool{New: func() any { return bufio.NewReaderSize(nil, 4096) }},
	}, nil
}

// Close closes the connections that rest.
func (c *Client) Close() { c.transport.CloseIdleConnections() }

// Send carries one request to the end of its answer.
func (c *Client) Send(ctx context.Context, r Request) Answer {
	if c.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.timeout)
		defer cancel()
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+r.Path, bytes.NewReader(r.Body))
	if err != nil {
		return Answer{Failure: Broken, Err: err}
	}
	for name, values := range r.Header {
		request.Header[name] = values
	}
	request.Header.Set("Content-Type", "application/json")
	// The transport, not a client: a redirect is an answer like any other.
	response, err := c.transport.RoundTrip(request)
	if err != nil {
		return Answer{Failure: sendFailure(err), Err: err}
	}
	defer response.Body.Close()

	a := Answer{Status: response.StatusCode, ServedBy: response.Header.Get("X-Served-By")}
	stream := r.Stream && a.Status < 300
	a.First, err = c.read(response.Body, stream)
	a.Failure, a.Err = judge(a.Status, err)
	return a
}

// judge says what is wrong with an answer that had a status and was read to an
// error or its end. The error comes back where it is what is wrong.
func judge(status int, err error) (Failure, error) {
	switch {
	case status < 200 || status > 299:
		return BadStatus, nil
	case errors.Is(err, errEvent):
		return ErrorEvent, err
	case isTimeout(err):
		return TimedOut, err
	case err != nil:
		return Truncated, err
	}
	return "", nil
}

// isTimeout tells a deadline, of a context or a connection, from other ends.
func isTimeout(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded)
}

func sendFailure(err error) Failure {
	var dial *net.OpError
	switch {
	case isTimeout(err):
		return TimedOut
	case errors.As(err, &dial) && dial.Op == "dial":
		return Refused
	}
	return Broken
}

var (
	errEvent  = errors.New("stream reported an error")
	errNoDone = errors.New("stream ended without [DONE]")
)

// read reads an answer to its end and says when its first token, or the first
// byte of one that is no stream, came.
func (c *Client) read(body io.Reader, stream bool) (first time.Time, err error) {
	in := c.buffers.Get().(*bufio.Reader)
	in.Reset(body)
	defer func() {
		in.Reset(nil)
		c.buffers.Put(in)
	}()
	return readAnswer(in, stream)
}

// readAnswer reads the body of an answer to its end.
func readAnswer(in *bufio.Reader, stream bool) (first time.Time, err error) {
	if stream {
		return readEvents(in)
	}
	if _, err = in.Peek(1); err == nil {
		first = time.Now()
	}
	for err == nil {
		_, err = in.Discard(max(1, in.Buffered()))
	}
	if err == io.EOF {
		err = nil
	}
	return first, err
}

// readEvents reads server-sent events up to [DONE] and whatever follows it.
// Comments, which servers send to keep a connection alive, are no token.
func readEvents(in *bufio.Reader) (first time.Time, err error) {
	done := false
	failed := false
	for {
		line, err := in.ReadSlice('\n')
		data, isData := bytes.CutPrefix(line, []byte("data:"))
		if isData && first.IsZero() {
			first = time.Now()
		}
		data = bytes.TrimSpace(data)
		done = done || isData && string(data) == "[DONE]"
		failed = failed || isData && bytes.HasPrefix(data, []byte(`{"error"`))
		for errors.Is(err, bufio.ErrBufferFull) { // the rest of a long line is content
			_, err = in.ReadSlice('\n')
		}
		switch {
		case err == nil:
		case err != io.EOF:
			return first, err
		case failed:
			return first, errEvent
		case !done:
			return first, errNoDone
		default:
			return first, nil
		}
	}
}
