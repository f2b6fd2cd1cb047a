// Numbers and strings of JSON.

package payload

import (
	"bytes"
	"math"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// longestNumber is how many characters a sensible number has at most.
const longestNumber = 32

// whole is the value of a whole number from 1 to 2³¹−1; 0 for anything else.
func whole(token []byte) int32 {
	if len(token) > longestNumber {
		return 0
	}
	value := int64(0)
	for _, c := range token {
		if c < '0' || c > '9' {
			return wholeFloat(token)
		}
		if value = value*10 + int64(c-'0'); value > math.MaxInt32 {
			return 0
		}
	}
	return int32(value)
}

// wholeFloat is whole for numbers such as 16.0 or 1.6e1.
func wholeFloat(token []byte) int32 {
	for _, c := range token {
		switch {
		case c >= '0' && c <= '9', c == '.', c == 'e', c == 'E', c == '+', c == '-':
		default:
			return 0 // a literal, or a number that strconv knows and JSON does not
		}
	}
	value, err := strconv.ParseFloat(string(token), 64)
	if err != nil || value < 1 || value > math.MaxInt32 || value != math.Trunc(value) {
		return 0
	}
	return int32(value)
}

// encodedLeast is the least length in bytes of an encoded text.
const encodedLeast = 256

// encoded is the length of a text that is a picture or sound, 0 if it is language.
// It is encoded if it is a data URL in base64, or a long text that begins like one.
func encoded(text []byte) int {
	if len(text) < encodedLeast {
		return 0
	}
	begin := text[:encodedLeast]
	if bytes.HasPrefix(begin, []byte("data:")) {
		if head, _, ok := bytes.Cut(begin, []byte(",")); ok && bytes.HasSuffix(head, []byte(";base64")) {
			return len(text)
		}
		return 0
	}
	if !Encoded(begin) {
		return 0
	}
	return len(text)
}

// Encoded says whether these bytes of a text are letters of base64 only, with capitals, small letters and digits among them.
func Encoded(some []byte) bool {
	var capitals, small, digits bool
	for _, c := range some {
		switch {
		case c >= 'A' && c <= 'Z':
			capitals = true
		case c >= 'a' && c <= 'z':
			small = true
		case c >= '0' && c <= '9':
			digits = true
		case c == '+', c == '/', c == '-', c == '_', c == '=', c == '\\': // some write / as \/
		default:
			return false
		}
	}
	return capitals && small && digits
}

// plain returns a text without escapes and in UTF-8: the text itself if it is so
// already, else a copy in scratch.
func plain(text, scratch []byte) []byte {
	if bytes.IndexByte(text, '\\') < 0 && utf8.Valid(text) {
		return text
	}
	return unescape(scratch[:0], text)
}

// AppendPlain appends a text of a body without its escapes and in UTF-8, of a long one about so many bytes.
func AppendPlain(b, text []byte, most int) []byte {
	const longestEscape = 12 // two halves of a pair
	begin := len(b)
	if b = unescape(b, text[:min(len(text), most*longestEscape)]); len(b)-begin > most {
		b = b[:begin+most]
	}
	return b
}

// unescape appends a text to b with its escapes undone, as encoding/json does:
// half a surrogate pair and bytes that are not UTF-8 become U+FFFD. An escape that
// JSON does not know stays as it is.
func unescape(b, text []byte) []byte {
	for len(text) > 0 {
		if text[0] != '\\' || len(text) == 1 {
			r, size := utf8.DecodeRune(text)
			b, text = utf8.AppendRune(b, r), text[size:]
			continue
		}
		if i := bytes.IndexByte([]byte(`"\/bfnrt`), text[1]); i >= 0 {
			b, text = append(b, "\"\\/\b\f\n\r\t"[i]), text[2:]
			continue
		}
		r := unit(text)
		if r < 0 {
			b, text = append(b, '\\'), text[1:]
			continue
		}
		text = text[unitLength:]
		if utf16.IsSurrogate(r) {
			if pair := utf16.DecodeRune(r, unit(text)); pair != utf8.RuneError {
				r, text = pair, text[unitLength:]
			} else {
				r = utf8.RuneError
			}
		}
		b = utf8.AppendRune(b, r)
	}
	return b
}

const unitLength = len(`\u0000`)

// unit is the UTF-16 unit at the start of a text, as \u and four digits, or -1.
func unit(text []byte) rune {
	if len(text) < unitLength || text[0] != '\\' || text[1] != 'u' {
		return -1
	}
	r := rune(0)
	for _, c := range text[2:unitLength] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return -1
		}
		r = r<<4 | rune(c)
	}
	return r
}
