// One line of the text that Prometheus reads.

package load

import (
	"bytes"
	"strconv"
)

// line is one sample: the text between its braces, and its value's.
type line struct{ labels, value []byte }

// cutName returns the name at the beginning of a line, and the rest; no name for a comment and an
// empty line.
func cutName(b []byte) (name, rest []byte) {
	b = bytes.TrimLeft(b, " \t")
	if len(b) == 0 || b[0] == '#' {
		return nil, nil
	}
	for i, c := range b {
		if c == '{' || c == ' ' || c == '\t' {
			return b[:i], b[i:]
		}
	}
	return nil, nil
}

// parseLine takes apart what comes after the name. It reports false for what is no sample.
func parseLine(b []byte) (l line, ok bool) {
	if b[0] == '{' {
		end := closing(b)
		if end < 0 {
			return l, false
		}
		l.labels, b = b[1:end], b[end+1:]
	}
	b = bytes.Trim(b, " \t\r")
	if end := bytes.IndexAny(b, " \t"); end >= 0 { // a time, or an exemplar
		b = b[:end]
	}
	l.value = b
	return l, len(b) > 0
}

// closing is where the brace that begins b is closed; -1 where it is not. A brace in a value closes nothing.
func closing(b []byte) int {
	quoted := false
	for i := 1; i < len(b); i++ {
		switch {
		case quoted && b[i] == '\\':
			i++
		case b[i] == '"':
			quoted = !quoted
		case !quoted && b[i] == '}':
			return i
		}
	}
	return -1
}

// label returns the value of a label as it stands there, with what is escaped in it.
func (l *line) label(name string) (value []byte, ok bool) {
	for b := l.labels; len(b) > 0; {
		equals := bytes.IndexByte(b, '=')
		if equals < 0 || equals+1 >= len(b) || b[equals+1] != '"' {
			return nil, false
		}
		found := string(bytes.Trim(b[:equals], " \t,")) == name
		b = b[equals+2:]
		end := 0
		for end < len(b) && b[end] != '"' {
			if b[end] == '\\' {
				end++
			}
			end++
		}
		if end >= len(b) {
			return nil, false
		}
		if found {
			return b[:end], true
		}
		b = b[end+1:]
	}
	return nil, false
}

// number reads a figure: Unknown for NaN, infinities, what is below zero, and what is no number.
func number(b []byte) Figure {
	v, err := strconv.ParseFloat(string(b), 64)
	if err != nil {
		return Unknown
	}
	return figureOf(v)
}

func figureOf(v float64) Figure {
	if !(v >= 0) || v > mostFigure {
		return Unknown
	}
	return Figure(v)
}

// mostFigure is more than any engine counts; beyond it float64s lose whole numbers.
const mostFigure = 1 << 53
