// The head of a client's request.

package strict

import "bytes"

// Request is the head of one request, parsed in place. Reuse one value for many
// requests: Parse resets it.
type Request struct {
	message
	Method   []byte
	Target   []byte // as it is forwarded: origin-form or "*"
	Path     []byte // Target up to the query, undecoded; may be unchecked in a refused request
	Host     []byte // the Host field; empty for an HTTP/1.0 request without one
	Absolute bool   // the target came in absolute form
	Expect   bool   // the client waits for 100 Continue
}

// Head says whether this is a HEAD request, whose answer has no body whatever its fields say.
func (r *Request) Head() bool { return string(r.Method) == "HEAD" }

// HasBody says whether a body of at least one byte may follow the head.
func (r *Request) HasBody() bool { return r.Chunked || r.ContentLength > 0 }

// Parse reads a whole head, blank line included, and decides whether it may be
// served. On a refusal r holds what was read up to that point.
func (r *Request) Parse(head []byte) *Refusal {
	r.reset()
	*r = Request{message: r.message}
	line, rest, ok := cutLine(head)
	if !ok {
		return BadLineEnd
	}
	target, refusal := r.requestLine(line)
	if refusal != nil {
		return refusal
	}
	if refusal := r.fields(rest, false, r.field); refusal != nil {
		return refusal
	}
	if r.Host == nil && r.Minor == 1 {
		return NoHost
	}
	return r.target(target)
}

// requestLine reads METHOD SP target SP HTTP/1.x.
func (r *Request) requestLine(line []byte) (target []byte, refusal *Refusal) {
	first, last := bytes.IndexByte(line, ' '), bytes.LastIndexByte(line, ' ')
	if first < 0 || first == last {
		return nil, BadRequestLine
	}
	method, target, version := line[:first], line[first+1:last], line[last+1:]
	if !Token(method) {
		return nil, BadRequestLine
	}
	r.Method = method
	r.Path = roughPath(target) // for the answer to a refused request, and the log
	if refusal := r.version(version); refusal != nil {
		return nil, refusal
	}
	if m := string(method); m == "CONNECT" || m == "TRACE" {
		return nil, MethodRefused
	}
	return target, nil
}

// Glimpse reads what can be told of a request that is refused before its head is whole: b is
// how it begins. What it finds is unchecked.
func (r *Request) Glimpse(b []byte) {
	r.reset()
	*r = Request{message: r.message}
	r.Minor = 1
	line, _, _ := bytes.Cut(b, []byte{'\n'})
	method, rest, found := bytes.Cut(line, []byte{' '})
	if !found || !Token(method) {
		return
	}
	target, version, _ := bytes.Cut(rest, []byte{' '})
	r.Method, r.Path = method, roughPath(target)
	if bytes.HasPrefix(version, []byte("HTTP/1.0")) {
		r.Minor = 0
	}
}

// roughPath is the path of a target as it stands there, in origin-form or absolute-form.
func roughPath(target []byte) []byte {
	if len(target) > 0 && target[0] != '/' {
		_, target, _ = bytes.Cut(target, []byte("://"))
		target = target[min(uint(bytes.IndexByte(target, '/')), uint(len(target))):] // to its end where there is none
	}
	path, _, _ := bytes.Cut(target, []byte{'?'})
	return path
}

func (r *Request) version(v []byte) *Refusal {
	switch {
	case string(v) == "HTTP/1.1":
		r.Minor = 1
	case string(v) == "HTTP/1.0":
		r.Minor = 0
	case len(v) == 8 && string(v[:5]) == "HTTP/" && isDigit(v[5]) && v[6] == '.' && isDigit(v[7]):
		return VersionNotServed
	default:
		return BadRequestLine
	}
	return nil
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// field looks at a field only requests have.
func (r *Request) field(f *Field) *Refusal {
	switch f.Kind {
	case End:
		switch kind := lookalike(f.Name); kind {
		case ContentLength, TransferEncoding:
			return FramingLookalike
		case ForwardedFor, ForwardedProto, ForwardedHost, Forwarded:
			f.Kind = Forwarded
		}
	case Host:
		if r.Host != nil {
			return TwoHosts
		}
		if !ValidHost(f.Value) {
			return BadHost
		}
		r.Host = f.Value
	case Expect:
		if !EqualFold(f.Value, "100-continue") {
			return BadExpectation
		}
		r.Expect = r.Minor == 1
	case TE:
		eachToken(f.Value, func(token []byte) { r.Trailers = r.Trailers || EqualFold(token, "trailers") })
	}
	return nil
}
