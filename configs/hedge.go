// Hedging: keys, validation.

package configs

import (
	"time"

	"go.yaml.in/yaml/v3"
)

// Hedge says when a request is sent to a second endpoint beside a first that is slow to answer.
type Hedge struct {
	After       HedgeAfter `yaml:"after"`
	BudgetRatio float64    `yaml:"budget_ratio"` // most hedges, as a part of the requests
}

// HedgeAfter is how long the first endpoint has time. The zero value is "off".
type HedgeAfter struct {
	P95   bool // as 95 % of the answers take to begin
	Fixed time.Duration
}

const offWord, p95Word = "off", "p95"

func readHedgeAfter(tag, text string) (any, bool) {
	switch {
	case tag == "!!str" && text == offWord:
		return HedgeAfter{}, true
	case text == p95Word:
		return HedgeAfter{P95: true}, true
	}
	d, err := parseDuration(text)
	return HedgeAfter{Fixed: d}, err == nil && d != 0
}

func printHedgeAfter(value any) *yaml.Node {
	switch after := value.(HedgeAfter); {
	case after.P95:
		return scalar("!!str", p95Word)
	case after.Fixed == 0:
		return scalar("!!str", offWord)
	default:
		return scalar("", formatDuration(after.Fixed))
	}
}

func (r *report) validateHedge(p path, h *Hedge) {
	if h.After.Fixed != 0 {
		between(r, p.key("after"), h.After.Fixed, leastDuration, mostDuration, "give how long the first endpoint has time")
	}
	between(r, p.key("budget_ratio"), h.BudgetRatio, 0, 1, "give the part of the requests that may be sent twice, such as 0.05")
}

func (r *report) reviewHedge(p path, u *Upstream) {
	h := &u.Hedge
	switch {
	case h.After == HedgeAfter{} && h.BudgetRatio != upstreamDefaults().Hedge.BudgetRatio:
		r.note(p.key("budget_ratio"), "give after, or remove it", "has no effect: without hedge.after no request is sent twice")
	case h.After != HedgeAfter{} && len(u.Endpoints) == 1 && !u.finds():
		r.note(p.key("after"), "add an endpoint, or remove it", "has no effect: there is no second endpoint")
	case h.After.Fixed > 0 && u.Timeouts.FirstByte > 0 && h.After.Fixed >= u.Timeouts.FirstByte:
		r.note(p.key("after"), "lower it, or raise timeouts.first_byte", "has no effect: timeouts.first_byte (%s) is over first", show(u.Timeouts.FirstByte))
	}
}
