// The table of endpoints as text.

package demo

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// The columns leave 15 for the health on a terminal of 80; the screen wraps what is longer.
const (
	tableHeader = "endpoint  C_i  expected  measured    total  in flight   mean R  health"
	tableRow    = "%-8s %4g  %8s  %8s  %7s  %9d  %7s  "
)

// table is the picture of one instant, a line each, without control characters.
func table(rows []row, perSecond float64) []string {
	lines := []string{
		fmt.Sprintf("Measured by the gateway: the share of the requests that ended in the last %.0f s", windowLength.Seconds()),
		"and since the start (total), and the mean response time R of the same seconds.",
		"Expected is C_i / ΣC over the endpoints in service.",
		"",
		tableHeader,
	}
	var capacity float64
	var inFlight int64
	for _, r := range rows {
		lines = append(lines, fmt.Sprintf(tableRow+"%s",
			r.name, r.capacity, percent(r.share), percent(r.measured), percent(r.total), r.inFlight, milliseconds(r.mean), r.health))
		capacity += r.capacity
		inFlight += r.inFlight
	}
	return append(lines, fmt.Sprintf(tableRow+"%.1f requests/s", "all", capacity, "", "", "", inFlight, "", perSecond))
}

// plain is the same instant as one line, for an output that is not a terminal.
func plain(elapsed time.Duration, rows []row, perSecond float64) string {
	var parts []string
	for _, r := range rows {
		parts = append(parts, fmt.Sprintf("%s %s (expected %s) %d in flight R %s %s",
			r.name, percent(r.measured), percent(r.share), r.inFlight, milliseconds(r.mean), r.health))
	}
	return fmt.Sprintf("%4.0fs  %.1f requests/s | %s", elapsed.Seconds(), perSecond, strings.Join(parts, " | "))
}

func percent(ratio float64) string {
	if math.IsNaN(ratio) {
		return "-"
	}
	return fmt.Sprintf("%.1f %%", 100*ratio)
}

func milliseconds(d time.Duration) string {
	if d == 0 {
		return "-"
	}
	return fmt.Sprintf("%.0f ms", float64(d)/float64(time.Millisecond))
}
