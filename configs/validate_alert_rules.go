// What may be wrong with one rule of alerts.

package configs

import (
	"slices"
	"strings"
	"time"
)

func (r *report) validateRule(p path, a *AlertRule, interval time.Duration, upstreams []string) {
	r.oneOf(p.key("severity"), a.Severity, AlertSeverities...)
	r.oneOf(p.key("on"), a.On, alertSubjects...)
	r.oneOf(p.key("fn"), a.Fn, alertFunctions...)
	r.oneOf(p.key("no_data"), a.NoData, alertNoData...)
	m, known := r.validateMetric(p.key("metric"), a.Metric, a.On)
	if known {
		r.validateWhere(p.key("where"), a, m, upstreams)
		r.validateFunction(p, a, m)
	}
	r.validateOver(p, a, m, known, interval)
	r.validateRuleLimits(p, a)
	const mostFor = 24 * time.Hour
	between(r, p.key("for"), a.For, 0, mostFor, "give how long the condition must hold before it fires")
	between(r, p.key("keep_firing_for"), a.KeepFiring, 0, mostFor, "give how long the condition must not hold before it is over")
	between(r, p.key("min_events"), a.MinEvents, 0, 1_000_000_000, "give how many events there must be to judge by")
	r.short(p.key("summary"), a.Summary)
	r.short(p.key("remedy"), a.Remedy)
}

// short reports a text that is too long for a line.
func (r *report) short(p path, text string) {
	if len(text) > mostLabel {
		r.add(p, "shorten it to at most 256", "has %d bytes", len(text))
	}
}

// validateMetric reports a metric that is unknown, or does not tell subjects apart.
func (r *report) validateMetric(p path, name, on string) (m metric, known bool) {
	if name == "" {
		r.missing(p, "name a metric of metrics/METRICS.md")
		return m, false
	}
	if m, known = knownMetrics[name]; !known {
		if m, known = knownMetrics["steelyard_"+name]; known {
			r.add(p, "write steelyard_"+name, "is no whole name: %s", quote(name))
		} else if near := nearest(name, metricNames()); near != "" {
			r.add(p, "did you mean "+quote(near)+"?", "there is no metric %s", quote(name))
		} else {
			r.add(p, "name one of metrics/METRICS.md", "there is no metric %s", quote(name))
		}
		return m, false
	}
	for _, label := range []string{"upstream", "endpoint"} {
		if (on == label || on == "endpoint") && !slices.Contains(m.labels, label) {
			r.add(p, "put the rule on what the metric tells apart", "has no label %s, so that the rule cannot be on each %s: %s", label, on, quote(name))
			return m, false
		}
	}
	return m, true
}

func (r *report) validateWhere(p path, a *AlertRule, m metric, upstreams []string) {
	for i, text := range a.Where {
		at := p.item(i)
		label, values, found := strings.Cut(text, "=")
		label = strings.TrimSuffix(label, "!")
		switch {
		case !found || label == "" || values == "":
			r.add(at, "write label=value, or label!=value, with several values as value|value", "is no demand on a label: %s", quote(text))
		case len(text) > mostLabel:
			r.add(at, "shorten it to at most 256", "has %d bytes", len(text))
		case !slices.Contains(m.labels, label):
			remedy := "remove it: the metric has no labels"
			if len(m.labels) > 0 {
				remedy = Suggest(label, m.labels)
			}
			r.add(at, remedy, "%s has no label %s", a.Metric, quote(label))
		case label == "upstream":
			for value := range strings.SplitSeq(values, "|") {
				if !slices.Contains(upstreams, value) {
					r.add(at, Suggest(value, upstreams), "there is no upstream %s", quote(value))
				}
			}
		}
	}
}

