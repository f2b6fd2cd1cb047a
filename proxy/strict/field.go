// Fields: their kinds, and parsing one line.

package strict

import (
	"bytes"
	"encoding/binary"
	"math"
)

// Kind is what a proxy must do with a field.
type Kind uint8

// The kinds. All fields that a proxy need not understand are End (end to end).
const (
	End              Kind = iota
	Hop                   // removed: hop-by-hop by RFC 9110 7.6.1, or named in Connection
	Connection            // removed, its tokens obeyed
	ContentLength         // framing, written anew
	TransferEncoding      // framing, written anew
	Trailer               // announces trailers: kept where the body stays chunked
	TE
	Host
	Expect
	Upgrade
	Via
	MaxForwards
	ForwardedFor
	ForwardedProto
	ForwardedHost
	Forwarded // RFC 7239, any other field in which proxies name their client, or a look-alike
	RequestID
	Date
	ContentType
	ContentEncoding
)

// Field is one field line. Name and Value point into the parsed bytes; Value is
// trimmed.
type Field struct {
	Name, Value []byte
	Kind        Kind
}

// kinds has the known names by length, so that a name is compared with only a few.
var kinds = func() (table [longestKnown + 1][]struct {
	name string
	kind Kind
}) {
	for name, kind := range map[string]Kind{
		"connection": Connection, "keep-alive": Hop, "proxy-connection": Hop, "proxy-authenticate": Hop,
		"proxy-authorization": Hop, "http2-settings": Hop, "content-length": ContentLength,
		"transfer-encoding": TransferEncoding, "trailer": Trailer, "te": TE, "host": Host, "expect": Expect,
		"upgrade": Upgrade, "via": Via, "max-forwards": MaxForwards, "x-forwarded-for": ForwardedFor,
		"x-forwarded-proto": ForwardedProto, "x-forwarded-host": ForwardedHost, "forwarded": Forwarded,
		"x-original-forwarded-for": Forwarded, "x-original-host": Forwarded, "x-original-proto": Forwarded, "x-original-for": Forwarded,
		"x-real-ip": Forwarded, "x-client-ip": Forwarded, "x-cluster-client-ip": Forwarded, "true-client-ip": Forwarded,
		"cf-connecting-ip": Forwarded, "cf-connecting-ipv6": Forwarded, "fastly-client-ip": Forwarded, "x-azure-clientip": Forwarded,
		"x-envoy-external-address": Forwarded, "x-proxyuser-ip": Forwarded, "x-scheme": Forwarded, "x-url-scheme": Forwarded,
		"x-host": Forwarded, "front-end-https": Forwarded,
		"x-request-id": RequestID, "date": Date, "content-type": ContentType, "content-encoding": ContentEncoding,
	} {
		table[len(name)] = append(table[len(name)], struct {
			name string
			kind Kind
		}{name, kind})
	}
	return table
}()

// longestKnown is the length of the longest name that has a kind of its own.
const longestKnown = len("x-original-forwarded-for")

func kindOf(name []byte) Kind {
	if len(name) < len(kinds) {
		for i := range kinds[len(name)] {
			if e := &kinds[len(name)][i]; EqualFold(name, e.name) {
				return e.kind
			}
		}
	}
	const family = "x-forwarded"
	if len(name) >= len(family) && name[0]|0x20 == 'x' && EqualFold(name[:len(family)], family) &&
		(len(name) == len(family) || name[len(family)] == '-') {
		return Forwarded
	}
	return End
}

// lookalike is the kind that a name with underscores would have with hyphens: many
// servers take both for the same.
func lookalike(name []byte) Kind {
	if bytes.IndexByte(name, '_') < 0 {
		return End
	}
	var plain [longestKnown + 1]byte
	n := copy(plain[:], name) // the start of a longer name tells its family
	for i, c := range plain[:n] {
		if c == '_' {
			plain[i] = '-'
		}
	}
	return kindOf(plain[:n])
}

