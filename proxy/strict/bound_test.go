package strict

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	requestStart = "GET / HTTP/1.1\r\nHost: a\r\n"
	answerStart  = "HTTP/1.1 200 OK\r\n"
)

// costly are heads of some 8 KiB that were, or might be, much work for their size.
var costly = map[string]string{
	"one short option often":    "Connection: q" + strings.Repeat(",te", 1000) + "\r\n" + strings.Repeat("a:\r\n", 900),
	"as many as may be":         "Connection: q" + strings.Repeat(",te", maxOptions-1) + "\r\n" + strings.Repeat("a:\r\n", 900),
	"options of one length":     "Connection: " + strings.Join(numbered(maxOptions, "%03d"), ",") + "\r\n" + strings.Join(numbered(900, "x%02d:\r\n"), ""),
	"long options, long fields": "Connection: " + strings.Join(numbered(maxOptions, strings.Repeat("x", 60)+"%03d"), ",") + "\r\n" + strings.Join(numbered(60, strings.Repeat("x", 60)+"y%02d:\r\n"), ""),
	"many Connection fields":    strings.Repeat("Connection: te\r\n", 500),
	"empty options":             "Connection: q" + strings.Repeat(",", 4000) + "\r\n" + strings.Repeat("a:\r\n", 900),
	"many fields":               strings.Repeat("a:\r\n", 900),
	"TE":                        strings.Repeat("TE: "+strings.Repeat("a,", 300)+"trailers\r\n", 13),
	"Trailer":                   strings.Repeat("Trailer: "+strings.Repeat("a,", 300)+"\r\n", 13),
	"Accept":                    strings.Repeat("Accept: "+strings.Repeat("a,", 300)+"\r\n", 13),
	"Upgrade":                   "Connection: upgrade\r\nUpgrade: " + strings.Repeat("a,", 4000) + "\r\n",
	"X-Forwarded-For":           strings.Repeat("X-Forwarded-For: 1\r\n", 400),
	"look-alikes":               strings.Repeat("X_Forwarded_For: 1\r\n", 400),
	"Via":                       "Via: " + strings.Repeat("1.1 a,", 1300) + "\r\n",
}

func numbered(n int, format string) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf(format, i)
	}
	return list
}

// BenchmarkCostlyHead: none of them may take much longer than "many fields".
func BenchmarkCostlyHead(b *testing.B) {
	for name, fields := range costly {
		head := []byte(requestStart + fields + "\r\n")
		b.Run("request/"+name, func(b *testing.B) {
			var r Request
			b.SetBytes(int64(len(head)))
			for b.Loop() {
				_ = r.Parse(head)
			}
		})
		head = []byte(answerStart + fields + "\r\n")
		b.Run("answer/"+name, func(b *testing.B) {
			var a Answer
			b.SetBytes(int64(len(head)))
			for b.Loop() {
				_ = a.Parse(head)
			}
		})
	}
}

// BenchmarkDrippingHead is a head that comes byte by byte.
func BenchmarkDrippingHead(b *testing.B) {
	for _, size := range []int{8 << 10, 64 << 10} {
		head := []byte(requestStart + strings.Repeat("a:\r\n", size/4) + "\r\n")
		b.Run(fmt.Sprint(size>>10, " KiB"), func(b *testing.B) {
			b.SetBytes(int64(len(head)))
			for b.Loop() {
				var s Search
				for n := 1; s.End(head[:n]) < 0 && s.Doomed(head[:n]) == nil; n++ {
				}
			}
		})
	}
}

// BenchmarkTinyChunks is a body of one byte a chunk, with as much of extensions as may be.
func BenchmarkTinyChunks(b *testing.B) {
	for name, chunk := range map[string]string{"plain": "1\r\nx\r\n", "extended": "1;\r\nx\r\n"} {
		body := []byte(strings.Repeat(chunk, 10_000) + "0\r\n\r\n")
		b.Run(name, func(b *testing.B) {
			var c Chunked
			b.SetBytes(int64(len(body)))
			for b.Loop() {
				if c.Reset(); !skim(&c, body) {
					b.Fatal("refused")
				}
			}
		})
	}
}

