package conformance

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// errMore says that the bytes so far are the beginning of a good message.
var errMore = errors.New("message not complete")

type field struct{ name, value string }

// message is one request or answer as a strict reader takes it off the wire. What the gateway writes must pass this
// reader on both sides: a lenient one would hide the ambiguities that these cases look for.
type message struct {
	line    string
	method  string // requests
	target  string // requests
	status  int    // answers
	version string
	fields  []field
	body    []byte
	trailer []field
	whole   bool // the framing says that nothing is missing
	bare    bool // framed by the end of the connection
}

func (m *message) values(name string) []string {
	var vs []string
	for _, f := range m.fields {
		if strings.EqualFold(f.name, name) {
			vs = append(vs, f.value)
		}
	}
	return vs
}

func (m *message) value(name string) string { return strings.Join(m.values(name), ", ") }

func malformed(format string, args ...any) error { return fmt.Errorf("malformed: "+format, args...) }

// parseRequest reads one request from the front of b and says how many bytes it took. The message is returned with
// errMore too, as far as it goes, once its header is complete.
func parseRequest(b []byte) (*message, int, error) {
	m, n, err := parseHead(b)
	if err != nil {
		return nil, 0, err
	}
	parts := strings.Split(m.line, " ")
	if len(parts) != 3 || !token(parts[0]) || parts[1] == "" {
		return m, 0, malformed("request line %q", m.line)
	}
	m.method, m.target, m.version = parts[0], parts[1], parts[2]
	if m.version != "HTTP/1.1" && m.version != "HTTP/1.0" {
		return m, 0, malformed("version in %q", m.line)
	}
	if hosts := m.values("Host"); len(hosts) > 1 || (len(hosts) == 0 && m.version == "HTTP/1.1") {
		return m, 0, malformed("Host fields %q", hosts)
	}
	length, chunked, err := m.framing()
	if err != nil {
		return m, 0, err
	}
	if length < 0 && !chunked {
		length = 0
	}
	used, err := m.readBody(b[n:], length, chunked)
	return m, n + used, err
}

// parseAnswer reads one answer to a request of the given method. ended says that b is all there will ever be, and
// clean that its end was a FIN, which is what completes a body without any other framing.
func parseAnswer(b []byte, method string, ended, clean bool) (*message, int, error) {
	m, n, err := parseHead(b)
	if err != nil {
		return nil, 0, err
	}
	parts := strings.SplitN(m.line, " ", 3)
	if len(parts) < 2 || len(parts[1]) != 3 || (parts[0] != "HTTP/1.1" && parts[0] != "HTTP/1.0") {
		return m, 0, malformed("status line %q", m.line)
	}
	if m.status, err = strconv.Atoi(parts[1]); err != nil || m.status < 100 {
		return m, 0, malformed("status line %q", m.line)
	}
	m.version = parts[0]
	length, chunked, err := m.framing()
	switch {
	case err != nil:
		return m, 0, err
	case m.status == 101:
		m.body, m.whole, m.bare = b[n:], ended, true
		if !ended {
			return m, 0, errMore
		}
		return m, len(b), nil
	case method == "HEAD" || m.status < 200 || m.status == 204 || m.status == 304:
		m.whole = true
		return m, n, nil
	case length < 0 && !chunked:
		m.body, m.bare, m.whole = b[n:], true, ended && clean
		if !m.whole {
			return m, 0, errMore
		}
		return m, len(b), nil
	}
	used, err := m.readBody(b[n:], length, chunked)
	return m, n + used, err
}

// parseHead reads the start line and the fields, both of either kind of message.
func parseHead(b []byte) (*message, int, error) {
	end := bytes.Index(b, []byte("\r\n\r\n"))
	if end < 0 {
		if i := bytes.IndexByte(b, '\n'); i == 0 || (i > 0 && b[i-1] != '\r') {
			return nil, 0, malformed("bare LF in %q", clip(b))
		}
		return nil, 0, errMore
	}
	lines := strings.Split(string(b[:end]), "\r\n")
	m := &message{line: lines[0]}
	if strings.ContainsAny(lines[0], "\r\n\x00") {
		return m, 0, malformed("start line %q", lines[0])
	}
	fields, err := parseFields(lines[1:])
	m.fields = fields
	return m, end + 4, err
}

