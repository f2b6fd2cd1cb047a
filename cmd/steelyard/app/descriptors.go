// How many clients the file descriptors suffice for.

package app

import (
	"math"
	"syscall"

	"github.com/steelyard-proxy/steelyard/configs"
)

// reserved is how many file descriptors are kept for the process itself: standard streams, polls,
// logs, files that are read or saved, look-ups of names, and a few clients of the admin listener.
const reserved = 16

// clientsAtOnce is how many clients can be served with limit descriptors: each may need one more
// for its server, and every endpoint one for its probe.
func clientsAtOnce(limit uint64, cfg *configs.Config) int {
	own := reserved + len(cfg.Listen) + 1
	for _, u := range cfg.Upstreams {
		own += len(u.Endpoints)
	}
	return max((int(min(limit, math.MaxInt32))-own)/2, 1)
}

// descriptorLimit is how many files the process may have open at once.
func descriptorLimit() uint64 {
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) != nil {
		return math.MaxUint64
	}
	return uint64(limit.Cur)
}

// spareDescriptors closes the idle connections to all endpoints.
func (f *fleet) spareDescriptors() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, u := range f.upstreams {
		for _, m := range u.members {
			m.target.Conns.CloseIdle()
		}
	}
}
