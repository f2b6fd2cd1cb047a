// The labels and texts of an alert, as all receivers get them.

package channel

import (
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/steelyard-proxy/steelyard/metrics/alert"
)

const (
	mostLabel = 256  // bytes of a label's value
	mostText  = 2048 // bytes of a text
)

// labels identify an alert, in the names that Alertmanager and its like expect.
func labels(a *alert.Alert, gateway string) map[string]string {
	l := map[string]string{}
	for name, value := range a.Labels {
		l[labelName(name)] = cut(value, mostLabel)
	}
	for _, pair := range [][2]string{
		{"alertname", a.Name}, {"severity", a.Severity}, {"upstream", a.Upstream}, {"endpoint", a.Endpoint}, {"gateway", gateway},
	} {
		if pair[1] != "" {
			l[pair[0]] = cut(pair[1], mostLabel)
		}
	}
	return l
}

// labelName makes a name one that Prometheus takes.
func labelName(name string) string {
	clean := strings.Map(func(r rune) rune {
		if r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, name)
	if clean == "" || clean[0] >= '0' && clean[0] <= '9' {
		clean = "_" + clean
	}
	return cut(clean, mostLabel)
}

// annotations say more of an alert.
func annotations(a *alert.Alert) map[string]string {
	n := map[string]string{"value": strconv.FormatFloat(a.Value, 'g', 6, 64)}
	for name, text := range map[string]string{"summary": a.Summary, "remedy": a.Remedy, "note": a.Note, "reason": a.Reason} {
		if text != "" {
			n[name] = cut(text, mostText)
		}
	}
	if a.Flapping {
		n["flapping"] = "true"
	}
	return n
}

// cut makes a text one line of valid UTF-8 of at most so many bytes.
func cut(text string, most int) string {
	whole := len(text) <= 4*most // what is much too long is not read to its end
	text = text[:min(len(text), 4*most)]
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "�"))
	if len(text) <= most && whole {
		return text
	}
	const dots = "…"
	end := min(most-len(dots), len(text))
	for end > 0 && end < len(text) && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + dots
}

// stamp is a time as JSON receivers read it.
func stamp(at time.Time) time.Time { return at.UTC().Round(0) }
