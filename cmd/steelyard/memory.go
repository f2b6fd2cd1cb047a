package main

import (
	"os"
	"runtime/debug"
	"strings"

	"github.com/steelyard-proxy/steelyard/configs"
)

// The memory limit of the runtime.
//
// Go's collector lets the heap grow to twice what is in use before it looks for garbage, so
// that 256 MiB of held bodies made a process of 966 MiB. The configuration says what may be in
// use at most, so the runtime is told to look earlier from there on. The limit is soft: it costs
// time, not requests, when it is met. What it is made of:
//
//   - the bodies that may be held, and a quarter more, for the ones that have ended and are not
//     collected yet: without room for these the collector would never rest;
//   - each client's connection, at what one costs while its stream is quiet, both sides of it;
//   - the rest: the program, what is learned and counted, and what is under way.
const (
	baseMemory    = 128 << 20
	plainMemory   = 16 << 10 // of a connection; 14 KiB were measured
	tlsMemory     = 80 << 10 // of one with TLS on both sides; 77 KiB were measured
	bodyHeadroom  = 4        // one part in so many
	memoryByHand  = "GOMEMLIMIT"
	keepAsItIs    = -1 // SetMemoryLimit reads the limit, and leaves it
	memoryRoundTo = 1 << 20
)

// memoryLimit is the limit, in bytes, of a process that was started with one configuration
// and has another in force now: what it takes of connections stays as it was.
func memoryLimit(start, now *configs.Config) int64 {
	each := int64(plainMemory)
	if speaksTLS(start, now) {
		each = tlsMemory
	}
	bodies := int64(now.Limits.BodyMemory)
	limit := baseMemory + bodies + bodies/bodyHeadroom + int64(start.Limits.Connections)*each
	return (limit + memoryRoundTo - 1) / memoryRoundTo * memoryRoundTo
}

// speaksTLS says whether a client's or an endpoint's connection may be encrypted.
func speaksTLS(start, now *configs.Config) bool {
	for _, l := range start.Listen {
		if l.TLS != nil {
			return true
		}
	}
	for _, u := range now.Upstreams {
		for _, e := range u.Endpoints {
			if strings.HasPrefix(e.URL, "https:") {
				return true
			}
		}
	}
	return false
}

// limitMemory puts the limit in force, unless whoever started the process has set one, and
// returns the one in force.
func limitMemory(start, now *configs.Config) configs.Bytes {
	limit := int64(keepAsItIs)
	if os.Getenv(memoryByHand) == "" {
		limit = memoryLimit(start, now)
	}
	debug.SetMemoryLimit(limit)
	return configs.Bytes(debug.SetMemoryLimit(keepAsItIs))
}
