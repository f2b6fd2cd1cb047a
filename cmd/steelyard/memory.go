// The memory limit of the runtime, by the configuration.

package main

import (
	"os"
	"runtime/debug"
	"strings"

	"github.com/steelyard-proxy/steelyard/cmd/steelyard/app"
	"github.com/steelyard-proxy/steelyard/configs"
)

// The memory limit of the runtime.
//
// Go's collector lets the heap grow to twice what is in use before it looks for garbage. The
// configuration says how many connections there may be, and so how much memory may be in use;
// above that the runtime shall collect earlier. The limit is soft: reaching it costs time, not
// requests. It is the sum of
//
//   - each client's connection, at the cost of a quiet stream on both sides;
//   - the rest: the program, what is learned and counted, and what is under way.
//
// The bodies that are held lie outside the heap, within a budget of their own (wire.Memory), and
// do not count. Both together are no more than limits.memory.
const (
	baseMemory    = 128 << 20
	plainMemory   = 16 << 10 // of a connection; 14 KiB were measured
	tlsMemory     = 48 << 10 // of one with TLS on both sides; 35 KiB were measured after a quiet second, 51 before
	memoryByHand  = "GOMEMLIMIT"
	keepAsItIs    = -1 // SetMemoryLimit reads the limit, and leaves it
	memoryRoundTo = 1 << 20
)

// memoryLimit is the limit, in bytes, of a process that was started with one configuration and
// has another in force now: limits on connections stay those of the start. Available is what the
// container or the machine leaves it; 0: not known.
func memoryLimit(start, now *configs.Config, available int64) int64 {
	each := int64(plainMemory)
	if speaksTLS(start, now) {
		each = tlsMemory
	}
	limit := baseMemory + int64(start.Limits.Connections)*each
	if whole, bodies := app.MemoryShares(&now.Limits, available); whole > 0 {
		limit = min(limit, whole-bodies)
	}
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
		limit = memoryLimit(start, now, memoryAvailable())
	}
	debug.SetMemoryLimit(limit)
	return configs.Bytes(debug.SetMemoryLimit(keepAsItIs))
}
