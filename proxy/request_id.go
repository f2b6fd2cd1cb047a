// The request's id: the client's own, or a new one.

package proxy

import "math/rand/v2"

// maxRequestID is the longest X-Request-Id that is kept.
const maxRequestID = 128

// requestID is the client's X-Request-Id if it sent a usable one, else a new one;
// the same for all attempts and in everything that is said of the request.
func (x *exchange) requestID() []byte {
	if len(x.id) == 0 {
		if r := x.conn.Request; r != nil {
			if id := r.Get("x-request-id"); len(id) > 0 && len(id) <= maxRequestID && oneWord(id) {
				x.id = append(x.id, id...)
				return x.id
			}
		}
		x.id = newRequestID(x.id)
	}
	return x.id
}

// oneWord says whether b is visible ASCII: it stands in logs, and in answers.
func oneWord(b []byte) bool {
	for _, c := range b {
		if c <= ' ' || c >= 0x7f {
			return false
		}
	}
	return true
}

// appendRequestID gives the client the name by which logs, and the endpoint, know its
// request.
func (x *exchange) appendRequestID(b []byte) []byte {
	b = append(b, "X-Request-Id: "...)
	b = append(b, x.requestID()...)
	return append(b, "\r\n"...)
}

// newRequestID makes 32 hexadecimal digits at random, into dst.
func newRequestID(dst []byte) []byte {
	const digits = "0123456789abcdef"
	for range 2 {
		for n, i := rand.Uint64(), 0; i < 16; i++ {
			dst = append(dst, digits[n&15])
			n >>= 4
		}
	}
	return dst
}
