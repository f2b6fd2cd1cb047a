package main

import (
	"fmt"
	"syscall"

	"github.com/steelyard-proxy/steelyard/configs"
)

// ownDescriptors are for listeners, files, operators and what else there is a handful of.
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

// tooFewDescriptors raises the limit of open files to the hard limit, which only root can
// raise, and says what to do where that is not what the process may need; "" where it is.
func tooFewDescriptors(c *configs.Config) string {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return "" // what cannot be known is no reason to worry anybody
	}
	if raised := (syscall.Rlimit{Cur: limit.Max, Max: limit.Max}); syscall.Setrlimit(syscall.RLIMIT_NOFILE, &raised) == nil {
		limit = raised
	}
	return descriptorAdvice(c, limit.Cur)
}

func descriptorAdvice(c *configs.Config, limit uint64) string {
	needed := descriptorsFor(c)
	if limit >= needed {
		return ""
	}
	advice := fmt.Sprintf("this process may open %d files, and limits.connections %d may need %d, one for each client and one for its server: "+
		"raise the hard limit to that (LimitNOFILE= in systemd, --ulimit nofile= in Docker, ulimit -Hn in a shell)", limit, c.Limits.Connections, needed)
	rest := needed - 2*uint64(c.Limits.Connections)
	if limit < rest+2 {
		return advice
	}
	return fmt.Sprintf("%s, or lower limits.connections to %d", advice, (limit-rest)/2)
}
