// The request target, and what hosts and paths may contain.

package strict

import "bytes"

// target checks the request target and sets Target and Path. An absolute form must
// agree with Host and is forwarded in origin form.
func (r *Request) target(t []byte) *Refusal {
	for _, c := range t {
		switch {
		case c == '#':
			return FragmentInTarget
		case c <= ' ' || c >= 0x7f:
			return BadTarget
		}
	}
	switch {
	case len(t) == 0:
		return BadTarget
	case t[0] == '/':
	case len(t) == 1 && t[0] == '*' && string(r.Method) == "OPTIONS":
		r.Target, r.Path = t, t
		return nil
	default:
		var refusal *Refusal
		if t, refusal = r.absolute(t); refusal != nil {
			return refusal
		}
	}
	r.Target, r.Path = t, t
	if i := bytes.IndexByte(t, '?'); i >= 0 {
		r.Path = t[:i]
	}
	return checkPath(r.Path)
}

var slash, asterisk = []byte("/"), []byte("*")

// absolute turns http://host/path into /path if host is that of the Host field.
func (r *Request) absolute(t []byte) ([]byte, *Refusal) {
	r.Absolute = true
	scheme, rest, ok := bytes.Cut(t, []byte("://"))
	if !ok || !EqualFold(scheme, "http") && !EqualFold(scheme, "https") {
		return nil, BadTarget
	}
	end := bytes.IndexAny(rest, "/?")
	if end < 0 {
		end = len(rest)
	}
	authority, target := rest[:end], rest[end:]
	if !ValidHost(authority) {
		return nil, BadTarget
	}
	if r.Host == nil {
		r.Host = authority
	} else if port := defaultPort(scheme); !bytes.EqualFold(withoutPort(authority, port), withoutPort(r.Host, port)) {
		return nil, HostMismatch
	}
	switch {
	case len(target) == 0 && string(r.Method) == "OPTIONS":
		return asterisk, nil
	case len(target) == 0:
		return slash, nil
	case target[0] == '?':
		return append([]byte("/"), target...), nil
	}
	return target, nil
}

// defaultPort is the port of one of the two schemes, with its colon.
func defaultPort(scheme []byte) string {
	if len(scheme) == len("https") {
		return ":443"
	}
	return ":80"
}

// withoutPort is a valid host without that port or an empty one, both of which mean
// the same as none (RFC 9110 4.2.3).
func withoutPort(host []byte, port string) []byte {
	if end := len(host) - len(port); end > 0 && string(host[end:]) == port {
		return host[:end]
	}
	if end := len(host) - 1; host[end] == ':' {
		return host[:end]
	}
	return host
}

// checkPath refuses what servers read in different ways: dot segments, plain or
// encoded, NUL, and percent signs that encode nothing. An encoded slash does not
// separate segments for routing, but it does in the search for dot segments, since
// a server may decode before it resolves them.
func checkPath(path []byte) *Refusal {
	dots, only := 0, true // of the current segment: dots seen, and nothing but dots
	for i := 0; i < len(path); i++ {
		c := path[i]
		encoded := c == '%'
		if encoded {
			if i+2 >= len(path) || unhex(path[i+1]) < 0 || unhex(path[i+2]) < 0 {
				return BadTarget
			}
			if c = byte(unhex(path[i+1])<<4 | unhex(path[i+2])); c == 0 {
				return NulInPath
			}
			i += 2
		}
		switch c {
		case '/':
			if only && (dots == 1 || dots == 2) {
				return DotSegment
			}
			dots, only = 0, true
		case '.':
			dots++
		default:
			only = false
		}
	}
	if only && (dots == 1 || dots == 2) {
		return DotSegment
	}
	return nil
}

func unhex(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	}
	return -1
}

// ValidHost says whether b is uri-host [":" port] (RFC 9110 7.2), not empty.
func ValidHost(b []byte) bool {
	if len(b) == 0 {
		return false
	}
	name, port := b, []byte(nil)
	if b[0] == '[' {
		end := bytes.IndexByte(b, ']')
		if end < 3 {
			return false
		}
		for _, c := range b[1:end] {
			if unhex(c) < 0 && c != ':' && c != '.' {
				return false
			}
		}
		if name = nil; end+1 < len(b) {
			if b[end+1] != ':' {
				return false
			}
			port = b[end+2:]
		}
	} else if i := bytes.IndexByte(b, ':'); i >= 0 {
		if i == 0 {
			return false
		}
		name, port = b[:i], b[i+1:]
	}
	for _, c := range name {
		if class[c]&isHost == 0 {
			return false
		}
	}
	return len(port) == 0 || len(port) <= 5 && number(port) >= 0 && number(port) <= 65535
}
