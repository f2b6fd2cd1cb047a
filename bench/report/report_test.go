package report

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/bench/figure"
)

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if os.Getenv("UPDATE_GOLDEN") != "" {
		require.NoError(t, os.WriteFile(file, []byte(got), 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), got)
}

// TestJSONKeepsItsShape holds the names and kinds of all fields: others' scripts read them.
func TestJSONKeepsItsShape(t *testing.T) {
	text, err := json.Marshal(fixture())
	require.NoError(t, err)
	var any any
	require.NoError(t, json.Unmarshal(text, &any))
	found := map[string]bool{}
	shape("", any, found)
	golden(t, "schema.golden", strings.Join(sortedKeys(found), "\n")+"\n")
}

func shape(at string, value any, found map[string]bool) {
	switch v := value.(type) {
	case map[string]any:
		for key, inner := range v {
			if at == ".versions" || strings.HasSuffix(at, ".failures") {
				key = "*"
			}
			shape(at+"."+key, inner, found)
		}
	case []any:
		for _, inner := range v {
			shape(at+"[]", inner, found)
		}
	default:
		if v != nil { // null is a number that does not exist
			found[fmt.Sprintf("%s %T", at, v)] = true
		}
	}
}

// TestVerdictsShowTheirSide: what is rounded to the target may lie on either side of it.
func TestVerdictsShowTheirSide(t *testing.T) {
	for _, c := range []struct {
		ratio, most Number
		met         bool
		want        string
	}{
		{0.81, 0.92, true, "0.81 × the best peer, nginx; the target of ≤ 0.92 × is met."},
		{0.9231, 0.92, false, "0.923 × the best peer, nginx; the target of ≤ 0.92 × is not met."},
		{0.92004, 0.92, false, "0.92004 × the best peer, nginx; the target of ≤ 0.92 × is not met."},
		{0.9199, 0.92, true, "0.92 × the best peer, nginx; the target of ≤ 0.92 × is met."},
		{0.926, 0.925, false, "0.93 × the best peer, nginx; the target of ≤ 0.925 × is not met."},
		{None(), 0.92, false, "– × the best peer, nginx; the target of ≤ 0.92 × is not met."},
	} {
		v := Verdict{Contender: "ours", Peer: "nginx", Ratio: c.ratio, Most: c.most, Met: c.met}
		require.Equal(t, "ours is at "+c.want, v.sentence())
	}
}

func TestWriteNeverReplacesUnasked(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "folder")
	r := fixture()
	require.NoError(t, MayWrite(dir, false))
	require.NoError(t, Write(dir, r, false))
	require.ErrorIs(t, MayWrite(dir, false), ErrExists)
	r.Title = "another"
	require.ErrorIs(t, Write(dir, r, false), ErrExists)
	kept := readBack(t, dir)
	require.Equal(t, Schema, kept.Schema)
	require.Equal(t, fixture().Title, kept.Title)
	require.False(t, kept.Formulas[1].Response.Exists())
	require.NoError(t, Write(dir, r, true))
	require.Equal(t, "another", readBack(t, dir).Title)
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 2)
	require.ErrorContains(t, MayWrite(filepath.Join(dir, HTMLFile), false), "is no folder")
}

func readBack(t *testing.T, dir string) (r Result) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, JSONFile))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &r))
	return r
}

func TestTable(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, Table(&b, fixture()))
	golden(t, "table.golden", b.String())
}

var outside = regexp.MustCompile(`(?i)(src|href|@import|url\(|https?:)`)

