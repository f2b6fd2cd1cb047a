// steelyard predict, for the rows of a table.

package main

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"

	"github.com/steelyard-proxy/steelyard/balancer/predict/table"
	"github.com/steelyard-proxy/steelyard/balancer/statefile"
)

// table prints the rows of a table with the label that a table's model predicts.
func (p *prediction) table(w, notes io.Writer) error {
	text, err := statefile.Read(p.modelFile)
	if err != nil {
		return badInput("--model-file %s: cannot be read: %v", p.modelFile, cause(err))
	}
	m, err := table.Decode(text)
	if err != nil {
		return badInput("--model-file %s: %v; name what steelyard train --features has saved", p.modelFile, err)
	}
	if len(p.data) == 0 {
		return badInput("--model-file %s: it is a model of a table: give rows with --data FILE.csv", p.modelFile)
	}
	t := &tablePrinter{model: m, out: csv.NewWriter(w), x: make([]float64, len(m.Features))}
	columns := make([]string, 0, len(m.Features)+1)
	for _, f := range m.Features {
		columns = append(columns, f.Name)
	}
	t.header = append(columns, m.Label+"_predicted")
	err = eachTableRow(p.data, append(columns[:len(columns):len(columns)], m.Label), m.Label, t.row)
	if err == nil {
		err = t.begin()
	}
	t.out.Flush()
	if err != nil {
		return err
	}
	t.report(notes)
	return t.out.Error()
}

// tablePrinter prints rows with their predictions.
type tablePrinter struct {
	model       *table.Model
	out         *csv.Writer
	header      []string // nil once it is written
	x           []float64
	rows        int
	unpredicted int
	scorer      table.Scorer // of the rows that have a label
}

// begin writes the header, once a row follows.
func (t *tablePrinter) begin() error {
	header := t.header
	if t.header = nil; header == nil {
		return nil
	}
	return t.out.Write(header)
}

// row prints one row: its features, and its label if it has one. cells is nil for a row with
// too few or too many cells.
func (t *tablePrinter) row(cells []string) error {
	if err := t.begin(); err != nil {
		return err
	}
	t.rows++
	k := len(t.x)
	printed := make([]string, k+1)
	copy(printed, cells[:min(k, len(cells))])
	if !t.parse(cells) {
		t.unpredicted++
		return t.out.Write(printed)
	}
	predicted := t.model.Predict(t.x)
	if label, reason := table.Parse(cells[k]); reason == table.Kept {
		t.scorer.Add(predicted, label)
	}
	printed[k] = strconv.FormatFloat(predicted, 'g', -1, 64)
	return t.out.Write(printed)
}

func (t *tablePrinter) parse(cells []string) bool {
	if cells == nil {
		return false
	}
	for j := range t.x {
		v, reason := table.Parse(cells[j])
		if reason != table.Kept {
			return false
		}
		t.x[j] = v
	}
	return true
}

// report says how the predictions went.
func (t *tablePrinter) report(notes io.Writer) {
	fmt.Fprintf(notes, "%d rows, %d of which cannot be predicted: a feature is missing or no number that can be used.\n", t.rows, t.unpredicted)
	if s := t.scorer.Score(); s.Rows > 0 {
		fmt.Fprintf(notes, "On the %d rows that have %s: R² %.4f, MAE %.6g, RMSE %.6g.\n", s.Rows, t.model.Label, s.R2, s.MAE, s.RMSE)
	}
}
