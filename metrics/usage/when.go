// Moments as people write them.

package usage

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

var errTime = errors.New("is no time: write 2026-11-30T09:00:00Z, or 2026-11-30 for its beginning in UTC, or how long ago it was, like 24h or 7d")

// ParseTime reads a moment: a time, a day, or how long ago it was.
func ParseTime(text string, now time.Time) (time.Time, error) {
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if at, err := time.Parse(layout, text); err == nil {
			return at, nil
		}
	}
	ago, err := time.ParseDuration(text)
	if days, isDays := strings.CutSuffix(text, "d"); isDays {
		var n int
		if n, err = strconv.Atoi(days); err == nil && n <= 36600 {
			ago = time.Duration(n) * 24 * time.Hour
		}
	}
	if err != nil || ago <= 0 {
		return time.Time{}, errTime
	}
	return now.Add(-ago), nil
}