// TestPageIsWhole parses each SVG as XML, and looks for anything the page would have to fetch.
func TestPageIsWhole(t *testing.T) {
	text, err := HTML(fixture())
	require.NoError(t, err)
	if file := os.Getenv("REPORT_OUT"); file != "" { // for looking at
		require.NoError(t, os.WriteFile(file, text, 0o644))
	}
	page := string(text)
	require.NotRegexp(t, outside, page)
	require.NotContains(t, page, "ZgotmplZ")
	require.NotContains(t, page, "NaN")
	require.NotContains(t, page, "Inf")
	require.Contains(t, page, "Two &lt;endpoints&gt; &amp; a fixture")
	require.Contains(t, page, "T_i = T/(n·C_i) is wrong")
	require.Contains(t, page, "target met")
	drawings := regexp.MustCompile(`(?s)<svg.*?</svg>`).FindAllString(page, -1)
	require.Len(t, drawings, 2*4+4+2*2) // mean, sweep, distribution, shares, in both sizes; four panels; two of fleets in both
	for _, svg := range drawings {
		decoder := xml.NewDecoder(strings.NewReader(svg))
		for {
			token, err := decoder.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			require.NoError(t, err, "%s", svg[:min(len(svg), 400)])
			if element, ok := token.(xml.StartElement); ok {
				for _, a := range element.Attr {
					require.NotEmpty(t, a.Value, "%s of %s", a.Name.Local, element.Name.Local)
				}
			}
		}
	}
}

// TestMarksStayInside looks for figures outside of what is shown.
func TestMarksStayInside(t *testing.T) {
	r := fixture()
	c := &r.Cases[0]
	class := classes(c)
	for _, s := range []size{wide, narrow} {
		for _, p := range append(fleetPlots(r, fleetClasses(r), s), sweepPlot(r, c, class, s), distributionPlot(c, class, s)) {
			require.NotEmpty(t, p.Lines)
			labels := map[float64][]float64{} // by column
			for _, line := range p.Lines {
				require.NotEmpty(t, line.Class)
				require.GreaterOrEqual(t, line.EndX, p.Left)
				require.LessOrEqual(t, line.EndX, p.Right)
				require.GreaterOrEqual(t, line.EndY, p.Top)
				require.LessOrEqual(t, line.EndY, p.Bottom)
				if !p.Named {
					continue
				}
				labels[line.LabelX] = append(labels[line.LabelX], line.LabelY)
			}
			for _, column := range labels {
				slices.Sort(column)
				for i := 1; i < len(column); i++ {
					require.GreaterOrEqual(t, column[i]-column[i-1], labelHeight-0.11, "names cover each other")
				}
			}
		}
		for _, p := range []*barPlot{meanPlot(c, class, s), sharePlot(r, c, class, s)} {
			for _, b := range p.Bars {
				require.LessOrEqual(t, b.X+b.Width, p.Right+0.1, "%s", b.Title)
				require.Greater(t, b.Width, 0.0)
				if !b.Endless {
					require.LessOrEqual(t, b.TextX+letterWidth*float64(utf8.RuneCountInString(b.Text)), p.Width+20, "%s", b.Text)
				}
				require.LessOrEqual(t, b.Y+b.Height, p.Height)
			}
		}
	}
}

// TestTextStaysReadable: the name of a tick at the right edge of a panel is not cut off there, and no line of theory runs
// through a value.
func TestTextStaysReadable(t *testing.T) {
	row := Row{Contender: "ours", Queue: []Point{{20, 3}, {40, 2}}}
	p := drawPanel(row, "s1", "", 40, 3)
	last := p.XTicks[len(p.XTicks)-1]
	require.Equal(t, "40 s", last.Text)
	require.Equal(t, "end", p.Anchor(last.At))
	require.Equal(t, "middle", p.Anchor(p.XTicks[1].At))

	text, err := HTML(fixture())
	require.NoError(t, err)
	bars := regexp.MustCompile(`(?s)<svg[^>]*aria-label="Mean response time".*?</svg>`).FindString(string(text))
	require.Contains(t, bars, `class="mark dotted"`)
	require.Less(t, strings.LastIndex(bars, `class="mark dotted"`), strings.Index(bars, `class="bar-text"`))
	require.Contains(t, string(text), "<h2>Exponential work</h2>")
	require.Equal(t, []tick{{0, "a"}, {50, "c"}}, narrow.apart([]tick{{0, "a"}, {30, "b"}, {50, "c"}}))
}

