// Writing one scrape in Prometheus' text format.

package metrics

import (
	"slices"
	"strconv"
	"time"
	"unicode/utf8"
)

// aFamily is the metrics of one name.
type aFamily struct {
	index  int    // among families
	head   string // its HELP and TYPE lines
	name   string
	kind   Kind
	labels []string // sorted
	order  []int    // by label: the index of its value among those given
}

// families are all that are declared.
var families []*aFamily

// family declares a counter, whose name ends in _total, or a gauge.
func family(name, help string, labels ...string) *aFamily {
	return declare(name, help, kindOf(name), labels)
}

func histogramFamily(name, help string, labels ...string) *aFamily {
	return declare(name, help, Histogram, labels)
}

func declare(name, help string, kind Kind, labels []string) *aFamily {
	name = "steelyard_" + name
	f := &aFamily{index: len(families), name: name, kind: kind, labels: slices.Sorted(slices.Values(labels))}
	f.head = "# HELP " + name + " " + help + "\n# TYPE " + name + " " + kind.String() + "\n"
	for _, l := range f.labels {
		f.order = append(f.order, slices.Index(labels, l))
	}
	families = append(families, f)
	return f
}

// page is one scrape being written, in Prometheus' text format. It is our own because a
// thousand endpoints have some sixty thousand samples, and the library spends half a second
// on allocating and sorting them.
type page struct {
	parts [][]byte // by family
	pace  pacer

	gathering *gathering // takes the samples, and nothing is written; nil: a page is
}

func (s *page) counter(f *aFamily, n uint64, labels ...string) {
	if s.gathering != nil {
		s.gathering.take(f, float64(n), labels)
		return
	}
	s.end(f, strconv.AppendUint(s.series(f, "", "", labels), n, 10))
}

func (s *page) gauge(f *aFamily, v float64, labels ...string) {
	if s.gathering != nil {
		s.gathering.take(f, v, labels)
		return
	}
	s.end(f, strconv.AppendFloat(s.series(f, "", "", labels), v, 'g', -1, 64))
}

func (s *page) flag(f *aFamily, set bool, labels ...string) {
	n := uint64(0)
	if set {
		n = 1
	}
	s.counter(f, n, labels...)
}

// histogram writes buckets, sum and count. Observations that arrive meanwhile may be in
// the sum and not yet in a bucket, or the other way round; count and buckets always agree.
func (s *page) histogram(f *aFamily, h *histogram, labels ...string) {
	if s.gathering != nil {
		s.gathering.takeHistogram(f, h, labels)
		return
	}
	count := uint64(0)
	for i := range h.counts {
		count += h.counts[i].Load()
		s.end(f, strconv.AppendUint(s.series(f, "_bucket", h.bounds.text[i], labels), count, 10))
	}
	s.end(f, strconv.AppendFloat(s.series(f, "_sum", "", labels), h.seconds(), 'g', -1, 64))
	s.end(f, strconv.AppendUint(s.series(f, "_count", "", labels), count, 10))
}

// series begins a line, up to the value of the sample. le is the bound of a bucket, or "".
func (s *page) series(f *aFamily, suffix, le string, values []string) []byte {
	b := s.parts[f.index]
	if len(b) == 0 {
		b = append(b, f.head...)
	}
	b = append(append(b, f.name...), suffix...)
	open := byte('{')
	for i, label := range f.labels {
		b = appendLabel(append(b, open), label, values[f.order[i]])
		open = ','
	}
	if le != "" {
		b = appendLabel(append(b, open), "le", le)
		open = ','
	}
	if open == ',' {
		b = append(b, '}')
	}
	return append(b, ' ')
}

func appendLabel(b []byte, name, value string) []byte {
	b = append(append(b, name...), `="`...)
	return append(appendEscaped(b, value), '"')
}

func (s *page) end(f *aFamily, b []byte) { s.parts[f.index] = append(b, '\n') }

// breathe lets requests run if the page has taken a while.
func (s *page) breathe() { s.pace.breathe() }

// appendEscaped writes a label's value. Prometheus refuses a whole page for one byte that is
// not UTF-8, so such bytes are shown as U+FFFD.
func appendEscaped(b []byte, value string) []byte {
	i := 0
	for i < len(value) && value[i] < utf8.RuneSelf && value[i] != '\\' && value[i] != '"' && value[i] != '\n' {
		i++
	}
	b = append(b, value[:i]...) // all of it, as a rule
	for ; i < len(value); i++ {
		switch c := value[i]; {
		case c == '\\' || c == '"':
			b = append(b, '\\', c)
		case c == '\n':
			b = append(b, `\n`...)
		case c < utf8.RuneSelf:
			b = append(b, c)
		default:
			r, size := utf8.DecodeRuneInString(value[i:])
			b = utf8.AppendRune(b, r)
			i += size - 1
		}
	}
	return b
}

// pacer keeps long work from holding up requests: after each slice of work it rests for as
// long, so that the work takes at most half of one core and the requests that came meanwhile
// are served. Yielding is not enough: the scheduler would resume the work before it looks at
// the network.
type pacer struct{ since time.Time }

const paceSlice = 100 * time.Microsecond

func (p *pacer) breathe() {
	if p.since.IsZero() {
		p.since = time.Now()
		return
	}
	if worked := time.Since(p.since); worked > paceSlice {
		time.Sleep(worked)
		p.since = time.Now()
	}
}
