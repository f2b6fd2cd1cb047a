// Figures in words.

package autoscale

import (
	"fmt"
	"math"
	"strconv"
	"time"
)

// short is a duration as people say it.
func short(d time.Duration) string {
	switch {
	case d < 10*time.Second:
		return seconds(d.Seconds())
	case d < 2*time.Minute:
		return fmt.Sprintf("%.0f s", d.Seconds())
	case d < 2*time.Hour:
		return fmt.Sprintf("%.0f min", d.Minutes())
	}
	return fmt.Sprintf("%.0f h", d.Hours())
}

// seconds is the same of a number of them.
func seconds(v float64) string {
	if v < 10 {
		return strconv.FormatFloat(math.Round(v*10)/10, 'f', -1, 64) + " s"
	}
	return fmt.Sprintf("%.0f s", v)
}

// servers is a number of them, for "worth of ...".
func servers(v float64) string {
	text := strconv.FormatFloat(math.Round(v*10)/10, 'f', -1, 64)
	if text == "1" {
		return "1 server's"
	}
	return text + " servers'"
}
