// Who asks, and for what, as the request says it itself.

package proxy

import (
	"bytes"
	"hash/maphash"
	"math/bits"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/steelyard-proxy/steelyard/balancer/predict"
	"github.com/steelyard-proxy/steelyard/proxy/payload"
	"github.com/steelyard-proxy/steelyard/proxy/strict"
	"github.com/steelyard-proxy/steelyard/proxy/wire"
)

// Known is what a request is known by.
type Known uint8

// What a request may be known by.
const (
	KnownByNothing Known = iota
	KnownByKey           // the secret that it has for its server
	KnownByName          // a name that a trusted proxy, or the request itself, gives its user
	KnownByAddress
)

// Who is who asks, and for what, as the request says it. It is found where Generation.Usage wants that.
type Who struct {
	By   Known
	User []byte // the key, the name or the address, cut to what tells users apart; used again like the Record

	Model    string
	Features predict.Features
	Body     uint64 // equal for bodies that are the same, in one run of the program; 0: not known

	Retry   int           // X-Stainless-Retry-Count; -1: not said
	Timeout time.Duration // X-Stainless-Timeout; 0: not said

	found bool // identify has been called
}

const (
	mostKey  = 1 << 10 // bytes of a key that count; tokens that are longer differ before
	mostUser = 128     // bytes of a name that count
)

// reset keeps the memory of the user.
func (w *Who) reset() { *w = Who{User: w.User[:0]} }

// identify finds who asks, as far as the head and the body say; b is nil where the body is not at hand. The
// head and the body are gone once the answer begins.
func (x *exchange) identify(b *peeked) {
	w, r := &x.who, x.conn.Request
	w.User, w.By, w.Retry, w.Timeout, w.found = w.User[:0], KnownByNothing, -1, 0, true
	trusted := x.generation.trusts(x.conn.Peer)
	var key, name []byte
	for i := range r.Fields {
		f := &r.Fields[i]
		// Of any kind: a client behind the proxy may name the field in Connection, to be taken for somebody else.
		if n := len(x.generation.UserHeader); n > 0 && trusted && len(f.Name) == n && bytes.EqualFold(f.Name, x.generation.UserHeader) {
			name = f.Value
		}
		if f.Kind != strict.End {
			continue
		}
		switch len(f.Name) {
		case len(authorizationField), len(keyField), len(azureKeyField), len(retryField), len(timeoutField):
			if k := w.field(f); len(k) > 0 {
				key = k
			}
		}
	}
	switch {
	case len(name) > 0:
		w.set(KnownByName, name, mostUser)
	case len(key) > 0:
		w.set(KnownByKey, key, mostKey)
	case b != nil && x.namesItself(&b.prompt):
	default:
		x.identifyByAddress(&r.Request, trusted)
	}
}

var (
	authorizationField = []byte("authorization")
	keyField           = []byte("x-api-key") // Anthropic
	azureKeyField      = []byte("api-key")
	retryField         = []byte("x-stainless-retry-count") // the SDKs of OpenAI and Anthropic
	timeoutField       = []byte("x-stainless-timeout")     // in seconds
)

// field takes in a field of the head, and returns the key that it has.
func (w *Who) field(f *strict.Field) (key []byte) {
	switch {
	case bytes.EqualFold(f.Name, authorizationField):
		_, credential, two := bytes.Cut(f.Value, space)
		if !two {
			credential = f.Value
		}
		return real(bytes.TrimSpace(credential))
	case bytes.EqualFold(f.Name, keyField), bytes.EqualFold(f.Name, azureKeyField):
		return real(f.Value)
	case bytes.EqualFold(f.Name, retryField):
		if n, ok := smallNumber(f.Value); ok {
			w.Retry = n
		}
	case bytes.EqualFold(f.Name, timeoutField):
		if n, ok := smallNumber(f.Value); ok {
			w.Timeout = time.Duration(n) * time.Second
		}
	}
	return nil
}

var space = []byte{' '}

// real is a key that tells somebody apart; those that people write because a client wants some key do not.
func real(key []byte) []byte {
	switch string(key) {
	case "EMPTY", "empty", "none", "None", "null", "undefined", "dummy", "fake", "ollama", "lm-studio", "no-key", "not-needed", "sk-no-key-required", "no-key-required", "-":
		return nil
	}
	return key
}

// smallNumber reads up to six digits.
func smallNumber(text []byte) (n int, ok bool) {
	if len(text) == 0 || len(text) > 6 {
		return 0, false
	}
	for _, c := range text {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = 10*n + int(c-'0')
	}
	return n, true
}

