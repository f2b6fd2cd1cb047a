// Numbers as people read them.

package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Time is a response time for people: three figures and a unit, or a dash.
func (n Number) Time() string {
	if !n.Exists() {
		return "–"
	}
	return inUnit(float64(n), 1, figures)
}

// inUnit is a time in the largest unit of which it is a whole, or nearly: from edge of it on.
func inUnit(seconds, edge float64, text func(float64) string) string {
	switch {
	case seconds == 0:
		return "0"
	case seconds < edge*1e-6:
		return text(seconds*1e9) + " ns"
	case seconds < edge*1e-3:
		return text(seconds*1e6) + " µs"
	case seconds < edge:
		return text(seconds*1e3) + " ms"
	}
	return text(seconds) + " s"
}

// Ratio is one for people, or a dash.
func (n Number) Ratio() string {
	if !n.Exists() {
		return "–"
	}
	return fmt.Sprintf("%.2f", float64(n))
}

// Figures is a plain number for people, or a dash.
func (n Number) Figures() string {
	if !n.Exists() {
		return "–"
	}
	return short(float64(n))
}

// figures is a number to three places that count.
func figures(v float64) string {
	if v == 0 {
		return "0"
	}
	places := max(2-int(math.Floor(math.Log10(math.Abs(v)))), 0)
	return strconv.FormatFloat(v, 'f', places, 64)
}

// short is a number without the zeroes at its end, for axes.
func short(v float64) string { return strconv.FormatFloat(v, 'g', 4, 64) }

func shortTime(v float64) string { return inUnit(v, 0.999, short) }

func percent(ratio float64) string { return fmt.Sprintf("%.1f %%", 100*ratio) }

// count has a thin space between thousands.
func count(n int) string {
	text := strconv.Itoa(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "\u202f" + text[i:]
	}
	return text
}

func failuresOf(r Row) string {
	var parts []string
	for _, kind := range sortedKeys(r.Failures) {
		if n := r.Failures[kind]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, kind))
		}
	}
	if parts == nil {
		return "0"
	}
	return strings.Join(parts, ", ")
}

func elapsed(seconds float64) string {
	return time.Duration(seconds * float64(time.Second)).Round(time.Second / 10).String()
}
