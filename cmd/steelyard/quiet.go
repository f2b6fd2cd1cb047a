// Giving back what a busy time has left behind, once it is over.

package main

import (
	"context"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// Go's collector runs when the heap has grown. After a burst of connections it does not grow
// any more, so that garbage, and the stacks that handshakes have grown, would stay for as long
// as streams are quiet: a third of what they hold. So once in a quiet second the collector is
// asked to run. That costs about a millisecond of a core for each megabyte in use, and is done
// only where as much as a quarter of it may be garbage.
const (
	quietFor   = time.Second // without quietBytes of new memory
	quietBytes = 1 << 20
	leastWorth = 4 << 20 // allocated since the last time
	worthShare = 4       // and at least this part of what is in use
	// Each collection halves a stack that is too large; a handshake needs four times that of a stream.
	halvings = 2
)

// tidier asks for collections when it is worth one.
type tidier struct {
	allocated uint64 // bytes by the last look, since the process began
	tidied    uint64 // the same when it was last worth one
}

// look says whether it is worth a collection, where that much has been allocated since the
// process began, and so much is in use. Call it every quietFor.
func (t *tidier) look(allocated, inUse uint64) bool {
	quiet := allocated-t.allocated < quietBytes
	t.allocated = allocated
	if !quiet || allocated-t.tidied < max(leastWorth, inUse/worthShare) {
		return false
	}
	t.tidied = allocated
	return true
}

// run looks until ctx ends.
func (t *tidier) run(ctx context.Context) {
	tick := time.NewTicker(quietFor)
	defer tick.Stop()
	of := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}, {Name: "/gc/heap/live:bytes"}}
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		if metrics.Read(of); t.look(of[0].Value.Uint64(), of[1].Value.Uint64()) {
			for range halvings - 1 {
				runtime.GC()
			}
			debug.FreeOSMemory()
		}
	}
}
