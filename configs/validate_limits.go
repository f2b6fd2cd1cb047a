// Validation of limits, of bounds on clients and of time-outs.

package configs

import "time"

const (
	mostBytes       = 1 * tib
	mostConnections = 10_000_000
	leastMemory     = 64 * mib         // the program and a few clients take 30 MiB
	leastDuration   = time.Millisecond // a shorter one was meant in another unit
	mostDuration    = 24 * time.Hour
)

func (r *report) validateLimits(l *Limits) {
	const tooSmall, tooLarge = "clients need a few KiB of header", "it is memory that each connection may take"
	between(r, "limits.header_bytes", l.HeaderBytes, kib, mib, tooSmall+", and "+tooLarge)
	bodyGood := between(r, "limits.body_bytes", l.BodyBytes, 1, mostBytes, "give the largest request body to accept")
	memoryGood := between(r, "limits.body_memory", l.BodyMemory, 0, mostBytes, "give the memory for held bodies, 0 for none")
	between(r, "limits.connections", l.Connections, 1, mostConnections, "give the number of client connections to allow")
	between(r, "limits.requests", l.Requests, 0, mostConnections, "give the number of requests to allow at once, 0 for no limit")
	if l.Memory != 0 {
		between(r, "limits.memory", l.Memory, leastMemory, mostBytes, "give what the process may use, 0 to go by what the container or the machine has")
	}
	switch {
	case !between(r, "limits.replay_bytes", l.ReplayBytes, 0, mostBytes, "give the largest body to send again, 0 for none"):
	case bodyGood && l.ReplayBytes > l.BodyBytes:
		r.add("limits.replay_bytes", "lower it or raise body_bytes",
			"must be at most limits.body_bytes (%s), is %s", l.BodyBytes, l.ReplayBytes)
	case memoryGood && l.ReplayBytes > l.BodyMemory:
		r.add("limits.replay_bytes", "lower it or raise body_memory",
			"must be at most limits.body_memory (%s), is %s", l.BodyMemory, l.ReplayBytes)
	}
}

func (r *report) validateClients(c *Clients, l *Limits) {
	const mostRate = 1 * gib
	between(r, "clients.min_send_rate", c.MinSendRate, 0, mostRate, "give bytes per second such as 1KiB, 0 for any")
	between(r, "clients.min_read_rate", c.MinReadRate, 0, mostRate, "give bytes per second such as 1KiB, 0 for any")
	const none = "give what one address may hold, 0 for no bound"
	between(r, "clients.max_connections", c.MaxConnections, 0, mostConnections, none)
	between(r, "clients.max_requests", c.MaxRequests, 0, mostConnections, none)
	between(r, "clients.max_waiting", c.MaxWaiting, 0, mostConnections, none)
	if between(r, "clients.max_body_memory", c.MaxBodyMemory, 0, mostBytes, none) && c.MaxBodyMemory > 0 && c.MaxBodyMemory < l.ReplayBytes {
		r.add("clients.max_body_memory", "raise it or lower replay_bytes",
			"must be at least limits.replay_bytes (%s) or 0, is %s", l.ReplayBytes, c.MaxBodyMemory)
	}
}

// validateTimeouts asks for a limit wherever a client could hold a connection for nothing.
func (r *report) validateTimeouts(t *Timeouts) {
	for _, limit := range []struct {
		key         string
		value, most time.Duration
	}{
		{"header", t.Header, mostDuration},
		{"body", t.Body, mostDuration},
		{"idle_client", t.IdleClient, mostDuration},
		{"client_stall", t.ClientStall, mostDuration},
		{"upgrade_idle", t.UpgradeIdle, 30 * mostDuration},
	} {
		between(r, path("timeouts").key(limit.key), limit.value, leastDuration, limit.most,
			"give a limit, as a client must not hold a connection for ever")
	}
	between(r, "timeouts.shutdown_delay", t.ShutdownDelay, 0, time.Hour, "give 0s to close the listener at once")
	between(r, "timeouts.upgrade_drain", t.UpgradeDrain, 0, 30*mostDuration, "give 0s to let running requests finish, however long they take")
	between(r, "timeouts.shutdown", t.Shutdown, 0, mostDuration, "give 0s to cut running requests off at once")
}

// optional reports a duration that is neither 0, which is none, nor in a sensible range.
func (r *report) optional(p path, value time.Duration) {
	if value != 0 {
		between(r, p, value, leastDuration, mostDuration, "give 0s for no limit")
	}
}
