package strict

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// chunkedAnswer is a stream of 64 events.
var chunkedAnswer = []byte(strings.Repeat("5a\r\n"+strings.Repeat("x", 0x5a)+"\r\n", 64) + "0\r\n\r\n")

// Each request passes here at least twice: nothing may be allocated.
func TestParsingAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	request, answer := []byte(typicalRequest), []byte(typicalAnswer)
	var r Request
	var a Answer
	var c Chunked
	for what, parse := range map[string]func() bool{
		"request":      func() bool { return r.Parse(request) == nil },
		"answer":       func() bool { return a.Parse(answer) == nil },
		"end of head":  func() bool { return new(Search).End(request) > 0 && new(Search).Doomed(request) == nil },
		"chunked body": func() bool { c.Reset(); return skim(&c, chunkedAnswer) },
	} {
		assert.True(t, parse(), what) // the first time makes room for the fields
		assert.Zero(t, testing.AllocsPerRun(100, func() { parse() }), what)
	}
}

func skim(c *Chunked, wire []byte) bool {
	for len(wire) > 0 {
		_, used, err := c.Next(wire)
		if err != nil {
			return false
		}
		wire = wire[used:]
	}
	return c.Ended()
}

func BenchmarkRequest(b *testing.B) {
	head := []byte(typicalRequest)
	var r Request
	b.ReportAllocs()
	b.SetBytes(int64(len(head)))
	for b.Loop() {
		if r.Parse(head[:HeadEnd(head)]) != nil {
			b.Fatal("refused")
		}
	}
}

func BenchmarkAnswer(b *testing.B) {
	head := []byte(typicalAnswer)
	var a Answer
	b.ReportAllocs()
	b.SetBytes(int64(len(head)))
	for b.Loop() {
		if a.Parse(head[:HeadEnd(head)]) != nil {
			b.Fatal("refused")
		}
	}
}

func BenchmarkChunked(b *testing.B) {
	var c Chunked
	b.ReportAllocs()
	b.SetBytes(int64(len(chunkedAnswer)))
	for b.Loop() {
		if c.Reset(); !skim(&c, chunkedAnswer) {
			b.Fatal("refused")
		}
	}
}
