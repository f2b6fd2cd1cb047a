// An alert in words.

package alert

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// show is the alert as it stands.
func (i *instance) show() Alert {
	a := Alert{
		Name: i.name, Upstream: i.subject.Upstream, Endpoint: i.subject.Endpoint, State: i.state, Since: i.since,
		StartsAt: i.startsAt, EndsAt: i.endsAt, Value: i.value, Reason: i.reason, Flapping: i.flapping, Severity: Ticket,
	}
	if i.flapping {
		a.State = Firing
	}
	if a.State == Firing {
		a.EndsAt, a.Reason = time.Time{}, ""
	}
	r := i.rule
	if r == nil {
		a.Summary = "its rule is not in the configuration"
		return a
	}
	a.Severity, a.Labels, a.Remedy = r.Severity, r.Labels, r.Remedy
	a.Note = i.note()
	a.Summary = i.summary()
	if a.Note != "" {
		a.Summary += " (" + a.Note + ")"
	}
	return a
}

// about names the subject.
func (s Subject) about() string {
	switch {
	case s.Endpoint != "":
		return "endpoint " + s.Endpoint + " of upstream " + s.Upstream
	case s.Upstream != "":
		return "upstream " + s.Upstream
	}
	return "the gateway"
}

func (i *instance) summary() string {
	r := i.rule
	if b := r.Burn; b != nil {
		return fmt.Sprintf("%s: %s of its requests are bad (%s), where objective %s allows %s: more than %s of the budget of %s goes within %s at this rate",
			i.subject.about(), percent(i.value), b.SLO.By.words(b.SLO.Bound), b.SLO.Name, percent(1-b.SLO.Objective),
			percent(b.Window.Spent), shortly(b.SLO.Period), shortly(b.Window.Long))
	}
	if r.Summary != "" {
		return strings.NewReplacer("{upstream}", i.subject.Upstream, "{endpoint}", i.subject.Endpoint,
			"{value}", figure(i.value), "{limit}", figure(i.limit)).Replace(r.Summary)
	}
	if r.Fn == Absent {
		return i.subject.about() + ": " + r.what() + " is not there"
	}
	side := "above"
	if r.Below {
		side = "below"
	}
	return fmt.Sprintf("%s: %s is %s, %s %s", i.subject.about(), r.what(), figure(i.value), side, figure(i.limit))
}

// note is what must be known to read the value right.
func (i *instance) note() string {
	switch f := i.last; {
	case !i.noData.IsZero():
		return "no data since " + i.noData.UTC().Format(time.RFC3339)
	case f.has && !f.full && f.wanted > 0:
		return "of the last " + f.known.Round(time.Second).String() + ", as its window of " + shortly(f.wanted) + " is not full yet"
	}
	return ""
}

// words say what a bad request is.
func (g Good) words(bound time.Duration) string {
	switch g {
	case ByFirstByte:
		return "no first byte within " + bound.String()
	case ByResponse:
		return "no whole answer within " + bound.String()
	}
	return "5xx, or 429 from a full queue"
}

// what says in short what a rule's value is.
func (r *Rule) what() string {
	series := r.Metric
	if len(r.Where) > 0 {
		var parts []string
		for _, m := range r.Where {
			parts = append(parts, m.String())
		}
		series += "{" + strings.Join(parts, ",") + "}"
	}
	switch r.Fn {
	case Rate:
		return "the rate of " + series + " over " + shortly(r.Over)
	case Delta:
		return "the increase of " + series + " over " + shortly(r.Over)
	case Quantile:
		return "quantile " + figure(r.Quantile) + " of " + series + " over " + shortly(r.Over)
	case Ratio:
		of := series + " in " + r.whole()
		if r.Over > 0 {
			of += " over " + shortly(r.Over)
		}
		return "the part of " + of
	}
	return series
}

// figure is a number as people read it.
func figure(v float64) string {
	if v == math.Trunc(v) && math.Abs(v) < 1e15 {
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return strconv.FormatFloat(v, 'g', 4, 64)
}

func percent(v float64) string { return strconv.FormatFloat(v*100, 'g', 3, 64) + " %" }

// Condition is what must hold for the rule to fire, in short.
func (r *Rule) Condition() string {
	if b := r.Burn; b != nil {
		return fmt.Sprintf("more than %s of the requests are bad over %s and %s", percent(b.Limit()), shortly(b.Window.Long), shortly(b.Window.Short))
	}
	if r.Fn == Absent {
		return r.what() + " is not there"
	}
	side := " > "
	if r.Below {
		side = " < "
	}
	limit := figure(r.Limit)
	if len(r.LimitOf) > 0 {
		var each []string
		for _, upstream := range slices.Sorted(maps.Keys(r.LimitOf)) {
			each = append(each, upstream+" "+figure(r.LimitOf[upstream]))
		}
		limit = strings.Join(each, ", ")
	}
	return r.what() + side + limit
}
