// Reading tables with columns of the user's own.

package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/steelyard-proxy/steelyard/balancer/predict/table"
	"github.com/steelyard-proxy/steelyard/configs"
	"github.com/steelyard-proxy/steelyard/proxy/requestlog"
)

// checkColumns refuses --features and --label that do not fit together.
func (t *training) checkColumns() error {
	switch {
	case t.label == "":
		return badInput("--features without --label: name the column to be learned with --label NAME")
	case len(t.features) == 0:
		return badInput("--label without --features: name the columns to learn from with --features NAME,NAME")
	case t.upstream != "":
		return badInput("--upstream is of a request log, and --features of a table: give one of them")
	}
	seen := map[string]bool{}
	for _, name := range t.features {
		switch {
		case name == "":
			return badInput("--features has an empty name: separate the names of columns by single commas")
		case name == t.label:
			return badInput("--features %s: it is the label, which cannot be learned from itself", name)
		case seen[name]:
			return badInput("--features %s: it is given twice", name)
		}
		seen[name] = true
	}
	return nil
}

// eachTableRow reads tables one after the other. It calls each with the cells of the named
// columns, in that order, and with nil for a row that has more or fewer cells than the header.
// The optional column may be missing: its cells are empty then.
func eachTableRow(names, columns []string, optional string, each func(cells []string) error) error {
	for _, name := range names {
		if err := eachTableRowOf(name, columns, optional, each); err != nil {
			return err
		}
	}
	return nil
}

func eachTableRowOf(name string, columns []string, optional string, each func(cells []string) error) error {
	f, err := openData(name, "give the path of a table (CSV)")
	if err != nil {
		return err
	}
	defer f.Close()
	r := csv.NewReader(requestlog.WithoutMark(f))
	r.FieldsPerRecord, r.ReuseRecord = -1, true
	header, err := r.Read()
	if errors.Is(err, io.EOF) {
		return badInput("%s: the file is empty; its first line should name its columns", name)
	}
	if err != nil {
		return told(requestlog.Unreadable(name, err))
	}
	places, err := placesOf(name, header, columns, optional)
	if err != nil {
		return err
	}
	width, cells := len(header), make([]string, len(columns))
	for {
		row, err := r.Read()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return told(requestlog.Unreadable(name, err))
		case len(row) != width:
			err = each(nil)
		default:
			for i, place := range places {
				if place >= 0 {
					cells[i] = row[place]
				}
			}
			err = each(cells)
		}
		if err != nil {
			return err
		}
	}
}

// placesOf finds columns in a header; the place of a missing optional one is -1.
func placesOf(name string, header, columns []string, optional string) ([]int, error) {
	known := make([]string, len(header))
	for i, column := range header {
		known[i] = strings.TrimSpace(column)
	}
	places := make([]int, len(columns))
	for i, column := range columns {
		places[i] = slices.Index(known, strings.TrimSpace(column))
		switch {
		case places[i] < 0 && column != optional:
			return nil, badInput("%s:1: there is no column %q: %s", name, shorten(column), configs.Suggest(column, known))
		case places[i] >= 0 && slices.Contains(known[places[i]+1:], known[places[i]]):
			return nil, badInput("%s:1: column %q is in the header twice", name, shorten(column))
		}
	}
	return places, nil
}

// printTableRows says how many rows there were, and why not all are learned from.
func printTableRows(w io.Writer, counts table.Counts) {
	total, dropped := 0, []string(nil)
	for reason, n := range counts {
		total += n
		if table.Reason(reason) != table.Kept {
			dropped = append(dropped, fmt.Sprintf("%d %s", n, table.Reason(reason)))
		}
	}
	fmt.Fprintf(w, "%d rows, %d good; left out: %s.\n", total, counts[table.Kept], strings.Join(dropped, ", "))
}
