// Going through JSON eight bytes at a time, where one at a time takes too long.

package payload

import (
	"encoding/binary"
	"math/bits"
)

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// zeros has the highest bit of each byte of w that is zero.
func zeros(w uint64) uint64 { return ^((w&^highs + ^uint64(highs)) | w | ^uint64(highs)) }

// short returns where a string is closed that has less than 8 bytes and no escapes, as most names
// have; 0 if this one is not like that.
func short(body []byte, begin int) (end int) {
	if begin+8 > len(body) {
		return 0
	}
	w := binary.LittleEndian.Uint64(body[begin:])
	quotes := zeros(w ^ '"'*ones)
	if zeros(w^'\\'*ones)&(quotes-1)&^quotes != 0 || quotes == 0 {
		return 0
	}
	return begin + bits.TrailingZeros64(quotes)/8
}

// dense goes through the inside of a string that has many escapes, such as code. It returns
// where the string is closed; or, where escapes have become rare, how far it came: that is
// behind an escape, never in it.
func dense(body []byte, at int) (to int, closed bool) {
	escaped := uint64(0) // the highest bit of the next byte, if it is escaped
	for rare := 0; rare < 8 && at+8 <= len(body); at += 8 {
		w := binary.LittleEndian.Uint64(body[at:])
		quotes, slashes := zeros(w^'"'*ones), zeros(w^'\\'*ones)
		behind := slashes<<8 | escaped
		if quotes&^behind|slashes&behind == 0 { // all quotes are escaped, and no backslash is
			escaped = slashes >> 56
			if rare++; quotes|slashes != 0 {
				rare = 0
			}
			continue
		}
		i := at + int(escaped>>7)
		for ; i < at+8 && body[i] != '"'; i++ {
			if body[i] == '\\' {
				i++
			}
		}
		if i < at+8 {
			return i, true
		}
		escaped, rare = uint64(i-at-8)<<7, 0
	}
	return min(at+int(escaped>>7), len(body)), false
}

// calm returns the first place from here on that may be structural, or less than 8 bytes
// before the end. Brackets are what is left when the bits in which they differ are taken out,
// and some letters.
func calm(body []byte, at int) int {
	const same = '[' & ']' & '{' & '}'
	const differ = ('[' | ']' | '{' | '}') ^ same
	for at+8 <= len(body) {
		w := binary.LittleEndian.Uint64(body[at:])
		if found := zeros(w^'"'*ones) | zeros(w&^(differ*ones)^same*ones); found != 0 {
			return at + bits.TrailingZeros64(found)/8
		}
		at += 8
	}
	return at
}
