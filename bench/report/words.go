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
	v := float64(n)
	switch {
	case !n.Exists():
		return "–"
	case v == 0:
		return "0"
	case v < 1e-6:
		return figures(v*1e9) + " ns"
	case v < 1e-3:
		return figures(v*1e6) + " µs"
	case v < 1:
		return figures(v*1e3) + " ms"
	}
	return figures(v) + " s"
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

func shortTime(v float64) string {
	switch {
	case v == 0:
		return "0"
	case v < 0.999e-6:
		return short(v*1e9) + " ns"
	case v < 0.999e-3:
		return short(v*1e6) + " µs"
	case v < 0.999:
		return short(v*1e3) + " ms"
	}
	return short(v) + " s"
}

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