// EqualFold compares b with a lower-case ASCII string, without regard to case.
func EqualFold(b []byte, lower string) bool {
	if len(b) != len(lower) {
		return false
	}
	for i := range b {
		c := b[i]
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

const (
	isToken = 1 << iota // RFC 9110 5.6.2
	isHost              // reg-name without the comma, by which merged fields are recognised
)

var class = func() (t [256]uint8) {
	for c := '0'; c <= 'z'; c++ {
		if c <= '9' || 'A' <= c && c <= 'Z' || c >= 'a' {
			t[c] = isToken | isHost
		}
	}
	for _, c := range "!#$%&'*+-.^_`|~" {
		t[c] |= isToken
	}
	for _, c := range "-._~%!$&'()*+;=" {
		t[c] |= isHost
	}
	return t
}()

// Token says whether b is a token by RFC 9110 5.6.2.
func Token(b []byte) bool {
	for _, c := range b {
		if class[c]&isToken == 0 {
			return false
		}
	}
	return len(b) > 0
}

// visible says whether b holds no control character but tabs. It looks at eight bytes
// at a time, which is enough for nearly all values.
func visible(b []byte) bool {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	for ; len(b) >= 8; b = b[8:] {
		w := binary.LittleEndian.Uint64(b)
		control := (w - ones*0x20) &^ w // a byte under 0x20
		del := w ^ ones*0x7f
		if (control|(del-ones)&^del)&highs != 0 && !visibleSlow(b[:8]) {
			return false
		}
	}
	return visibleSlow(b)
}

func visibleSlow(b []byte) bool {
	for _, c := range b {
		if c < 0x20 && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}

// trim removes optional white space at both ends (RFC 9110 5.6.3).
func trim(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t') {
		b = b[1:]
	}
	for len(b) > 0 && (b[len(b)-1] == ' ' || b[len(b)-1] == '\t') {
		b = b[:len(b)-1]
	}
	return b
}

// parseField splits one line (without its end). lenient removes white space
// before the colon, which a proxy must do in answers and must not do in
// requests (RFC 9112 5.1).
func parseField(line []byte, lenient bool) (Field, *Refusal) {
	colon := bytes.IndexByte(line, ':')
	if colon < 0 {
		return Field{}, BadFieldName
	}
	name := line[:colon]
	if lenient {
		name = trim(name)
	}
	if !Token(name) {
		return Field{}, BadFieldName
	}
	value := trim(line[colon+1:])
	if !visible(value) {
		return Field{}, BadFieldValue
	}
	return Field{Name: name, Value: value, Kind: kindOf(name)}, nil
}

// eachToken calls visit for each element of a comma-separated list.
func eachToken(list []byte, visit func(token []byte)) {
	eachTokenUntil(list, func(token []byte) bool { visit(token); return true })
}

// eachTokenUntil is eachToken, while visit wants more.
func eachTokenUntil(list []byte, visit func(token []byte) (more bool)) {
	for at := 0; at < len(list); {
		if c := list[at]; c == ',' || c == ' ' || c == '\t' {
			at++
			continue
		}
		end := bytes.IndexByte(list[at:], ',')
		if end < 0 {
			end = len(list) - at
		}
		if !visit(trim(list[at : at+end])) {
			return
		}
		at += end
	}
}

// Names says whether a comma-separated list has an element, without regard to case.
func Names(list, element []byte) bool {
	found := false
	eachToken(list, func(token []byte) { found = found || len(element) > 0 && bytes.EqualFold(token, element) })
	return found
}

// number reads a plain decimal number that fits 63 bits, or -1.
func number(b []byte) int64 {
	if len(b) == 0 {
		return -1
	}
	var n int64
	for _, c := range b {
		d := int64(c) - '0'
		if d < 0 || d > 9 || n > (math.MaxInt64-d)/10 {
			return -1
		}
		n = n*10 + d
	}
	return n
}
