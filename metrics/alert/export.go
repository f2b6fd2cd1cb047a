// The same rules for a Prometheus.

package alert

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/steelyard-proxy/steelyard/metrics"
)

// Export writes rules as a file of rules for Prometheus, which is to evaluate them as often as the
// gateway does. What Prometheus cannot say is in a comment before the rule.
func Export(rules []*Rule, interval time.Duration) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "groups:\n  - name: steelyard\n    interval: %s\n    rules:\n", promDuration(interval))
	for _, r := range rules {
		r.export(&b)
	}
	return b.Bytes()
}

func (r *Rule) export(b *bytes.Buffer) {
	for _, line := range r.differs() {
		fmt.Fprintf(b, "      # %s\n", line)
	}
	fmt.Fprintf(b, "      - alert: %s\n        expr: |-\n", strconv.Quote(r.Name))
	for line := range strings.SplitSeq(r.expr(), "\n") {
		fmt.Fprintf(b, "          %s\n", line)
	}
	if r.For > 0 {
		fmt.Fprintf(b, "        for: %s\n", promDuration(r.For))
	}
	if r.KeepFiring > 0 {
		fmt.Fprintf(b, "        keep_firing_for: %s\n", promDuration(r.KeepFiring))
	}
	labels := map[string]string{"severity": r.Severity}
	maps.Copy(labels, r.Labels)
	annotations := map[string]string{"summary": r.template()}
	if r.Remedy != "" {
		annotations["remedy"] = escapeTemplate(r.Remedy)
	}
	exportMap(b, "labels", labels)
	exportMap(b, "annotations", annotations)
}

func exportMap(b *bytes.Buffer, name string, pairs map[string]string) {
	fmt.Fprintf(b, "        %s:\n", name)
	for _, key := range slices.Sorted(maps.Keys(pairs)) {
		fmt.Fprintf(b, "          %s: %s\n", key, strconv.Quote(pairs[key]))
	}
}

// differs says what Prometheus does otherwise.
func (r *Rule) differs() (list []string) {
	if r.NoData == Keep && r.Fn != Absent {
		list = append(list, "Without data this is over here; in the gateway it stays as it is.")
	}
	return list
}

// promDuration writes a duration as Prometheus reads it: 90s for what is no whole minute.
func promDuration(d time.Duration) string {
	if d%time.Second != 0 {
		return strconv.FormatInt(d.Milliseconds(), 10) + "ms"
	}
	return shortly(d)
}

// by are the labels that a rule's subjects are told apart by.
func (o On) by() string {
	switch o {
	case OnUpstream:
		return "upstream"
	case OnEndpoint:
		return "upstream, endpoint"
	}
	return ""
}

// sum adds up an expression by subject.
func (o On) sum(expr string, more ...string) string {
	by := slices.DeleteFunc(append(more, o.by()), func(s string) bool { return s == "" })
	return "sum by (" + strings.Join(by, ", ") + ") (" + expr + ")"
}

// selector is a series' name with its demands. Those without an upstream or an endpoint are of no subject.
func (o On) selector(metric string, where []Match, rangeOver time.Duration) string {
	var parts []string
	for _, m := range where {
		parts = append(parts, m.selector())
	}
	if o != OnGateway {
		parts = append(parts, `upstream!=""`)
	}
	if o == OnEndpoint {
		parts = append(parts, `endpoint!=""`)
	}
	text := metric
	if len(parts) > 0 {
		text += "{" + strings.Join(parts, ",") + "}"
	}
	if rangeOver > 0 {
		text += "[" + promDuration(rangeOver) + "]"
	}
	return text
}

func (m Match) selector() string {
	if len(m.Values) == 1 {
		op := "="
		if m.Not {
			op = "!="
		}
		return m.Label + op + strconv.Quote(m.Values[0])
	}
	quoted := make([]string, len(m.Values))
	for i, v := range m.Values {
		quoted[i] = regexpQuote(v)
	}
	op := "=~"
	if m.Not {
		op = "!~"
	}
	return m.Label + op + strconv.Quote(strings.Join(quoted, "|"))
}

func regexpQuote(text string) string {
	var b strings.Builder
	for _, c := range text {
		if strings.ContainsRune(`\.+*?()|[]{}^$`, c) {
			b.WriteByte('\\')
		}
		b.WriteRune(c)
	}
	return b.String()
}

