// Reading and checking a recorded trace of work: lines of seconds, work and what clients say.

package trace

import (
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/steelyard-proxy/steelyard/configs"
)

// columns are those of a recorded trace, in any order; the first two must be there.
var columns = []string{"seconds", "work", "max_tokens", "prompt_bytes", "stream"}

const requiredColumns = 2

// readWork reads a recorded trace of work: a line of the columns' names, and one line for each request, by time. A
// column after the first two may be missing, and a cell there empty: nothing is known then. line is the place of the
// error.
func readWork(from io.Reader) (t Trace, line int, err error) {
	rows := newRows(from)
	names, err := rows.Read()
	if err != nil {
		if errors.Is(err, io.EOF) {
			err = fmt.Errorf("the file is empty: begin with the line %s", strings.Join(columns, ","))
		}
		line, err := place(err, 1)
		return t, line, err
	}
	names = slices.Clone(names)
	if err := checkColumns(names); err != nil {
		return t, 1, err
	}
	last := time.Duration(0)
	line, err = eachRow(rows, func(cells []string) error {
		r, err := decodeRow(names, cells)
		if err != nil {
			return err
		}
		if r.At < last {
			return fmt.Errorf("seconds go back from %v to %v: sort the lines by time", last.Seconds(), r.At.Seconds())
		}
		last = r.At
		t.Requests = append(t.Requests, r)
		return nil
	})
	if err != nil {
		return t, line, err
	}
	if len(t.Requests) == 0 {
		return t, 2, errors.New("the trace has no requests: give one line for each, below the names")
	}
	return t, 0, nil
}

func checkColumns(names []string) error {
	for i, name := range names {
		switch {
		case !slices.Contains(columns, name):
			return fmt.Errorf("there is no column %q: %s", name, configs.Suggest(name, columns))
		case slices.Contains(names[:i], name):
			return fmt.Errorf("column %q is there twice: remove one", name)
		}
	}
	for _, name := range columns[:requiredColumns] {
		if !slices.Contains(names, name) {
			return fmt.Errorf("column %q is missing: name the columns in the first line, as in %s", name, strings.Join(columns, ","))
		}
	}
	return nil
}

func decodeRow(names, cells []string) (Request, error) {
	var r Request
	if len(cells) != len(names) {
		return r, fmt.Errorf("there are %d cells for %d columns: give each line one cell for each column", len(cells), len(names))
	}
	for i, cell := range cells {
		if err := r.set(names[i], cell); err != nil {
			return r, fmt.Errorf("%s: %w", names[i], err)
		}
	}
	return r, nil
}

// longest is the latest arrival that a trace may have, in seconds: 100 days, to which a
// float64 of seconds is exact to a nanosecond.
const longest = 100 * 24 * 3600.0

func (r *Request) set(column, cell string) error {
	required := slices.Index(columns, column) < requiredColumns
	if cell == "" && !required {
		return nil
	}
	var err error
	switch column {
	case "seconds":
		var seconds float64
		if seconds, err = strconv.ParseFloat(cell, 64); err != nil || !(seconds >= 0 && seconds <= longest) {
			return fmt.Errorf("%q is no time: give the seconds since the start of the trace, 0 or more and no more than 100 days", cell)
		}
		r.At = time.Duration(math.Round(seconds * float64(time.Second)))
	case "work":
		if r.Work, err = strconv.ParseFloat(cell, 64); err != nil || !(r.Work > 0) || math.IsInf(r.Work, 1) {
			return fmt.Errorf("%q is no work: give a positive number of units, one unit being what an endpoint of capacity C does C of in a second", cell)
		}
	case "stream":
		if r.Stream, err = strconv.ParseBool(cell); err != nil {
			return fmt.Errorf("%q is neither true nor false: give one of them", cell)
		}
	case "max_tokens":
		r.MaxTokens, err = count(cell)
	case "prompt_bytes":
		r.PromptBytes, err = count(cell)
	}
	return err
}

func count(cell string) (int, error) {
	n, err := strconv.ParseUint(cell, 10, 31)
	if err != nil {
		return 0, fmt.Errorf("%q is no count: give a whole number from 0 to %d, or nothing where it is not known", cell, math.MaxInt32)
	}
	return int(n), nil
}