// validateFunction reports a function that makes no sense of the metric.
func (r *report) validateFunction(p path, a *AlertRule, m metric) {
	at := p.key("fn")
	switch {
	case a.Fn == "quantile" && m.kind != "histogram":
		r.add(at, "use value, rate or delta, or name a metric whose type is histogram", "quantile needs a histogram, and %s is a %s", a.Metric, m.kind)
	case a.Fn == "rate" && m.kind == "gauge":
		r.add(at, "use value or delta, or name a metric that ends in _total", "rate needs a counter, and %s is a gauge", a.Metric)
	case a.Fn == "value" && m.kind == "histogram":
		r.add(at, "use quantile, rate or delta", "value has no meaning for a histogram: %s", a.Metric)
	}
	if a.Fn != "ratio" {
		if a.Of != "" {
			r.add(p.key("of"), "remove it, or use fn: ratio", "has no effect with fn %s", a.Fn)
		}
		return
	}
	if a.Of == "" {
		if len(a.Where) == 0 {
			r.add(p.key("of"), "give where, the part that counts, or of, the metric that is the whole", "the ratio is always 1: part and whole are the same")
		}
		return
	}
	if of, known := r.validateMetric(p.key("of"), a.Of, a.On); known && (of.kind == "gauge") != (m.kind == "gauge") {
		r.add(p.key("of"), "give two counters, or two gauges", "%s is a %s, and %s is a %s", a.Metric, m.kind, a.Of, of.kind)
	}
}

// validateOver reports a time to look back that is missing, has no meaning, or is not kept.
func (r *report) validateOver(p path, a *AlertRule, m metric, known bool, interval time.Duration) {
	at := p.key("over")
	wants := a.Fn == "rate" || a.Fn == "delta" || a.Fn == "quantile" || a.Fn == "ratio" && m.kind != "gauge"
	switch {
	case !known && a.Fn == "ratio", !slices.Contains(alertFunctions, a.Fn):
	case !wants && a.Over != 0:
		r.add(at, "remove it", "has no meaning where the rule goes by what is now")
	case wants && a.Over == 0:
		r.missing(at, "give the time over which to look back, such as 5m")
	case wants && a.Over > keptOver:
		r.add(at, "give 1h or less, or write an objective (alerts.slo), which looks back for 3 days", "no more than %s is kept, and this asks for %s", show(keptOver), show(a.Over))
	case wants && a.Over < 2*interval:
		r.add(at, "raise it, or lower alerts.interval", "must be at least twice alerts.interval (%s), is %s", show(interval), show(a.Over))
	}
	switch at := p.key("quantile"); {
	case a.Fn != "quantile" && a.Quantile != 0:
		r.add(at, "remove it, or use fn: quantile", "has no effect with fn %s", a.Fn)
	case a.Fn == "quantile" && r.finite(at, a.Quantile, "give a part such as 0.95") && (a.Quantile <= 0 || a.Quantile >= 1):
		r.add(at, "give a part such as 0.95", "must be above 0 and below 1, is %s", show(a.Quantile))
	}
	if a.MinEvents != 0 && (a.Fn == "value" || a.Fn == "absent" || a.Fn == "ratio" && m.kind == "gauge" && known) {
		r.add(p.key("min_events"), "remove it", "has no meaning where the rule goes by what is now")
	}
}

// validateRuleLimits reports limits that are missing, both there, or on the wrong side of each other.
func (r *report) validateRuleLimits(p path, a *AlertRule) {
	for _, l := range a.limits() {
		if !r.finite(p.key(l.key), *l.value, "give a plain number") {
			return
		}
	}
	switch {
	case a.Fn == "absent":
		for _, l := range a.limits() {
			r.add(p.key(l.key), "remove it", "has no meaning with fn absent, which has no value")
		}
	case a.Above != nil && a.Below != nil:
		r.add(p.key("below"), "keep one of the two", "above is given as well")
	case a.Above == nil && a.Below == nil:
		r.missing(p.key("above"), "give above or below: beyond that it fires")
	case a.Clear == nil:
	case a.Above != nil && *a.Clear > *a.Above:
		r.add(p.key("clear"), "lower it to at most above, or remove it", "is on the wrong side: it must be at most above (%s), is %s", show(*a.Above), show(*a.Clear))
	case a.Below != nil && *a.Clear < *a.Below:
		r.add(p.key("clear"), "raise it to at least below, or remove it", "is on the wrong side: it must be at least below (%s), is %s", show(*a.Below), show(*a.Clear))
	}
}

// aLimit is one that a rule gives.
type aLimit struct {
	key   string
	value *float64
}

func (a *AlertRule) limits() []aLimit {
	return slices.DeleteFunc([]aLimit{{"above", a.Above}, {"below", a.Below}, {"clear", a.Clear}}, func(l aLimit) bool { return l.value == nil })
}