// value is the expression of what a rule compares.
func (r *Rule) value() string {
	over := func(fn, metric string, where []Match) string {
		return r.On.sum(fn + "(" + r.On.selector(counted(metric), where, r.Over) + ")")
	}
	switch r.Fn {
	case Rate:
		return over("rate", r.Metric, r.Where)
	case Delta:
		if strings.HasSuffix(counted(r.Metric), "_total") || counted(r.Metric) != r.Metric {
			return over("increase", r.Metric, r.Where)
		}
		return over("delta", r.Metric, r.Where)
	case Ratio:
		if r.Over == 0 {
			return r.On.sum(r.On.selector(r.Metric, r.Where, 0)) + " / (" + r.On.sum(r.On.selector(r.whole(), nil, 0)) + " != 0)"
		}
		return over("rate", r.Metric, r.Where) + " / " + over("rate", r.whole(), nil)
	case Quantile:
		return "histogram_quantile(" + figure(r.Quantile) + ", " + r.On.sum("rate("+r.On.selector(r.Metric+"_bucket", r.Where, r.Over)+")", "le") + ")"
	}
	return r.On.sum(r.On.selector(r.Metric, r.Where, 0))
}

// enough demands the least number of events; "" where none is needed.
func (r *Rule) enough() string {
	metric, where := r.Metric, r.Where
	switch {
	case r.MinEvents <= 0 || r.Over == 0:
		return ""
	case r.Fn == Ratio:
		metric, where = r.whole(), nil
	}
	return " and " + r.On.sum("increase("+r.On.selector(counted(metric), where, r.Over)+")") + " >= " + figure(r.MinEvents)
}

// compare is the expression with its limit, and where there is a gap between the limits the lower one while it fires.
func (r *Rule) compare(value string, limit, over float64) string {
	op, on := " > ", " and on ("+r.On.by()+") "
	if r.Below {
		op = " < "
	}
	text := value + op + exact(limit)
	if over != limit {
		text = "(" + text + "\n  or (" + value + op + exact(over) + on + "ALERTS{alertname=" + strconv.Quote(r.Name) + `,alertstate="firing"}))`
	}
	return text
}

// exact is a number such that it is read back as it is.
func exact(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

// expr is the whole expression.
func (r *Rule) expr() string {
	if r.Burn != nil {
		return r.Burn.expr()
	}
	text := ""
	switch {
	case r.Fn == Absent:
		text = r.absent()
	case len(r.LimitOf) > 0:
		var each []string
		for _, upstream := range slices.Sorted(maps.Keys(r.LimitOf)) {
			limit, over := r.limits(upstream)
			one := *r
			one.Where = append(slices.Clone(r.Where), Match{Label: "upstream", Values: []string{upstream}})
			each = append(each, one.compare(one.value(), limit, over)+one.enough())
		}
		text = strings.Join(each, "\nor ")
	default:
		text = r.compare(r.value(), r.Limit, r.Clear) + r.enough()
	}
	if r.NoData == Fires && r.Fn != Absent {
		text = "(" + text + ")\nor " + r.absent()
	}
	if r.On == OnEndpoint && !r.Drained {
		text = "(" + text + ")\nunless on (upstream, endpoint) steelyard_endpoint_condition{condition=~\"draining|departing\"} == 1"
	}
	return text
}

// absent is an expression that is there for each subject without such series.
func (r *Rule) absent() string {
	if r.On == OnGateway {
		return "absent(" + r.On.selector(counted(r.Metric), r.Where, 0) + ")"
	}
	return "group by (" + r.On.by() + ") (" + r.On.selector("steelyard_endpoint_eligible", nil, 0) + ") unless on (" + r.On.by() + ") " +
		"group by (" + r.On.by() + ") (" + r.On.selector(counted(r.Metric), r.Where, 0) + ")"
}

// counted is the series that counts what a metric is about: a histogram has none of its own name.
func counted(metric string) string {
	if metrics.IsHistogram(metric) {
		return metric + "_count"
	}
	return metric
}

// template is the summary in Prometheus' templates.
func (r *Rule) template() string {
	i := instance{rule: r, subject: Subject{Upstream: "\x01", Endpoint: "\x02"}, limit: r.Limit}
	if r.On != OnEndpoint {
		i.subject.Endpoint = ""
	}
	if r.On == OnGateway {
		i.subject.Upstream = ""
	}
	i.value = templateMark
	text := escapeTemplate(i.summary())
	for mark, label := range map[string]string{
		"\x01": "{{ $labels.upstream }}", "\x02": "{{ $labels.endpoint }}", figure(templateMark): "{{ $value }}", percent(templateMark): "{{ $value | humanizePercentage }}",
	} {
		text = strings.ReplaceAll(text, mark, label)
	}
	return text
}

// templateMark is a number that no rule has.
const templateMark = 918273645

func escapeTemplate(text string) string { return strings.ReplaceAll(text, "{{", `{{ "{{" }}`) }