func (w *Who) set(by Known, user []byte, most int) {
	w.By, w.User = by, append(w.User[:0], user[:min(len(user), most)]...)
}

// namesItself takes the name that the body gives its user, if it does.
func (x *exchange) namesItself(p *payload.Prompt) bool {
	for _, tag := range [...]payload.Tag{payload.User, payload.SafetyIdentifier, payload.MetadataUser} {
		if text := p.Tag(tag); len(text) > 0 {
			x.who.By, x.who.User = KnownByName, payload.AppendPlain(x.who.User[:0], text, mostUser)
			return true
		}
	}
	return false
}

// identifyByAddress takes the address of the client, which a trusted peer tells. Hosts have whole networks of
// IPv6: of those the first 64 bits count.
func (x *exchange) identifyByAddress(r *strict.Request, trusted bool) {
	address := x.conn.Peer
	if trusted {
		if said, ok := x.forwardedFor(r); ok {
			address = said
		}
	}
	if !address.IsValid() {
		return
	}
	if address.Is6() && !address.Is4In6() {
		if network, err := address.WithZone("").Prefix(64); err == nil {
			x.who.By, x.who.User = KnownByAddress, network.AppendTo(x.who.User[:0])
			return
		}
	}
	x.who.By, x.who.User = KnownByAddress, address.Unmap().AppendTo(x.who.User[:0])
}

// forwardedFor is the last address in X-Forwarded-For that is none of a trusted proxy, or the first of all.
func (x *exchange) forwardedFor(r *strict.Request) (found netip.Addr, ok bool) {
	for i := len(r.Fields) - 1; i >= 0; i-- {
		if r.Fields[i].Kind != strict.ForwardedFor {
			continue
		}
		for rest := r.Fields[i].Value; len(rest) > 0; {
			last := bytes.LastIndexByte(rest, ',')
			one := bytes.TrimSpace(rest[last+1:])
			rest = rest[:max(last, 0)]
			address, good := parseAddress(one)
			if !good {
				return found, ok // who comes before a name that says nothing is not to be believed
			}
			if found, ok = address, true; !x.generation.trusts(address) {
				return found, true
			}
		}
	}
	return found, ok
}

// parseAddress reads an address, of IPv4 without allocating; what is none, or has a port or a zone, is not read.
func parseAddress(text []byte) (netip.Addr, bool) {
	const longest = 45
	if len(text) == 0 || len(text) > longest {
		return netip.Addr{}, false
	}
	if bytes.IndexByte(text, ':') < 0 {
		return parseAddress4(text)
	}
	address, err := netip.ParseAddr(string(text))
	return address.Unmap(), err == nil && address.Zone() == ""
}

func parseAddress4(text []byte) (netip.Addr, bool) {
	var parts [4]byte
	for i := range parts {
		part, rest, more := bytes.Cut(text, dot)
		n, ok := smallNumber(part)
		if !ok || n > 255 || more == (i == len(parts)-1) {
			return netip.Addr{}, false
		}
		parts[i], text = byte(n), rest
	}
	return netip.AddrFrom4(parts), true
}

var dot = []byte{'.'}

// bodyHash is a hash of the body that is held; 0 where it is not held whole. Of a large one only the beginning, the end and
// the length count: that is enough to know one that is sent again, and costs less than 2 µs.
func (x *exchange) bodyHash() (sum uint64) {
	const part = 4 << 10
	h := &x.held
	if !h.whole || h.n == 0 {
		return 0
	}
	sum = uint64(h.n)
	for i, block := range h.blocks {
		if i > 0 && i < len(h.blocks)-2 {
			continue
		}
		piece := block[:min(wire.BlockBytes, h.n-i*wire.BlockBytes)]
		if i == 0 {
			sum = mix(sum, maphash.Bytes(seed, piece[:min(len(piece), part)]))
		}
		sum = mix(sum, maphash.Bytes(seed, piece[max(0, len(piece)-part):]))
	}
	return max(sum, 1)
}

// mix joins two hashes.
func mix(a, b uint64) uint64 {
	high, low := bits.Mul64(a^0x9e3779b97f4a7c15, b^0xbf58476d1ce4e5b9)
	return high ^ low
}

// modelNames keeps the names of models that requests ask for, so that a name is made once and not for each request. It
// has room for some; others take each other's place.
type modelNames [256]atomic.Pointer[string]

// get is the name as a string that may be kept.
func (m *modelNames) get(name []byte) string {
	if len(name) == 0 {
		return ""
	}
	place := &m[maphash.Bytes(seed, name)%uint64(len(m))]
	if known := place.Load(); known != nil && *known == string(name) {
		return *known
	}
	made := string(name)
	place.Store(&made)
	return made
}
