package load

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
)

// head is what is read of an answer's head.
type head struct {
	status   int
	length   int64 // of the body; chunked or untilClose where nobody counted
	last     bool  // the connection is not used again
	servedBy string
}

// Lengths of a body that only its end tells.
const (
	chunked    = -1
	untilClose = -2
)

// readHead reads the head of the final answer, interim ones before it.
func (c *connection) readHead() (head, error) {
	for {
		h, err := c.readOneHead()
		if err != nil || h.status >= 200 {
			return h, err
		}
	}
}

func (c *connection) readOneHead() (h head, err error) {
	line, err := readLine(c.in)
	if err != nil {
		return h, err
	}
	// HTTP/1.1 200 OK
	if len(line) < 12 || !bytes.HasPrefix(line, []byte("HTTP/1.")) {
		return h, fmt.Errorf("answer begins with %q: that is not HTTP/1", line)
	}
	if h.status, err = strconv.Atoi(string(line[9:12])); err != nil || h.status < 100 {
		return h, fmt.Errorf("answer begins with %q: there is no status in it", line)
	}
	h.last = line[7] == '0'
	h.length = untilClose
	for {
		if line, err = readLine(c.in); err != nil {
			return h, err
		}
		if len(line) == 0 {
			break
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		if err = c.field(&h, name, bytes.TrimSpace(value)); err != nil {
			return h, err
		}
	}
	switch {
	case h.status < 200 || h.status == http.StatusNoContent || h.status == http.StatusNotModified:
		h.length = 0
	case h.length == untilClose:
		h.last = true
	}
	return h, nil
}

// field takes in one field of a head.
func (c *connection) field(h *head, name, value []byte) error {
	is := func(other string) bool { return len(name) == len(other) && bytes.EqualFold(name, []byte(other)) }
	switch {
	case is("Content-Length"):
		n, err := strconv.ParseInt(string(value), 10, 64)
		if err != nil || n < 0 {
			return fmt.Errorf("answer has a content-length of %q", value)
		}
		if h.length != chunked {
			h.length = n
		}
	case is("Transfer-Encoding"):
		if !bytes.EqualFold(value, []byte("chunked")) {
			return fmt.Errorf("answer has a transfer-encoding of %q: only chunked is known here", value)
		}
		h.length = chunked
	case is("Connection"):
		h.last = h.last || bytes.EqualFold(value, []byte("close"))
	case is("X-Served-By"):
		known, ok := c.names[string(value)]
		if !ok {
			known = string(value)
			c.names[known] = known
		}
		h.servedBy = known
	}
	return nil
}

// readLine reads a line of a head without its end. It holds until the next read.
func readLine(in *bufio.Reader) ([]byte, error) {
	line, err := in.ReadSlice('\n')
	switch {
	case errors.Is(err, bufio.ErrBufferFull):
		return nil, fmt.Errorf("answer has a line of more than %d bytes in its head", headLimit)
	case err == io.EOF:
		return nil, io.ErrUnexpectedEOF
	case err != nil:
		return nil, err
	}
	return bytes.TrimRight(line, "\r\n"), nil
}

// body reads the body of an answer, and nothing behind it.
type body struct {
	in      *bufio.Reader
	length  int64 // as in head
	left    int64 // of the chunk, or of all
	between bool  // a chunk was read, but not the line that ends it
	end     error // once there is one: io.EOF at the proper end
}

func (b *body) begin(h head) {
	*b = body{in: b.in, length: h.length, left: max(0, h.length)}
}

// Read gives what is there of the body. It ends with io.EOF where the answer
// says, and with io.ErrUnexpectedEOF where it does not.
func (b *body) Read(p []byte) (n int, err error) {
	if b.end == nil && b.left == 0 && b.length != untilClose {
		b.end = b.advance()
	}
	if b.end != nil {
		return 0, b.end
	}
	if b.length != untilClose {
		p = p[:min(int64(len(p)), b.left)]
	}
	n, err = b.in.Read(p)
	if b.length != untilClose {
		b.left -= int64(n)
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
	}
	b.end = err
	return n, err
}

// advance goes on to the next chunk. Its error is io.EOF behind the last one,
// and behind a body of known length.
func (b *body) advance() error {
	if b.length != chunked {
		return io.EOF
	}
	if b.between {
		if line, err := readLine(b.in); err != nil || len(line) > 0 {
			return errors.Join(err, io.ErrUnexpectedEOF)
		}
	}
	line, err := readLine(b.in)
	if err != nil {
		return err
	}
	size, _, _ := bytes.Cut(line, []byte(";"))
	if b.left, err = strconv.ParseInt(string(bytes.TrimSpace(size)), 16, 64); err != nil || b.left < 0 {
		return fmt.Errorf("answer has a chunk of size %q", line)
	}
	b.between = true
	if b.left > 0 {
		return nil
	}
	for len(line) > 0 { // trailers, and the empty line behind them
		if line, err = readLine(b.in); err != nil {
			return err
		}
	}
	return io.EOF
}