func parseFields(lines []string) ([]field, error) {
	var fields []field
	for _, line := range lines {
		name, value, ok := strings.Cut(line, ":")
		if !ok || !token(name) || strings.ContainsAny(line, "\r\n\x00") {
			return fields, malformed("field line %q", line)
		}
		fields = append(fields, field{name, strings.Trim(value, " \t")})
	}
	return fields, nil
}

// framing applies RFC 9112 section 6 with no leniency; length is -1 where no Content-Length is given.
func (m *message) framing() (length int, chunked bool, err error) {
	lengths, codings := m.values("Content-Length"), m.values("Transfer-Encoding")
	if len(lengths) > 1 || len(codings) > 1 || (len(lengths) > 0 && len(codings) > 0) {
		return 0, false, malformed("Content-Length %q with Transfer-Encoding %q", lengths, codings)
	}
	if len(codings) == 1 {
		if !strings.EqualFold(codings[0], "chunked") || m.version == "HTTP/1.0" {
			return 0, false, malformed("Transfer-Encoding %q in %s", codings[0], m.version)
		}
		return -1, true, nil
	}
	if len(lengths) == 0 {
		return -1, false, nil
	}
	if strings.Trim(lengths[0], "0123456789") != "" {
		return 0, false, malformed("Content-Length %q", lengths[0])
	}
	length, err = strconv.Atoi(lengths[0])
	if err != nil {
		return 0, false, malformed("Content-Length %q", lengths[0])
	}
	return length, false, nil
}

func (m *message) readBody(b []byte, length int, chunked bool) (int, error) {
	if chunked {
		return m.readChunks(b)
	}
	if len(b) < length {
		m.body = b
		return 0, errMore
	}
	m.body, m.whole = b[:length], true
	return length, nil
}

// readChunks takes RFC 9112 section 7.1 without extensions, which no intermediary should pass on unless it knows them.
func (m *message) readChunks(b []byte) (int, error) {
	n := 0
	for {
		eol := bytes.Index(b[n:], []byte("\r\n"))
		if eol < 0 {
			return 0, errMore
		}
		size, err := strconv.ParseUint(string(b[n:n+eol]), 16, 32)
		if err != nil {
			return 0, malformed("chunk size %q", clip(b[n:n+eol]))
		}
		n += eol + 2
		if size == 0 {
			break
		}
		if len(b)-n < int(size)+2 {
			m.body = append(m.body, b[n:min(len(b), n+int(size))]...)
			return 0, errMore
		}
		m.body = append(m.body, b[n:n+int(size)]...)
		n += int(size)
		if string(b[n:n+2]) != "\r\n" {
			return 0, malformed("chunk data followed by %q", b[n:n+2])
		}
		n += 2
	}
	if bytes.HasPrefix(b[n:], []byte("\r\n")) {
		m.whole = true
		return n + 2, nil
	}
	end := bytes.Index(b[n:], []byte("\r\n\r\n"))
	if end < 0 {
		return 0, errMore
	}
	fields, err := parseFields(strings.Split(string(b[n:n+end]), "\r\n"))
	m.trailer, m.whole = fields, err == nil
	return n + end + 4, err
}

// token is RFC 9110 section 5.6.2.
func token(s string) bool {
	for i := range len(s) {
		c := s[i]
		alnum := '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		if !alnum && !strings.ContainsRune("!#$%&'*+-.^_`|~", rune(c)) {
			return false
		}
	}
	return s != ""
}

func clip(b []byte) string {
	const most = 1500
	if len(b) <= most {
		return string(b)
	}
	return string(b[:most]) + fmt.Sprintf("... and %d bytes more", len(b)-most)
}
