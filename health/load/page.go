// Reading an engine's page as it comes.

package load

import (
	"bytes"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
)

const (
	pageLimit = 4 << 20 // bytes of an answer; a vLLM of many models has some hundred KiB
	lineLimit = 32 << 10
	// mostLines bounds how many lines of one series are told apart.
	mostLines = 4096
)

var (
	errPageTooLarge = fmt.Errorf("the answer is over %d MiB", pageLimit>>20)
	errTooMany      = fmt.Errorf("over %d lines have the same name", mostLines)
)

// page reads answers of one kind of engine, or of any. It keeps its memory from one to the next,
// and belongs to one goroutine.
type page struct {
	kinds  []*engine
	wanted map[string][]*tally // by name
	all    [][]*tally          // by kind, in the table's order
	seed   maphash.Seed
	buffer []byte
}

// tally is what one series has said on the present page.
type tally struct {
	*series
	lines map[uint64]Figure // by labels, or by the value of the label per
}

// newPage returns a page of that engine; nil: of any.
func newPage(kind *engine) *page {
	p := &page{wanted: map[string][]*tally{}, seed: maphash.MakeSeed(), buffer: make([]byte, 0, lineLimit)}
	for i := range engines {
		e := &engines[i]
		if kind != nil && kind != e || len(e.series) == 0 {
			continue
		}
		var tallies []*tally
		for j := range e.series {
			t := &tally{series: &e.series[j], lines: map[uint64]Figure{}}
			tallies = append(tallies, t)
			p.wanted[t.name] = append(p.wanted[t.name], t)
		}
		p.kinds, p.all = append(p.kinds, e), append(p.all, tallies)
	}
	return p
}

// read returns what the page says. It fails with errors of r, and where there is too much of it. A
// page that says nothing of an engine has a Reading without one.
func (p *page) read(r io.Reader) (Reading, error) {
	for _, tallies := range p.all {
		for _, t := range tallies {
			clear(t.lines)
		}
	}
	if err := p.eachLine(io.LimitReader(r, pageLimit+1), p.take); err != nil {
		return nothing(), err
	}
	best, most := nothing(), 0
	for i, e := range p.kinds {
		if r, n := sum(p.all[i]); n > most {
			best, most = r, n
			best.Engine = e.name
		}
	}
	return best, nil
}

// eachLine calls take with each line that ends. One that is too long is left out.
func (p *page) eachLine(r io.Reader, take func([]byte) error) error {
	b, total, skip := p.buffer[:0], 0, false
	for {
		n, err := r.Read(b[len(b):cap(b)])
		if total += n; total > pageLimit {
			return errPageTooLarge
		}
		rest := b[:len(b)+n]
		for {
			end := bytes.IndexByte(rest, '\n')
			if end < 0 {
				break
			}
			if !skip {
				if err := take(rest[:end]); err != nil {
					return err
				}
			}
			rest, skip = rest[end+1:], false
		}
		switch {
		case errors.Is(err, io.EOF):
			if skip || len(rest) == 0 {
				return nil
			}
			return take(rest)
		case err != nil:
			return err
		case skip || len(rest) == cap(p.buffer):
			rest, skip = rest[:0], true
		}
		b = p.buffer[:copy(p.buffer[:cap(p.buffer)], rest)]
	}
}

// take counts one line.
func (p *page) take(b []byte) error {
	name, rest := cutName(b)
	tallies := p.wanted[string(name)]
	if len(tallies) == 0 {
		return nil
	}
	l, ok := parseLine(rest)
	if !ok {
		return nil
	}
	for _, t := range tallies {
		v, ok := t.of(&l)
		if !ok || !v.Known() {
			continue
		}
		key := l.labels
		if t.per != "" {
			key, _ = l.label(t.per)
		}
		of := maphash.Bytes(p.seed, key)
		before, again := t.lines[of]
		if !again && len(t.lines) == mostLines {
			return errTooMany
		}
		t.lines[of] = max(v, before)
	}
	return nil
}

// of is what a line says to the series; false where it is none of its lines.
func (s *series) of(l *line) (Figure, bool) {
	if s.label != "" {
		if v, ok := l.label(s.label); !ok || string(v) != s.value {
			return Unknown, false
		}
	}
	if s.labels == nil {
		return number(l.value), true
	}
	product := Figure(1)
	for _, name := range s.labels {
		v, ok := l.label(name)
		n := number(v)
		if !ok || !n.Known() {
			return Unknown, false
		}
		product *= n
	}
	return figureOf(float64(product)), true
}