// TestNamesOfLinesStayInside: a name whose line is near the right edge stands left of it, and crosses no line of another
// such. The others stand right of theirs, and cross no line of their kind either.
func TestNamesOfLinesStayInside(t *testing.T) {
	c := &fixture().Cases[0]
	high := 0.0
	for _, row := range c.Rows {
		if !row.Unstable {
			high = max(high, float64(row.Mean))
		}
	}
	c.Theory = nil
	for _, part := range []float64{0.99, 0.3, 1, 0.97, 0.32, 0} {
		c.Theory = append(c.Theory, Line{"some line of theory", Number(part * high), "as told"})
	}
	for _, m := range meanPlot(c, classes(c), narrow).Marks {
		right, left := m.fits(narrow.width)
		require.True(t, m.Left && left || !m.Left && right, "%+v is cut", m)
	}
	p := meanPlot(c, classes(c), wide)
	require.Len(t, p.Marks, len(c.Theory))
	left := 0
	for i, m := range p.Marks {
		from, to := m.X+markGap, m.X+markGap+letterWidth*float64(len(m.Text))
		if m.Left {
			from, to = m.X-markGap-letterWidth*float64(len(m.Text)), m.X-markGap
			left++
		}
		require.GreaterOrEqual(t, from, 0.0)
		require.LessOrEqual(t, to, p.Width)
		for _, other := range p.Marks[:i] { // whose lines are longer
			if other.Left == m.Left {
				require.False(t, other.X > from && other.X < to, "%v crosses %v", m, other)
			}
		}
	}
	require.Equal(t, 3, left)
}

func TestEmptyResultRenders(t *testing.T) {
	r := fixture()
	r.Cases[0].Rows, r.Cases[0].Sweep, r.Cases[0].Target, r.Formulas, r.Fleets, r.Notes = nil, nil, nil, nil, nil, nil
	_, err := HTML(r)
	require.NoError(t, err)
	require.NoError(t, Table(io.Discard, r))
}

func TestStats(t *testing.T) {
	var response []time.Duration
	var work []float64
	for i := range 1000 {
		response = append(response, time.Duration(i+1)*time.Millisecond)
		work = append(work, float64(1000-i)) // the first have the most
	}
	s := StatsOf(response, work)
	require.Equal(t, Number(0.5), s.P50)
	require.Equal(t, Number(0.9), s.P90)
	require.Equal(t, Number(0.99), s.P99)
	require.InDelta(t, 0.5005, float64(s.Mean), 1e-9)
	require.Equal(t, Number(0.099), s.LongP99)
	response[0] = -1
	require.Len(t, Done(response), 999)
	require.False(t, StatsOf(nil, nil).Mean.Exists())
}

func TestMedians(t *testing.T) {
	require.Equal(t, Number(2), figure.Median([]Number{3, 1, None(), 2}))
	require.Equal(t, Number(1.5), figure.Median([]Number{2, 1}))
	require.False(t, figure.Median([]Number{Number(math.Inf(1))}).Exists())
	require.Equal(t, Number(2), MedianStats([]Stats{{Mean: 1}, {Mean: 2}, {Mean: 7}}).Mean)
}

func TestInSystem(t *testing.T) {
	ms := func(list ...int) (d []time.Duration) {
		for _, v := range list {
			d = append(d, time.Duration(v)*time.Millisecond)
		}
		return d
	}
	points := InSystem(ms(0, 10, 20, 30), ms(25, 5, 20, -1), 4) // ends at 25, 15, 40
	require.Equal(t, []Point{{0.01, 2}, {0.02, 2}, {0.03, 2}, {0.04, 1}}, points)
	require.Nil(t, InSystem(nil, nil, 4))
}

func TestWords(t *testing.T) {
	for n, want := range map[Number]string{0.0194: "19.4 ms", 12.345: "12.3 s", 0.000004: "4.00 µs", 0: "0", 123.4: "123 s"} {
		require.Equal(t, want, n.Time())
	}
	require.Equal(t, "–", None().Time())
	require.Equal(t, "12\u202f345", count(12345))
	require.Equal(t, "345", count(345))
}
