// Reading a request log, row by row.

package requestlog

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Columns are those of a log, in the order in which they are written.
var Columns = strings.Split(strings.TrimSuffix(header, "\n"), ",")

// Problem is what is wrong with a log, and where.
type Problem struct{ text string }

func (p *Problem) Error() string { return p.text }

func problem(format string, args ...any) error { return &Problem{fmt.Sprintf(format, args...)} }

// UnknownColumn is a column that no log has.
type UnknownColumn struct{ Place, Name string }

func (u *UnknownColumn) Error() string { return fmt.Sprintf("%s: unknown column %q", u.Place, u.Name) }

// Reader reads a log, whose columns may stand in any order. Next comes before each row.
type Reader struct {
	Cut bool // the file ends within a row, as after a crash; the row is left out

	name   string
	csv    *csv.Reader
	end    *lastByte
	header []string
	at     map[string]int // place of each column
	cells  []string       // of the row that was read last
	ahead  *line          // that was read to see whether there is one; nil: none was
}

// line is what the file has next: cells, or what is wrong with them.
type line struct {
	cells []string
	err   error
}

// NewReader reads the header. It refuses one that has other columns, or lacks one of those needed.
// Errors call the log by this name; what is wrong with it is a *Problem or an *UnknownColumn.
func NewReader(name string, in io.Reader, needed []string) (*Reader, error) {
	r := &Reader{name: name, end: &lastByte{in: in}, at: map[string]int{}}
	r.csv = csv.NewReader(WithoutMark(r.end))
	r.csv.FieldsPerRecord, r.csv.ReuseRecord = -1, true
	header, err := r.csv.Read()
	if errors.Is(err, io.EOF) {
		return nil, problem("%s: the file is empty; its first line should be: %s", name, strings.Join(Columns, ","))
	}
	if err != nil {
		return nil, Unreadable(name, err)
	}
	r.header = slices.Clone(header)
	for i, column := range r.header {
		column = strings.TrimSpace(column)
		if !slices.Contains(Columns, column) {
			return nil, &UnknownColumn{Place: r.place(i), Name: shorten(column)}
		}
		if _, twice := r.at[column]; twice {
			return nil, problem("%s: column %q is in the header twice", r.place(i), column)
		}
		r.at[column] = i
	}
	for _, column := range needed {
		if !r.Has(column) {
			return nil, problem("%s:1: column %q is missing: the header should have %s", name, column, strings.Join(needed, ", "))
		}
	}
	return r, nil
}

// Next reads a row; io.EOF is the end. After a row that is a *Problem it goes on with the next. The first lines of files that were put together are left out.
func (r *Reader) Next() error {
	for {
		cells, err := r.read()
		switch {
		case errors.Is(err, io.EOF):
			return io.EOF
		case err != nil:
			return r.unlessCut(Unreadable(r.name, err), err)
		case len(cells) != len(r.header):
			err := problem("%s: the row has %d cells, and the header %d", r.place(len(cells)-1), len(cells), len(r.header))
			return r.unlessCut(err, nil)
		case slices.Equal(cells, r.header):
			continue
		}
		r.cells = cells
		return nil
	}
}

// unlessCut is the error of a bad row; or io.EOF where the file ends within the row, as after a crash. A quote that
// stays open over several lines is no such end, since each row of a log is one line.
func (r *Reader) unlessCut(bad, cause error) error {
	if broken, ok := errors.AsType[*csv.ParseError](cause); cause != nil && (!ok || broken.StartLine != broken.Line) {
		return bad
	}
	next, err := r.csv.Read()
	r.ahead = &line{slices.Clone(next), err}
	if !errors.Is(err, io.EOF) || r.end.last == '\n' {
		return bad
	}
	r.Cut = true
	return io.EOF
}

func (r *Reader) read() ([]string, error) {
	if next := r.ahead; next != nil {
		r.ahead = nil
		return next.cells, next.err
	}
	return r.csv.Read()
}

// Has says whether there is such a column.
func (r *Reader) Has(column string) bool {
	_, ok := r.at[column]
	return ok
}

// Place names a cell of the row: file:line:column, which count from 1.
func (r *Reader) Place(column string) string { return r.place(r.at[column]) }

func (r *Reader) place(cell int) string {
	line, column := r.csv.FieldPos(cell)
	return fmt.Sprintf("%s:%d:%d", r.name, line, column)
}

// Unreadable says where a file stops being CSV, or that it could not be read.
func Unreadable(name string, err error) error {
	if broken, ok := errors.AsType[*csv.ParseError](err); ok {
		return problem("%s:%d:%d: %v", name, broken.Line, broken.Column, broken.Err)
	}
	return fmt.Errorf("read %s: %w", name, err)
}

// WithoutMark skips the byte order mark that some spreadsheets write.
func WithoutMark(in io.Reader) io.Reader {
	r := bufio.NewReader(in)
	if start, err := r.Peek(3); err == nil && string(start) == "\xef\xbb\xbf" {
		_, _ = r.Discard(3)
	}
	return r
}

// lastByte remembers how the input ended.
type lastByte struct {
	in   io.Reader
	last byte
}

func (r *lastByte) Read(p []byte) (int, error) {
	n, err := r.in.Read(p)
	if n > 0 {
		r.last = p[n-1]
	}
	return n, err
}
