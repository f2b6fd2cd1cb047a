// Burn rules for a Prometheus.

package alert

import "time"

// expr is the burn rule's: both windows beyond the limit, and enough bad events.
func (b *Burn) expr() string {
	limit := exact(b.Limit())
	ratio := func(d time.Duration) string { return b.bad(d, "rate") + " / " + b.all(d) + " > " + limit }
	return ratio(b.Window.Long) + "\nand " + ratio(b.Window.Short) + "\nand " + b.bad(b.Window.Long, "increase") + " >= " + figure(b.SLO.MinBad)
}

func (b *Burn) where(more ...Match) []Match {
	if b.SLO.Upstream != "" {
		more = append(more, Match{Label: "upstream", Values: []string{b.SLO.Upstream}})
	}
	return more
}

func (b *Burn) grown(fn, metric string, d time.Duration, more ...Match) string {
	return OnUpstream.sum(fn + "(" + OnUpstream.selector(metric, b.where(more...), d) + ")")
}

func (b *Burn) bad(d time.Duration, fn string) string {
	switch b.SLO.By {
	case ByFirstByte, ByResponse:
		le := Match{Label: "le", Values: []string{exact(b.SLO.Bound.Seconds())}}
		return "(" + b.grown(fn, b.histogram()+"_count", d) + " - " + b.grown(fn, b.histogram()+"_bucket", d, le) + ")"
	}
	return "(" + b.grown(fn, requestsMetric, d, Match{Label: "code", Values: []string{"5xx"}}) + " + " +
		b.grown(fn, refusedMetric, d, Match{Label: "reason", Values: []string{"full"}}) + ")"
}

func (b *Burn) all(d time.Duration) string {
	switch b.SLO.By {
	case ByFirstByte, ByResponse:
		return b.grown("rate", b.histogram()+"_count", d)
	}
	return "(" + b.grown("rate", requestsMetric, d, Match{Label: "code", Values: []string{"2xx", "3xx", "5xx"}}) + " + " +
		b.grown("rate", refusedMetric, d, Match{Label: "reason", Values: []string{"full"}}) + ")"
}

func (b *Burn) histogram() string {
	if b.SLO.By == ByFirstByte {
		return firstByteMetric
	}
	return responseMetric
}
