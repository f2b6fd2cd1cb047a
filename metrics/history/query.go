// The series of the last hour, and asking for them.

package history

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"
)

// Kind is what a series is of.
type Kind string

// The kinds of series. Those of an endpoint are Share, ResponseP95 and InFlight; an upstream has the others and the last two.
const (
	Requests    Kind = "requests"       // ended, per second
	Errors      Kind = "errors"         // failed, per second
	Tokens      Kind = "tokens"         // written, per second
	ResponseP50 Kind = "response_p50"   // seconds, of the minute before
	ResponseP95 Kind = "response_p95"   // likewise
	FirstP50    Kind = "first_byte_p50" // likewise
	FirstP95    Kind = "first_byte_p95" // likewise
	Queue       Kind = "queue"          // requests that wait
	InFlight    Kind = "in_flight"      // requests
	Share       Kind = "share"          // of the upstream's requests, of the minute before
)

var units = map[Kind]string{
	Requests: "requests/s", Errors: "requests/s", Tokens: "tokens/s", ResponseP50: "s", ResponseP95: "s", FirstP50: "s", FirstP95: "s",
	Queue: "requests", InFlight: "requests", Share: "ratio",
}

// Name is how a series is called: requests:chat, or share:chat/small.
func Name(k Kind, upstream, endpoint string) string {
	if endpoint == "" {
		return string(k) + ":" + upstream
	}
	return string(k) + ":" + upstream + "/" + endpoint
}

// series is the last hour of one figure, in the order of History.times.
type series struct {
	values [points]float32 // NaN: not known
	seen   int             // the last step that wrote a point
}

func newSeries() *series {
	s := &series{}
	for i := range s.values {
		s.values[i] = float32(math.NaN())
	}
	return s
}

// Bounds of a query.
const (
	MostPoints = 500 // of each series
	MostAsked  = 20  // series
)

// Query asks for series of a time. A Step of 0 is the least one, and one that would give too many points is raised.
type Query struct {
	Series   []string
	From, To time.Time
	Step     time.Duration
}

// Answer is what was remembered. A value that is not known is NaN.
type Answer struct {
	Step  time.Duration
	Times []int64 // Unix seconds: the beginning of each step
	Lines []Line
}

// Line is one series.
type Line struct {
	Name, Unit string
	Values     []float64 // as many as Times; the mean of the points in the step
}

// UnknownSeries says that there is no series of a name.
type UnknownSeries struct {
	Name string
	Near []string // names that are like it
}

// Error implements error.
func (e *UnknownSeries) Error() string { return fmt.Sprintf("no series is named %q", e.Name) }

// Query answers q, or says what is wrong with it.
func (h *History) Query(q Query) (a Answer, err error) {
	switch {
	case len(q.Series) == 0:
		return a, fmt.Errorf("series: name at least one, such as %s", Name(Requests, "chat", ""))
	case len(q.Series) > MostAsked:
		return a, fmt.Errorf("series: %d are asked for; at most %d are told at once", len(q.Series), MostAsked)
	case q.From.After(q.To):
		return a, fmt.Errorf("from: is later than to")
	}
	a.Step = fitting(q)
	from, step := q.From.Unix(), int64(a.Step/time.Second)
	from -= from % step // so that two queries have the same steps
	n := int((q.To.Unix()-from)/step) + 1
	n = min(n, MostPoints)
	for i := range n {
		a.Times = append(a.Times, from+int64(i)*step)
	}
	lines, unknown := h.lines(q.Series, from, step, n)
	if unknown != "" {
		return a, &UnknownSeries{unknown, near(unknown, h.names())}
	}
	a.Lines = lines
	return a, nil
}

// lines are the series of those names, or the name of one that there is not.
func (h *History) lines(names []string, from, step int64, n int) (lines []Line, unknown string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, name := range names {
		s := h.series[name]
		if s == nil {
			return nil, name
		}
		kind, _, _ := strings.Cut(name, ":")
		lines = append(lines, Line{name, units[Kind(kind)], h.means(s, from, step, n)})
	}
	return lines, ""
}

func (h *History) names() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Collect(maps.Keys(h.series))
}

// fitting is the step that is asked for, or the least that gives no more than MostPoints.
func fitting(q Query) time.Duration {
	step := max(q.Step, Every).Truncate(time.Second)
	whole := q.To.Sub(q.From)
	if fits := whole/(MostPoints-1) + 1; step < fits {
		step = (fits + Every - 1).Truncate(Every)
	}
	return step
}

// means are those of the points in each step.
func (h *History) means(s *series, from, step int64, n int) []float64 {
	sums, counts := make([]float64, n), make([]int, n)
	for i := max(0, h.steps-points); i < h.steps; i++ {
		at, value := h.times[i%points], float64(s.values[i%points])
		k := (at - from) / step
		if at >= from && k < int64(n) && !math.IsNaN(value) {
			sums[k] += value
			counts[k]++
		}
	}
	for i := range sums {
		sums[i] /= float64(counts[i]) // 0/0 is the NaN that Answer mentions
	}
	return sums
}

// near are the names that a caller may have meant.
func near(name string, known []string) []string {
	type candidate struct {
		name     string
		distance int
	}
	var all []candidate
	for _, k := range known {
		all = append(all, candidate{k, distance(cut(name), cut(k))})
	}
	slices.SortFunc(all, func(a, b candidate) int {
		return cmp.Or(a.distance-b.distance, strings.Compare(a.name, b.name))
	})
	var names []string
	for _, c := range all[:min(len(all), 5)] {
		names = append(names, c.name)
	}
	return names
}

// cut bounds the work for a name that somebody made up.
func cut(name string) string { return name[:min(len(name), 100)] }

// distance is how many bytes must be put in, taken out or changed to get from a to b.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
