// The limit of open files: raised, or advice if that is not enough.

package main

import (
	"fmt"
	"math"
	"syscall"

	"github.com/steelyard-proxy/steelyard/configs"
)

// ownDescriptors are for listeners, files, operators and a few other things.
const ownDescriptors = 64

// descriptorsFor is how many open files a configuration may need: one for each client, one
// for the endpoint that works for it, and one for a probe of each endpoint.
func descriptorsFor(c *configs.Config) uint64 {
	n := ownDescriptors + 2*c.Limits.Connections
	for _, u := range c.Upstreams {
		n += len(u.Endpoints)
	}
	return uint64(n)
}

// raiseDescriptors raises the limit of open files to the hard limit, which only root can raise,
// and returns the one in force.
func raiseDescriptors() uint64 {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return math.MaxUint64 // an unknown limit is no reason to warn
	}
	if raised := (syscall.Rlimit{Cur: limit.Max, Max: limit.Max}); syscall.Setrlimit(syscall.RLIMIT_NOFILE, &raised) == nil {
		limit = raised
	}
	return uint64(limit.Cur)
}

const raiseIt = "raise the hard limit (LimitNOFILE= in systemd, --ulimit nofile= in Docker, ulimit -Hn in a shell)"

// fewClients is what nobody would take a gateway for that serves no more.
const fewClients = 256

// descriptorAdvice says what the limit of open files leaves room for, "" where that is all. It is
// a warning where somebody asked for more, or where hardly anything works; nobody asked for the
// default, which is as many as there is room for.
func descriptorAdvice(c *configs.Config, limit uint64) (advice string, warning bool) {
	asked, needed := uint64(c.Limits.Connections), descriptorsFor(c)
	if limit >= needed {
		return "", false
	}
	rest := needed - 2*asked
	fits := (max(limit, rest) - rest) / 2
	if asked == configs.DefaultConnections {
		return fmt.Sprintf("this process may open %d files: that is enough for %d clients and their servers at once, and more clients wait until they are accepted: "+
			"to serve more, %s", limit, fits, raiseIt), fits < fewClients
	}
	advice = fmt.Sprintf("this process may open %d files, and limits.connections %d may need %d, one for each client and one for its server: %s to that",
		limit, asked, needed, raiseIt)
	if fits > 0 {
		advice = fmt.Sprintf("%s, or lower limits.connections to %d", advice, fits)
	}
	return advice, true
}
