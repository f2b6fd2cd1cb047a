package transport

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// A kept connection that ends within a round trip of the request was closed before it; one
// that ends later has been used. Connecting says how long a round trip is, within limits.
func TestDiedIdle(t *testing.T) {
	const ms = time.Millisecond
	for name, c := range map[string]struct {
		roundTrip, after time.Duration
		want             bool
	}{
		"on this machine":             {0, 9 * ms, true},
		"on this machine, worked on":  {0, 11 * ms, false},
		"far away":                    {150 * ms, 155 * ms, true},
		"far away, worked on":         {150 * ms, 161 * ms, false},
		"a packet lost on connecting": {1200 * ms, 211 * ms, false},
	} {
		reused := &Conn{Reused: true, roundTrip: c.roundTrip}
		assert.Equal(t, c.want, reused.DiedIdle(c.after), name)
		fresh := &Conn{roundTrip: c.roundTrip}
		assert.False(t, fresh.DiedIdle(c.after), "%s: it was never idle", name)
	}
}
