// Who asks, as it is kept: hashes of keys and names, or names made harmless.

package usage

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"hash/maphash"
	"strconv"
	"sync/atomic"
	"unicode"
	"unicode/utf8"
)

// Source is what a request is known by. The zero Source is nothing.
type Source uint8

const (
	NoSource Source = iota
	ByKey           // a secret that the request has: never kept as it is
	ByName          // a name that a trusted proxy or the request itself gives its user
	ByAddress
)

var sourcePrefix = [...]string{ByKey: "key:", ByName: "user:", ByAddress: "addr:"}

// Mode is what is kept of users.
type Mode uint8

const (
	Hashed Mode = iota // hashes of names, keys and addresses
	Plain              // names and addresses as they are; keys hashed
	Off                // nothing
)

const (
	mostName  = 128 // bytes of a name
	hashBytes = 6
	// knownUsers is how many users are remembered, so that not each request needs a hash.
	knownUsers = 4096
)

// Identifier makes a UserID of what a request is known by. Any goroutine may use it.
type Identifier struct {
	mode   Mode
	secret []byte
	seed   maphash.Seed
	known  [knownUsers]atomic.Pointer[identity]
}

type identity struct {
	hash   uint64
	source Source
	id     UserID
}

// NewIdentifier makes one. The secret keeps others from finding out by trial whom a hash stands for.
func NewIdentifier(mode Mode, secret []byte) *Identifier {
	return &Identifier{mode: mode, secret: secret, seed: maphash.MakeSeed()}
}

// Of is the user with that key, name or address. It allocates only for one that it has not met lately.
func (i *Identifier) Of(source Source, said []byte) UserID {
	if i.mode == Off || source == NoSource || len(said) == 0 {
		return ""
	}
	hash := maphash.Bytes(i.seed, said) ^ uint64(source)
	place := &i.known[hash%knownUsers]
	if k := place.Load(); k != nil && k.hash == hash && k.source == source {
		return k.id
	}
	k := &identity{hash, source, i.make(source, said)}
	place.Store(k)
	return k.id
}

func (i *Identifier) make(source Source, said []byte) UserID {
	prefix := sourcePrefix[source]
	if i.mode == Plain && source != ByKey {
		return UserID(prefix + Harmless(string(said)))
	}
	if source != ByKey {
		said = said[:min(len(said), mostName)]
	}
	mac := hmac.New(sha256.New, i.secret)
	mac.Write([]byte(prefix))
	mac.Write(said)
	return UserID(prefix + hex.EncodeToString(mac.Sum(nil)[:hashBytes]))
}

// Harmless is a name that may stand in any answer and file: printable, of one line and at most 128 bytes. What is
// neither is escaped, and what is longer cut.
func Harmless(name string) string {
	if len(name) <= mostName && isHarmless(name) {
		return name
	}
	b := make([]byte, 0, mostName)
	for i := 0; i < len(name); {
		r, size := utf8.DecodeRuneInString(name[i:])
		before := len(b)
		switch {
		case r == utf8.RuneError && size == 1:
			b = append(append(b, `\x`...), hex.EncodeToString([]byte{name[i]})...)
		case r == '\\' || !unicode.IsPrint(r):
			quoted := strconv.AppendQuoteRuneToASCII(nil, r)
			b = append(b, quoted[1:len(quoted)-1]...)
		default:
			b = utf8.AppendRune(b, r)
		}
		if len(b) > mostName {
			return string(b[:before])
		}
		i += size
	}
	return string(b)
}

func isHarmless(name string) bool {
	for _, r := range name {
		if r == utf8.RuneError || r == '\\' || !unicode.IsPrint(r) {
			return false
		}
	}
	return true
}
