// Reading some instruments inside the program, without text: what rules are judged by.

package metrics

import (
	"slices"
	"strings"

	dto "github.com/prometheus/client_model/go"
)

// Kind is what a metric is.
type Kind uint8

// The kinds of metrics.
const (
	Gauge Kind = iota
	Counter
	Histogram
)

var kindNames = [...]string{"gauge", "counter", "histogram"}

func (k Kind) String() string { return kindNames[k] }

// ParseKind is the kind with a name.
func ParseKind(name string) (k Kind, ok bool) {
	i := slices.Index(kindNames[:], name)
	return Kind(max(i, 0)), i >= 0
}

// IsHistogram says whether a metric of that name is a histogram.
func IsHistogram(name string) bool {
	return slices.ContainsFunc(families, func(f *aFamily) bool { return f.name == name && f.kind == Histogram })
}

// Sample is one series at one moment.
type Sample struct {
	Name   string // "steelyard_…"
	Kind   Kind
	Labels []string // names, sorted; shared by all samples of the metric
	Values []string // of the labels, in that order
	Value  float64  // of a histogram how many were counted

	Bounds  []float64 // of a histogram, in seconds; shared
	Buckets []float64 // how many were counted up to each bound, and in all
}

// Label is the value of a label, "" if the sample has none of that name.
func (s *Sample) Label(name string) string {
	if i := slices.Index(s.Labels, name); i >= 0 {
		return s.Values[i]
	}
	return ""
}

// Gather reads the metrics with these names as they are now. It writes no text and looks at no
// others, so that it costs little beside a scrape. Metrics of the Go runtime and of the process
// are not among them.
func (r *Registry) Gather(names map[string]bool) []Sample {
	g := gathering{only: make([]bool, len(families))}
	for i, f := range families {
		g.only[i] = names[f.name]
	}
	r.collect(&page{gathering: &g})
	own, _ := r.own.Gather() // what could be gathered counts
	for _, f := range own {
		if names[f.GetName()] {
			g.samples = append(g.samples, fromLibrary(f)...)
		}
	}
	return g.samples
}

// gathering takes samples in place of a page.
type gathering struct {
	only    []bool // by family: it is asked for
	samples []Sample
}

// take keeps a sample. It copies the labels, so that callers need not allocate them for a page.
func (g *gathering) take(f *aFamily, value float64, labels []string) *Sample {
	if !g.only[f.index] {
		return nil
	}
	s := Sample{Name: f.name, Kind: f.kind, Labels: f.labels, Value: value, Values: make([]string, len(labels))}
	for i, at := range f.order {
		s.Values[i] = labels[at]
	}
	g.samples = append(g.samples, s)
	return &g.samples[len(g.samples)-1]
}

func (g *gathering) takeHistogram(f *aFamily, h *histogram, labels []string) {
	s := g.take(f, 0, labels)
	if s == nil {
		return
	}
	s.Bounds, s.Buckets = h.bounds.seconds, make([]float64, len(h.counts))
	count := uint64(0)
	for i := range h.counts {
		count += h.counts[i].Load()
		s.Buckets[i] = float64(count)
	}
	s.Value = float64(count)
}

// fromLibrary reads what the library keeps for us: counters and gauges.
func fromLibrary(f *dto.MetricFamily) (samples []Sample) {
	for _, m := range f.GetMetric() {
		s := Sample{Name: f.GetName()}
		if c := m.GetCounter(); c != nil {
			s.Kind, s.Value = Counter, c.GetValue()
		} else {
			s.Value = m.GetGauge().GetValue()
		}
		for _, l := range m.GetLabel() {
			s.Labels, s.Values = append(s.Labels, l.GetName()), append(s.Values, l.GetValue())
		}
		samples = append(samples, s)
	}
	return samples
}

// kindOf is the kind of a metric by its name: a counter's ends in _total.
func kindOf(name string) Kind {
	if strings.HasSuffix(name, "_total") {
		return Counter
	}
	return Gauge
}
