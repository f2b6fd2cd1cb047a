// The Connection field: hop-by-hop fields and upgrades.

package strict

import "bytes"

// named is an element of Connection that names a field.
type named struct {
	token []byte
	hash  uint64
}

// removeNamed marks the fields that Connection names as hop-by-hop. A field is
// compared only with elements of the same hash, so that many fields, many elements
// or long ones cost no more than their bytes.
func (m *message) removeNamed() {
	var list [maxOptions]named
	n, seen := 0, uint64(0)
	for i := range m.Fields {
		if m.Fields[i].Kind != Connection {
			continue
		}
		eachToken(m.Fields[i].Value, func(token []byte) {
			if kindOf(token) == End {
				list[n] = named{token, foldHash(token)}
				seen |= 1 << (list[n].hash >> 58)
				n++
			}
		})
	}
	for i := range m.Fields {
		f := &m.Fields[i]
		if f.Kind != End {
			continue
		}
		hash := foldHash(f.Name)
		if seen&(1<<(hash>>58)) == 0 {
			continue
		}
		for k := range list[:n] {
			if list[k].hash == hash && bytes.EqualFold(f.Name, list[k].token) {
				f.Kind = Hop
				break
			}
		}
	}
}

// foldHash is a hash of b that ignores the case of letters. An attacker gains little
// from names with equal hashes: there are at most maxOptions of them.
func foldHash(b []byte) uint64 {
	const basis, prime = 0xcbf29ce484222325, 0x9e3779b97f4a7c15
	h := uint64(basis)
	for _, c := range b {
		h = (h ^ uint64(c|0x20)) * prime
	}
	return h
}

// upgrade finds the protocol that the message switches to, which counts only
// where Connection names it (RFC 9110 7.8). Another version of HTTP is never
// tunnelled: requests inside the tunnel would pass the gate unseen.
func (m *message) upgrade() {
	var protocol []byte
	named := false
	for i := range m.Fields {
		switch f := &m.Fields[i]; f.Kind {
		case Upgrade:
			protocol = f.Value
		case Connection:
			eachToken(f.Value, func(token []byte) { named = named || EqualFold(token, "upgrade") })
		}
	}
	if protocol == nil || !named || m.Minor == 0 {
		return
	}
	http := false
	eachToken(protocol, func(token []byte) { http = http || isHTTP(token) })
	if !http {
		m.Upgrade = protocol
	}
}

func isHTTP(protocol []byte) bool {
	const named = "http/"
	return EqualFold(protocol, "h2c") || EqualFold(protocol, "h2") ||
		len(protocol) >= len(named) && EqualFold(protocol[:len(named)], named)
}
