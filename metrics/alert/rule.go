// What a rule says.

package alert

import (
	"slices"
	"strings"
	"time"

	"github.com/steelyard-proxy/steelyard/metrics"
)

// On is what a rule is evaluated for, each apart.
type On uint8

// What a rule may be on.
const (
	OnGateway On = iota
	OnUpstream
	OnEndpoint
)

// Names are how they are written.
var onNames = [...]string{"gateway", "upstream", "endpoint"}

func (o On) String() string { return onNames[o] }

// ParseOn reads a name.
func ParseOn(name string) (On, bool) {
	i := slices.Index(onNames[:], name)
	return On(max(i, 0)), i >= 0
}

// Fn is how a rule's value comes from the series it is about, which are added up first.
type Fn uint8

// The functions.
const (
	Value    Fn = iota // as it is now
	Rate               // increase a second, over Over
	Ratio              // part of Of: of increases over Over, or of gauges as they are now
	Quantile           // of a histogram's observations in Over
	Delta              // increase over Over; of a gauge its change, which may be less than none
	Absent             // 1 where there is no such series
)

var fnNames = [...]string{"value", "rate", "ratio", "quantile", "delta", "absent"}

func (f Fn) String() string { return fnNames[f] }

// ParseFn reads a name.
func ParseFn(name string) (Fn, bool) {
	i := slices.Index(fnNames[:], name)
	return Fn(max(i, 0)), i >= 0
}

// OnNoData is what happens to an alert that has nothing to judge by.
type OnNoData uint8

// What may happen without data.
const (
	Keep     OnNoData = iota // it stays as it is
	CountsOK                 // as if all were well
	Fires                    // as if its condition held
)

var noDataNames = [...]string{"keep", "ok", "fire"}

func (o OnNoData) String() string { return noDataNames[o] }

// ParseNoData reads a name.
func ParseNoData(name string) (OnNoData, bool) {
	i := slices.Index(noDataNames[:], name)
	return OnNoData(max(i, 0)), i >= 0
}

// Match is one demand on a label: that its value is one of these, or none of them.
type Match struct {
	Label  string
	Not    bool
	Values []string
}

// ParseMatch reads label=value or label!=value, where values may be separated by "|".
func ParseMatch(text string) (m Match, ok bool) {
	name, values, found := strings.Cut(text, "=")
	if !found {
		return m, false
	}
	m.Label, m.Not = strings.CutSuffix(name, "!")
	m.Values = strings.Split(values, "|")
	return m, m.Label != ""
}

// String is the form that ParseMatch reads.
func (m Match) String() string {
	not := ""
	if m.Not {
		not = "!"
	}
	return m.Label + not + "=" + strings.Join(m.Values, "|")
}

func (m Match) accepts(value string) bool { return slices.Contains(m.Values, value) != m.Not }

// Rule says when an alert fires. Over a reload it is the same rule while its name is the same.
type Rule struct {
	Name, Severity  string
	Summary, Remedy string // Summary may hold {upstream}, {endpoint}, {value} and {limit}; "": one is made
	Labels          map[string]string

	On       On
	Metric   string
	Where    []Match // on Metric
	Fn       Fn
	Of       string  // the whole of a ratio; "": Metric, without Where
	Quantile float64 // 0 to 1
	Over     time.Duration

	Below   bool               // it fires below Limit; else above
	Limit   float64            // beyond this it fires
	LimitOf map[string]float64 // by upstream; it goes before Limit
	Clear   float64            // and on the other side of this it is over; equal to Limit where there is no gap
	ClearOf map[string]float64 // by upstream

	For        time.Duration // the condition must hold, before it fires
	KeepFiring time.Duration // it must not hold, before it is over
	NoData     OnNoData
	MinEvents  float64 // in Over, or there is no data
	Drained    bool    // endpoints that are drained count too

	Burn *Burn // of an objective; what stands in Metric to Clear does not count then
}

// limits are where it fires and where it is over, for one upstream.
func (r *Rule) limits(upstream string) (limit, over float64) {
	limit, over = r.Limit, r.Clear
	if own, found := r.LimitOf[upstream]; found {
		limit, over = own, own
		if c, found := r.ClearOf[upstream]; found {
			over = c
		}
	}
	return limit, over
}

// concerns says whether the rule's demands on upstream and endpoint leave room for a subject.
func (r *Rule) concerns(s Subject) bool {
	if b := r.Burn; b != nil {
		return b.SLO.Upstream == "" || b.SLO.Upstream == s.Upstream
	}
	for _, m := range r.Where {
		if m.Label == "upstream" && r.On != OnGateway && !m.accepts(s.Upstream) || m.Label == "endpoint" && r.On == OnEndpoint && !m.accepts(s.Endpoint) {
			return false
		}
	}
	return true
}

// accepts says whether a sample is one that the rule is about.
func (r *Rule) accepts(s *metrics.Sample) bool {
	for _, m := range r.Where {
		if !m.accepts(s.Label(m.Label)) {
			return false
		}
	}
	return true
}

// whole is the metric that a ratio is part of.
func (r *Rule) whole() string {
	if r.Of != "" {
		return r.Of
	}
	return r.Metric
}

// metricNames are those the rule reads.
func (r *Rule) metricNames() []string {
	if r.Burn != nil {
		return r.Burn.SLO.metricNames()
	}
	if r.Fn == Ratio {
		return []string{r.Metric, r.whole()}
	}
	return []string{r.Metric}
}

// sameQuestion says whether what was counted for one rule can be used for the other.
func (r *Rule) sameQuestion(other *Rule) bool {
	return (r.Burn == nil) == (other.Burn == nil) && r.On == other.On && r.Metric == other.Metric && r.Fn == other.Fn && r.Of == other.Of &&
		r.Over == other.Over && slices.EqualFunc(r.Where, other.Where, func(a, b Match) bool { return a.String() == b.String() })
}

// Subject is what a rule is evaluated for: the gateway, an upstream, or an endpoint.
type Subject struct {
	Upstream, Endpoint string
	Drained            bool // an endpoint that gets no requests by intent
}

func (s Subject) same(other Subject) bool {
	return s.Upstream == other.Upstream && s.Endpoint == other.Endpoint
}
