// Trying a rule on what was recorded.

package alert

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/steelyard-proxy/steelyard/metrics"
)

// Moment is the instruments at one moment of a recording.
type Moment struct {
	At      time.Time
	Samples []metrics.Sample
}

// pageBegins is before the time of each page of a recording.
const pageBegins = "# at "

// mostLine is the longest line of a recording.
const mostLine = 1 << 20

// ReadRecording reads pages of /metrics one after the other, oldest first, each after a line that says
// when it was read: "# at 2026-03-02T09:00:00Z", or seconds in Unix time.
func ReadRecording(from io.Reader) (list []Moment, err error) {
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, mostLine)
	var page strings.Builder
	var at time.Time
	number, began := 0, 0
	flush := func() error {
		if began == 0 {
			if strings.TrimSpace(page.String()) != "" {
				return fmt.Errorf("line 1: a page must begin with a line such as %q", pageBegins+"2026-03-02T09:00:00Z")
			}
			return nil
		}
		samples, err := readPage(page.String())
		if err != nil {
			return fmt.Errorf("the page of line %d: %w", began, err)
		}
		if n := len(list); n > 0 && !at.After(list[n-1].At) {
			return fmt.Errorf("line %d: pages must follow one another in time", began)
		}
		list = append(list, Moment{at, samples})
		return nil
	}
	for lines.Scan() {
		number++
		text, begins := strings.CutPrefix(lines.Text(), pageBegins)
		if !begins {
			page.WriteString(lines.Text() + "\n")
			continue
		}
		if err := flush(); err != nil {
			return nil, err
		}
		if at, err = readTime(strings.TrimSpace(text)); err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		began = number
		page.Reset()
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("line %d: %w", number+1, err)
	}
	if err := flush(); err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, errors.New("it has no page")
	}
	return list, nil
}

func readTime(text string) (time.Time, error) {
	if at, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return at, nil
	}
	var seconds float64
	if _, err := fmt.Sscanf(text, "%g", &seconds); err != nil || seconds < 0 || seconds > 1e12 {
		return time.Time{}, fmt.Errorf("%.40q is no time: write it like 2026-03-02T09:00:00Z, or as seconds in Unix time", text)
	}
	return time.UnixMicro(int64(seconds * 1e6)).UTC(), nil
}

// readPage reads a page in Prometheus' text format.
func readPage(text string) (samples []metrics.Sample, err error) {
	parser := expfmt.NewTextParser(model.UTF8Validation)
	byName, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		return nil, err
	}
	for _, f := range byName {
		for _, m := range f.GetMetric() {
			samples = append(samples, fromText(f, m))
		}
	}
	return samples, nil
}

func fromText(f *dto.MetricFamily, m *dto.Metric) metrics.Sample {
	s := metrics.Sample{Name: f.GetName()}
	for _, l := range m.GetLabel() {
		s.Labels, s.Values = append(s.Labels, l.GetName()), append(s.Values, l.GetValue())
	}
	switch f.GetType() {
	case dto.MetricType_COUNTER:
		s.Kind, s.Value = metrics.Counter, m.GetCounter().GetValue()
	case dto.MetricType_HISTOGRAM:
		h := m.GetHistogram()
		s.Kind, s.Value = metrics.Histogram, float64(h.GetSampleCount())
		for _, b := range h.GetBucket() {
			if b.GetUpperBound() <= 1e18 { // not +Inf
				s.Bounds, s.Buckets = append(s.Bounds, b.GetUpperBound()), append(s.Buckets, float64(b.GetCumulativeCount()))
			}
		}
		s.Buckets = append(s.Buckets, s.Value)
	case dto.MetricType_GAUGE:
		s.Value = m.GetGauge().GetValue()
	default:
		s.Value = m.GetUntyped().GetValue()
		if strings.HasSuffix(s.Name, "_total") {
			s.Kind = metrics.Counter
		}
	}
	return s
}

// Replay runs rules over a recording, and calls tell with each alert whose state has changed, and with
// all there are after the last page.
func Replay(p Plan, recording []Moment, tell func(at time.Time, a Alert)) []Alert {
	var now Moment
	e := New(Options{Registry: registryFunc(func(names map[string]bool) []metrics.Sample { return now.named(names) }),
		Subjects: func() []Subject { return now.subjects() }, Now: func() time.Time { return recording[0].At }})
	p.Interval = max(p.Interval, usualGap(recording))
	e.Configure(p)
	was := map[string]State{}
	for _, now = range recording {
		e.Step(now.At)
		for _, a := range e.current() {
			key := instanceKey(a.Name, Subject{Upstream: a.Upstream, Endpoint: a.Endpoint})
			if before, known := was[key]; !known || before != a.State {
				was[key] = a.State
				tell(now.At, a)
			}
		}
	}
	return e.current()
}

// usualGap is the time from one page to the next, as it mostly is: a rule must not take that for a missed evaluation.
func usualGap(recording []Moment) time.Duration {
	gaps := make([]time.Duration, 0, len(recording))
	for i := 1; i < len(recording); i++ {
		gaps = append(gaps, recording[i].At.Sub(recording[i-1].At))
	}
	if len(gaps) == 0 {
		return usualInterval
	}
	slices.Sort(gaps)
	return gaps[len(gaps)/2]
}

// current is every alert that may be, whatever its state.
func (e *Engine) current() (list []Alert) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, i := range e.instances {
		list = append(list, i.show())
	}
	sortAlerts(list)
	return list
}

type registryFunc func(names map[string]bool) []metrics.Sample

func (f registryFunc) Gather(names map[string]bool) []metrics.Sample { return f(names) }

func (m *Moment) named(names map[string]bool) (samples []metrics.Sample) {
	for _, s := range m.Samples {
		if names[s.Name] {
			samples = append(samples, s)
		}
	}
	return samples
}

// subjects are those that any sample of the page tells of.
func (m *Moment) subjects() []Subject {
	drained := map[Subject]bool{}
	for i := range m.Samples {
		s := &m.Samples[i]
		if c := s.Label("condition"); s.Name == "steelyard_endpoint_condition" && s.Value > 0 && (c == "draining" || c == "departing") {
			drained[Subject{Upstream: s.Label("upstream"), Endpoint: s.Label("endpoint")}] = true
		}
	}
	list := subjectsOf(m.Samples)
	for i := range list {
		list[i].Drained = drained[list[i]]
	}
	return list
}

// Only is the plan with one rule, or the objective that it belongs to.
func (p Plan) Only(name string) Plan {
	one := Plan{Interval: p.Interval}
	for _, r := range p.Rules {
		if r.Name == name {
			one.Rules = append(one.Rules, r)
		}
	}
	for _, s := range p.SLOs {
		if slices.ContainsFunc(s.Rules(), func(r Rule) bool { return r.Name == name }) {
			one.SLOs = append(one.SLOs, s)
		}
	}
	return one
}
