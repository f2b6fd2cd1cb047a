// One row of the request log as text.

package requestlog

import (
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// header is the first line of each file. Nothing is appended to a file that begins otherwise, so
// columns may be added and moved.
const header = "time,upstream,endpoint,model,prompt_bytes,max_tokens,stream,status,class," +
	"queue_s,first_byte_s,service_s,capacity,slots,work\n"

// appendRow appends a line. It holds no line break but its end, whatever
// the cells hold.
func appendRow(b []byte, r *Row) []byte {
	b = r.Arrived.UTC().AppendFormat(b, "2006-01-02T15:04:05.000000Z")
	b = appendCell(b, r.Upstream)
	b = appendCell(b, r.Endpoint)
	b = appendCell(b, r.Model)
	b = strconv.AppendInt(append(b, ','), int64(r.PromptBytes), 10)
	b = strconv.AppendInt(append(b, ','), int64(r.MaxTokens), 10)
	b = strconv.AppendBool(append(b, ','), r.Stream)
	b = strconv.AppendInt(append(b, ','), int64(r.Status), 10)
	b = appendCell(b, r.Class)
	b = appendSeconds(b, r.Queue)
	b = appendSeconds(b, r.FirstByte)
	b = appendSeconds(b, r.Service)
	b = appendNumber(b, r.Capacity)
	b = strconv.AppendInt(append(b, ','), int64(r.Slots), 10)
	b = appendNumber(b, r.Work)
	return append(b, '\n')
}

// appendCell appends a comma and a cell. Clients choose some of the text, and somebody will open
// the file in a spreadsheet. So a cell that would be a formula there gets an apostrophe before it,
// and so does one that begins with an apostrophe: whoever reads cells takes one away. Control
// characters become U+FFFD.
func appendCell(b []byte, text string) []byte {
	b = append(b, ',')
	quoted := strings.ContainsAny(text, `," `)
	if quoted {
		b = append(b, '"')
	}
	first, _ := utf8.DecodeRuneInString(strings.TrimLeft(text, " "))
	if strings.ContainsRune("=+-@'＝＋－＠", first) {
		b = append(b, '\'')
	}
	for _, r := range text {
		switch {
		case r == '"':
			b = append(b, `""`...)
		case unicode.IsControl(r), r == '\u2028', r == '\u2029':
			b = utf8.AppendRune(b, utf8.RuneError)
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	if quoted {
		b = append(b, '"')
	}
	return b
}

func appendSeconds(b []byte, d time.Duration) []byte {
	return strconv.AppendFloat(append(b, ','), d.Seconds(), 'f', 6, 64)
}

// appendNumber appends a comma and a number. NaN and infinity are written as 0: not known.
func appendNumber(b []byte, x float64) []byte {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		x = 0
	}
	return strconv.AppendFloat(append(b, ','), x, 'g', -1, 64)
}
