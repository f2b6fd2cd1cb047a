package main

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/steelyard-proxy/steelyard/configs"
)

// logColumns are those of the request log (proxy.RequestLog).
var logColumns = []string{
	"time", "upstream", "endpoint", "model", "prompt_bytes", "max_tokens", "stream", "status", "class",
	"queue_s", "first_byte_s", "service_s", "capacity", "slots", "work",
}

// What a reader must find: to ask for work, and to learn from it as well.
var (
	askColumns   = []string{"model", "prompt_bytes", "max_tokens", "stream"}
	learnColumns = append(slices.Clone(askColumns), "status", "class", "service_s", "capacity", "slots")
)

// logReader reads a request log, whose columns may stand in any order.
type logReader struct {
	name   string
	csv    *csv.Reader
	end    *lastByte
	header []string
	at     map[string]int // place of each column
	cells  []string       // of the row that was read last
	cut    bool           // the file ends within a row, as after a crash; the row is left out
}

// openLog reads the header, and refuses one that has other columns or lacks one of those needed.
func openLog(name string, in io.Reader, needed []string) (*logReader, error) {
	l := &logReader{name: name, end: &lastByte{in: in}, at: map[string]int{}}
	l.csv = csv.NewReader(withoutMark(l.end))
	l.csv.FieldsPerRecord, l.csv.ReuseRecord = -1, true
	header, err := l.csv.Read()
	if errors.Is(err, io.EOF) {
		return nil, badInput("%s: the file is empty; its first line should be: %s", name, strings.Join(logColumns, ","))
	}
	if err != nil {
		return nil, unreadableCSV(l.name, err)
	}
	l.header = slices.Clone(header)
	for i, column := range l.header {
		column = strings.TrimSpace(column)
		if !slices.Contains(logColumns, column) {
			return nil, badInput("%s: unknown column %q: %s", l.place(i), shorten(column), configs.Suggest(column, logColumns))
		}
		if _, twice := l.at[column]; twice {
			return nil, badInput("%s: column %q stands there twice", l.place(i), column)
		}
		l.at[column] = i
	}
	for _, column := range needed {
		if _, ok := l.at[column]; !ok {
			return nil, badInput("%s:1: column %q is missing: the header should have %s", name, column, strings.Join(needed, ", "))
		}
	}
	return l, nil
}

// next reads a row; io.EOF is the end. The first lines of files that were put together are left out.
func (l *logReader) next() error {
	for {
		cells, err := l.csv.Read()
		switch {
		case errors.Is(err, io.EOF):
			return io.EOF
		case err != nil:
			return l.unlessCut(unreadableCSV(l.name, err), err)
		case len(cells) != len(l.header):
			err := badInput("%s: the row has %d cells, and the header %d", l.place(len(cells)-1), len(cells), len(l.header))
			return l.unlessCut(err, nil)
		case slices.Equal(cells, l.header):
			continue
		}
		l.cells = cells
		return nil
	}
}

// unlessCut is the error of a bad row, but the end of the file where that ends within the row, as after a crash.
// A quote that is open over several lines is no such end, since no row of a log has more than one.
func (l *logReader) unlessCut(problem, cause error) error {
	if broken, ok := errors.AsType[*csv.ParseError](cause); cause != nil && (!ok || broken.StartLine != broken.Line) {
		return problem
	}
	if _, err := l.csv.Read(); !errors.Is(err, io.EOF) || l.end.last == '\n' {
		return problem
	}
	l.cut = true
	return io.EOF
}

// place names a cell of the record that was read last: file:line:column, which count from 1.
func (l *logReader) place(cell int) string {
	line, column := l.csv.FieldPos(cell)
	return fmt.Sprintf("%s:%d:%d", l.name, line, column)
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

// withoutMark skips the byte order mark that some spreadsheets write.
func withoutMark(in io.Reader) io.Reader {
	r := bufio.NewReader(in)
	if start, err := r.Peek(3); err == nil && string(start) == "\xef\xbb\xbf" {
		_, _ = r.Discard(3)
	}
	return r
}

// eachRow reads files one after the other and calls each for every row. It names those that end within a row.
func eachRow(names, needed []string, each func(*logReader) error) (cut []string, err error) {
	for _, name := range names {
		isCut, err := eachRowOf(name, needed, each)
		if err != nil {
			return nil, err
		}
		if isCut {
			cut = append(cut, name)
		}
	}
	return cut, nil
}

func eachRowOf(name string, needed []string, each func(*logReader) error) (cut bool, err error) {
	f, err := openData(name, "give the path of a request log (CSV)")
	if err != nil {
		return false, err
	}
	defer f.Close()
	l, err := openLog(name, f, needed)
	if err != nil {
		return false, err
	}
	for {
		if err := l.next(); errors.Is(err, io.EOF) {
			return l.cut, nil
		} else if err != nil {
			return false, err
		}
		if err := each(l); err != nil {
			return false, err
		}
	}
}

// openData opens a file of --data.
func openData(name, remedy string) (*os.File, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, badInput("--data %s: cannot be read: %v; %s", name, cause(err), remedy)
	}
	if there, err := f.Stat(); err == nil && there.IsDir() {
		_ = f.Close()
		return nil, badInput("--data %s: it is a folder; %s", name, remedy)
	}
	return f, nil
}

// unreadableCSV says where a file is no CSV, or that it could not be read.
func unreadableCSV(name string, err error) error {
	if broken, ok := errors.AsType[*csv.ParseError](err); ok {
		return badInput("%s:%d:%d: %v", name, broken.Line, broken.Column, broken.Err)
	}
	return fmt.Errorf("read %s: %w", name, err)
}
