// What happens in the week, as it is known beforehand.

package week

import (
	"fmt"
	"time"
)

const (
	day  = 24 * time.Hour
	name = "chat" // of the upstream
)

// server is one of the fleet, which has four slots each.
type server struct {
	name     string
	capacity float64 // units of work per second; a usual request is one
}

var servers = []server{{"small", 1}, {"large", 2}, {"medium", 1.5}}

const (
	slots = 4
	// quietRate and busyRate are the requests per second at four in the morning and at four in the afternoon.
	quietRate, busyRate = 0.7, 2.5
	// users ask, the first of them most often.
	users = 150
)

// Monday is when the week begins.
var Monday = time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)

// The events of the script, from the week's begin.
const (
	slowServer         = 2 // medium
	slowFrom, slowTo   = 1*day + 10*time.Hour, 2*day + 10*time.Hour
	slowRatio          = 0.5 // of its capacity
	abuser             = 7   // the number of a user
	abuseFrom, abuseTo = 3*day + 14*time.Hour, 3*day + 14*time.Hour + 40*time.Minute
	abuseRate          = 3.2 // requests per second beside all others
	outFrom, outTo     = 4*day + 3*time.Hour, 4*day + 3*time.Hour + 20*time.Minute
)

// script says in words what is about to happen.
func script() []string {
	at := func(from, to time.Duration) string {
		return fmt.Sprintf("%s to %s", Monday.Add(from).Format("Mon 15:04"), Monday.Add(to).Format("Mon 15:04"))
	}
	return []string{
		fmt.Sprintf("three servers of capacity 1, 2 and 1.5, %d slots each; %.1f requests/s at four in the morning, %.1f at four in the afternoon", slots, quietRate, busyRate),
		fmt.Sprintf("%s: %s does half of what it could", at(slowFrom, slowTo), servers[slowServer].name),
		fmt.Sprintf("%s: %s asks for more than all others together", at(abuseFrom, abuseTo), userName(abuser)),
		fmt.Sprintf("%s: all servers fail their probes, and clients try again", at(outFrom, outTo)),
	}
}

func userName(n int) string { return fmt.Sprintf("user-%03d", n) }
