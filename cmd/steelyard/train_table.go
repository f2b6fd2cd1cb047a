// steelyard train, on a table.

package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/steelyard-proxy/steelyard/balancer/predict/table"
)

// table learns from a table instead of a request log.
func (t *training) table(w io.Writer) error {
	rows := table.NewRows(t.features, t.label)
	err := eachTableRow(t.data, append(t.features[:len(t.features):len(t.features)], t.label), "", func(cells []string) error {
		if cells == nil {
			rows.Misshapen()
		} else {
			rows.Add(cells[:len(t.features)], cells[len(t.features)])
		}
		return nil
	})
	if err != nil {
		return err
	}
	printTableRows(w, rows.Counts)
	model, report, err := rows.Fit(table.Options{Epochs: t.Epochs, Test: t.Test, Seed: t.Seed})
	if err != nil {
		return badInput("train: %v; nothing is saved", err)
	}
	if err := printFit(w, model, report); err != nil {
		return err
	}
	if !report.Better() {
		return fmt.Errorf("train: on the rows set apart the model is no better than the mean (R² %.4f), so it is not saved; "+
			"give more rows, or features that say something of %s", report.Model.R2, t.label)
	}
	return t.save(w, model.Save)
}

// printFit prints how a table was learned from, and how good the model is.
func printFit(w io.Writer, m *table.Model, r *table.Report) error {
	const fewRows = 40
	if len(r.Constant) > 0 {
		fmt.Fprintf(w, "The same in all rows, so of no use: %s.\n", strings.Join(r.Constant, ", "))
	}
	fmt.Fprintf(w, "Learned from %d rows by gradient descent, with rate %g and L2 %g.\n", r.Trained, r.Rate, r.L2)
	fmt.Fprintln(w, "\nCost J = 1/2m Σ(h−y)² by epoch:")
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', tabwriter.AlignRight)
	for _, epoch := range marks(len(r.Costs) - 1) {
		fmt.Fprintf(t, "%d\t%.5g\t\n", epoch, r.Costs[epoch])
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(w, "\n%s is the sum of:\n", m.Label)
	fmt.Fprintf(t, "(intercept)\t%.6g\t\n", m.Intercept())
	for _, f := range m.Features {
		fmt.Fprintf(t, "%s ×\t%.6g\t\n", shown(f.Name), f.Weight)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(w, "\nOn %d rows set apart, which were not learned from:\n", r.Tested)
	fmt.Fprintf(t, "\tR²\tMAE\tRMSE\t\n")
	fmt.Fprintf(t, "model\t%.4f\t%.6g\t%.6g\t\n", r.Model.R2, r.Model.MAE, r.Model.RMSE)
	fmt.Fprintf(t, "mean of the others\t%.4f\t%.6g\t%.6g\t\n", r.Mean.R2, r.Mean.MAE, r.Mean.RMSE)
	if err := t.Flush(); err != nil {
		return err
	}
	if r.Tested < fewRows {
		_, err := fmt.Fprintf(w, "A test on %d rows says little.\n", r.Tested)
		return err
	}
	return nil
}
