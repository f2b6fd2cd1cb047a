// The request's head as the endpoint gets it.

package proxy

import (
	"bytes"
	"net/http"
	"strconv"

	"github.com/steelyard-proxy/steelyard/proxy/strict"
)

// forwarding is how a request's body is framed on its way to the endpoint.
type forwarding struct {
	length  int64 // Content-Length; -1: none
	chunked bool
}

// appendHead writes the request's head as the endpoint gets it: the target byte
// for byte as it was routed, end-to-end fields as they came, framing and
// hop-by-hop fields of our own, and what a proxy adds.
func (a *attempt) appendHead(b []byte, f forwarding) []byte {
	x := a.x
	r := &x.conn.Request.Request
	b = append(b, r.Method...)
	b = append(b, ' ')
	b = append(b, r.Target...)
	b = append(b, " HTTP/1.1\r\nHost: "...)
	if x.upstream.PassHost && len(r.Host) > 0 {
		b = append(b, r.Host...)
	} else {
		b = append(b, a.target.Host...)
	}
	b = append(b, "\r\n"...)
	trusted := x.generation.trusts(x.conn.Peer)
	for i := range r.Fields {
		if x.reply.waiting && strict.EqualFold(r.Fields[i].Name, codings) {
			continue // the client's head has gone, and says nothing of a coding
		}
		b = x.appendRequestField(b, &r.Fields[i], f, trusted)
	}
	b = x.appendForwarded(b, r, trusted)
	b = x.appendVia(b, r.Minor)
	b = x.appendRequestID(b)
	b = a.askLoad(b)
	switch {
	case f.chunked:
		b = append(b, "Transfer-Encoding: chunked\r\n"...)
	case f.length >= 0:
		b = append(b, "Content-Length: "...)
		b = strconv.AppendInt(b, f.length, 10)
		b = append(b, "\r\n"...)
	}
	switch {
	case x.asksUpgrade():
		b = append(b, "Connection: Upgrade\r\nUpgrade: "...)
		b = append(b, r.Upgrade...)
		b = append(b, "\r\n"...)
	case r.Trailers:
		b = append(b, "TE: trailers\r\nConnection: TE\r\n"...)
	}
	return append(b, "\r\n"...)
}

// appendVia says that the message came through here, and by which version of HTTP.
func (x *exchange) appendVia(b []byte, minor int) []byte {
	b = append(b, "Via: 1."...)
	b = append(b, byte('0'+minor), ' ')
	b = append(b, x.handler.pseudonym...)
	return append(b, "\r\n"...)
}

// asksUpgrade says whether the request asks for another protocol; one with a body
// does not, since the body would have to come first.
func (x *exchange) asksUpgrade() bool {
	return x.conn.Request.Upgrade != nil && x.held.whole && x.held.n == 0
}

// appendRequestField copies a field that goes further.
func (x *exchange) appendRequestField(b []byte, f *strict.Field, as forwarding, trusted bool) []byte {
	switch f.Kind {
	case strict.End, strict.Via, strict.Date, strict.ContentType, strict.ContentEncoding:
	case strict.ForwardedProto, strict.ForwardedHost, strict.Forwarded:
		if !trusted || len(f.Value) == 0 {
			return b
		}
	case strict.Trailer:
		return appendTrailerField(b, f, as.chunked)
	case strict.MaxForwards:
		if n, err := strconv.Atoi(string(f.Value)); err == nil && n > 0 && string(x.conn.Request.Method) == http.MethodOptions {
			b = append(b, "Max-Forwards: "...)
			b = strconv.AppendInt(b, int64(n-1), 10)
			return append(b, "\r\n"...)
		}
	default:
		return b
	}
	return appendField(b, f)
}

// appendTrailerField copies what a Trailer field announces, where there are trailers.
func appendTrailerField(b []byte, f *strict.Field, chunked bool) []byte {
	if !chunked {
		return b
	}
	const name = "Trailer: "
	begin := len(b)
	b = strict.AppendAnnounced(append(b, name...), f.Value)
	if len(b) == begin+len(name) {
		return b[:begin]
	}
	return append(b, "\r\n"...)
}

func appendField(b []byte, f *strict.Field) []byte {
	b = append(b, f.Name...)
	b = append(b, ": "...)
	b = append(b, f.Value...)
	return append(b, "\r\n"...)
}

// appendForwarded adds who asked, how, and for which host. What a trusted peer
// said of this stays: X-Forwarded-For is continued, the others are its own. What it
// left empty it has not said.
func (x *exchange) appendForwarded(b []byte, r *strict.Request, trusted bool) []byte {
	hasProto, hasHost, list := false, false, false
	if trusted {
		for i := range r.Fields {
			switch f := &r.Fields[i]; f.Kind {
			case strict.ForwardedProto:
				hasProto = hasProto || len(f.Value) > 0
			case strict.ForwardedHost:
				hasHost = hasHost || len(f.Value) > 0
			case strict.ForwardedFor:
				if chain := bytes.Trim(f.Value, ", \t"); len(chain) > 0 {
					b = appendListStart(b, list)
					b = append(b, chain...)
					list = true
				}
			}
		}
	}
	if x.conn.Peer.IsValid() {
		b = appendListStart(b, list)
		b = x.conn.Peer.AppendTo(b)
		list = true
	}
	if list {
		b = append(b, "\r\n"...)
	}
	if !hasProto {
		b = append(b, "X-Forwarded-Proto: http"...)
		if x.conn.TLS {
			b = append(b, 's')
		}
		b = append(b, "\r\n"...)
	}
	if !hasHost && len(r.Host) > 0 {
		b = append(b, "X-Forwarded-Host: "...)
		b = append(b, r.Host...)
		b = append(b, "\r\n"...)
	}
	return b
}

func appendListStart(b []byte, begun bool) []byte {
	if begun {
		return append(b, ", "...)
	}
	return append(b, "X-Forwarded-For: "...)
}