func TestOptionsAreBounded(t *testing.T) {
	var r Request
	var a Answer
	for name, c := range map[string]struct {
		fields string
		ok     bool
	}{
		"64 in one":               {"Connection: q" + strings.Repeat(",te", 63) + "\r\n", true},
		"65 in one":               {"Connection: q" + strings.Repeat(",te", 64) + "\r\n", false},
		"64, one a field":         {strings.Repeat("Connection: a\r\n", 64), true},
		"65, one a field":         {strings.Repeat("Connection: close\r\n", 65), false},
		"empty ones do not count": {"Connection: " + strings.Repeat(" ,", 3000) + "close\r\n", true},
	} {
		refusal := r.Parse([]byte(requestStart + c.fields + "\r\n"))
		err := a.Parse([]byte(answerStart + c.fields + "\r\n"))
		if c.ok {
			assert.Nil(t, refusal, name)
			assert.NoError(t, err, name)
		} else {
			assert.Same(t, TooManyOptions, refusal, name)
			assert.Equal(t, TooManyOptions, err, name)
		}
	}
}

func TestFieldsAreBounded(t *testing.T) {
	var r Request
	var a Answer
	most := strings.Repeat("A: 1\r\n", maxFields)
	assert.NoError(t, a.Parse([]byte(answerStart+most+"\r\n")))
	assert.Equal(t, TooManyFields, a.Parse([]byte(answerStart+most+"A: 1\r\n\r\n")))
	most = strings.Repeat("A: 1\r\n", maxFields-1)
	assert.Nil(t, r.Parse([]byte(requestStart+most+"\r\n")))
	assert.Same(t, TooManyFields, r.Parse([]byte(requestStart+most+"A: 1\r\n\r\n")))
}

// Every named field goes, and no other, also where hashes must tell many apart.
func TestManyNamedFields(t *testing.T) {
	names := numbered(maxOptions, "X-Number-%d")
	var r Request
	require.Nil(t, r.Parse([]byte(requestStart+"Connection: "+strings.ToUpper(strings.Join(names, ", "))+"\r\n"+
		strings.Join(numbered(200, "x-number-%d: 1\r\n"), "")+"\r\n")))
	hops := 0
	for i, f := range r.Fields[2:] {
		assert.Equal(t, i < maxOptions, f.Kind == Hop, "%s", f.Name)
		if f.Kind == Hop {
			hops++
		}
	}
	assert.Equal(t, maxOptions, hops)
}

// The extensions of a body may be as long as its data and 16 KiB; those of an honest
// sender, who signs each chunk, are far below.
func TestExtensionsAreBounded(t *testing.T) {
	signed := "2710;chunk-signature=" + strings.Repeat("0", 64) + "\r\n" + strings.Repeat("x", 10_000) + "\r\n"
	for name, c := range map[string]struct {
		wire string
		want error
	}{
		"signed chunks":                {strings.Repeat(signed, 500) + "0;chunk-signature=0\r\n\r\n", nil},
		"as long as the data":          {strings.Repeat("1;\r\nx\r\n", 50_000) + "0\r\n\r\n", nil},
		"longer, and within 16 KiB":    {strings.Repeat("1;a\r\nx\r\n", maxExcess) + "0\r\n\r\n", nil},
		"longer, and beyond 16 KiB":    {strings.Repeat("1;a\r\nx\r\n", maxExcess+1) + "0\r\n\r\n", ErrExtensions},
		"a few long ones":              {strings.Repeat("1;"+strings.Repeat("a", 4000)+"\r\nx\r\n", 5) + "0\r\n\r\n", ErrExtensions},
		"one that is longer than that": {"1;" + strings.Repeat("a", maxSizeLine+1) + "\r\nx\r\n", ErrBadChunk},
	} {
		var coding Chunked
		var err error
		for rest := []byte(c.wire); len(rest) > 0 && err == nil; {
			var used int
			_, used, err = coding.Next(rest)
			rest = rest[used:]
		}
		assert.Equal(t, c.want, err, name)
		assert.Equal(t, err == nil, coding.Ended(), name)
	}
}

// A head is found, and found bad, the same whatever pieces it comes in.
func TestSearchInPieces(t *testing.T) {
	for _, head := range []string{
		"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "\r\n\r\n", "GET / HTTP/1.1\r\n\r\r\n\r\nx",
		"GET / HTTP/1.1\r\nA: b\nC: d\r\n\r\n", "GET /\r\nHost: a\r\n\r\n", "\n", "GET / HTTP/1.1\r\n\r",
	} {
		for step := 1; step <= 5; step++ {
			var s Search
			for n := step; ; n += step {
				b := []byte(head[:min(n, len(head))])
				assert.Equal(t, HeadEnd(b), s.End(b), "%q in steps of %d", b, step)
				if HeadEnd(b) >= 0 {
					break
				}
				refusal := s.Doomed(b)
				assert.Same(t, new(Search).Doomed(b), refusal, "%q in steps of %d", b, step)
				if refusal != nil || n >= len(head) {
					break
				}
			}
		}
	}
}
