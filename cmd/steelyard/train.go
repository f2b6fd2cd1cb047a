// steelyard train, on request logs.

package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/steelyard-proxy/steelyard/balancer/predict"
	"github.com/steelyard-proxy/steelyard/balancer/statefile"
	"github.com/steelyard-proxy/steelyard/configs"
)

// training is what the command line asks for.
type training struct {
	predict.TrainOptions
	data     []string
	out      string
	force    bool
	upstream string
	features []string
	label    string // of a table; "": the rows are a request log
}

func trainCommand() *cobra.Command {
	var t training
	c := &cobra.Command{
		Use:   "train --data FILE.csv [--out FILE] [--features NAME,NAME --label NAME]",
		Short: "Learn the work of requests from a request log, or a label of any table; test it on rows set apart, and save it",
		Long: `Learn the work of requests from a request log (log.requests: FILE), for each model.

The target is service_s × capacity / slots of answered requests; all others are counted and left out.
A part of the rows is set apart as a test; of the rest a fifth is held out to choose the learning rate,
the regularisation and the rule by. It takes 200 good rows, and a rule is used only where it is better
than the mean on the rows held out and on those of the test; else the mean is. Where no rule is better
nothing is saved. What is saved with --out is what an upstream's predict.file takes up, at the start or,
by a steelyard that is running, at a reload (SIGHUP).

With --features and --label it takes any CSV with a header and learns the label from the features by
gradient descent. Rows with a cell that is missing, NaN or no number, and those that are there twice, are
counted and left out. What is saved is for steelyard predict, and no predict.file.`,
		Args:    onlyData,
		PreRunE: func(c *cobra.Command, _ []string) error { return t.check(c.Flags().Changed) },
		RunE:    func(c *cobra.Command, _ []string) error { return t.run(c.OutOrStdout()) },
	}
	f := c.Flags()
	f.StringArrayVar(&t.data, "data", nil, "request log or table (CSV); may be given again for rotated ones")
	f.StringVar(&t.out, "out", "", "file to save what was learned to")
	f.BoolVar(&t.force, "force", false, "replace the --out file if there is one")
	f.IntVar(&t.Epochs, "epochs", 0, "passes over the rows, 1 to 100000; 100 by default, of small tables more")
	within(c, "epochs", "a whole number from 1 to 100000")
	f.Float64Var(&t.Test, "test", 0.2, "part of the rows that is the test, 0.01 to 0.9")
	within(c, "test", "a number from 0.01 to 0.9")
	f.Uint64Var(&t.Seed, "seed", 1, "seed of the split and of the order of rows")
	f.StringVar(&t.upstream, "upstream", "", "learn from rows of this upstream only")
	f.StringSliceVar(&t.features, "features", nil, "columns of a table to learn from, separated by commas")
	f.StringVar(&t.label, "label", "", "column of the table to be learned")
	return c
}

func (t *training) check(given func(flag string) bool) error {
	switch {
	case len(t.data) == 0:
		return &usageError{"no rows to learn from: name a request log with --data FILE.csv"}
	case given("epochs") && (t.Epochs < 1 || t.Epochs > 100_000):
		return badInput("--epochs must be from 1 to 100000, is %d", t.Epochs)
	case !(t.Test >= 0.01 && t.Test <= 0.9):
		return badInput("--test must be from 0.01 to 0.9, is %g", t.Test)
	}
	if given("features") || given("label") {
		if err := t.checkColumns(); err != nil {
			return err
		}
	}
	return t.checkOut()
}

// checkOut refuses a file that could not be saved, before hours of learning are wasted.
func (t *training) checkOut() error {
	if t.out == "" {
		return nil
	}
	const remedy = "name a file in a folder that is there"
	folder := filepath.Dir(t.out)
	switch there, err := os.Stat(folder); {
	case err != nil:
		return badInput("--out %s: the folder %s cannot be used: %v; %s", t.out, folder, cause(err), remedy)
	case !there.IsDir():
		return badInput("--out %s: %s is not a folder; %s", t.out, folder, remedy)
	}
	switch there, err := os.Stat(t.out); {
	case err == nil && there.IsDir():
		return badInput("--out %s: it is a folder; %s", t.out, remedy)
	case err == nil && !there.Mode().IsRegular():
		return badInput("--out %s: it is no file; %s", t.out, remedy)
	}
	if _, err := os.Lstat(t.out); !t.force && !errors.Is(err, fs.ErrNotExist) {
		return badInput("--out %s: the file exists already; name another, or replace it with --force", t.out)
	}
	place, err := statefile.Place(t.out)
	if err != nil {
		return badInput("--out %s: it cannot be followed: %v; %s", t.out, cause(err), remedy)
	}
	folder = filepath.Dir(place)
	try, err := os.CreateTemp(folder, "."+filepath.Base(place)+".*") // as saving does
	if err != nil {
		return badInput("--out %s: no file can be made in %s: %v", t.out, folder, cause(err))
	}
	return errors.Join(try.Close(), os.Remove(try.Name()))
}

// cause is err without the operation and the path, which the message has already.
func cause(err error) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return p.Err
	}
	return err
}

func (t *training) run(w io.Writer) error {
	if t.label != "" {
		return t.table(w)
	}
	trainer := predict.NewTrainer(t.TrainOptions)
	cut, err := t.read(w, trainer)
	if err != nil {
		return err
	}
	printRows(w, trainer.Cleaned(), cut)
	p, trained, err := trainer.Train()
	if err != nil {
		return badInput("%v: nothing is saved; a steelyard without what was learned goes by the hints (prompt_bytes / 4 + max_tokens)", err)
	}
	if err := printCosts(w, trained); err != nil {
		return err
	}
	if err := printScores(w, trained); err != nil {
		return err
	}
	if !slices.ContainsFunc(trained, func(m predict.Trained) bool { return m.Proven() }) {
		return errors.New("train: no rule is better than the mean on rows that were not learned from, so nothing is saved; " +
			"the prompt's length, max_tokens, stream and the model may say nothing of the work of these requests")
	}
	if err := printRules(w, trained); err != nil {
		return err
	}
	return t.save(w, p.Save)
}

// save saves what was learned to --out, if given.
func (t *training) save(w io.Writer, save func(path string) error) error {
	if t.out == "" {
		_, err := fmt.Fprintln(w, "\nNot saved: name a file with --out FILE.")
		return err
	}
	if err := save(t.out); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\nSaved to %s.\n", t.out)
	return err
}

// read gives the trainer the rows of all files, and returns the files that end within a row.
func (t *training) read(w io.Writer, trainer *predict.Trainer) (cut []string, err error) {
	needed := learnColumns
	if t.upstream != "" {
		needed = append(slices.Clone(needed), "upstream")
	}
	upstreams := map[string]bool{}
	cut, err = eachRow(t.data, needed, func(l *logReader) error {
		row, err := l.row()
		if err != nil {
			return err
		}
		name := l.Text("upstream")
		if !upstreams[name] {
			upstreams[strings.Clone(name)] = true
		}
		if t.upstream == "" || t.upstream == name {
			trainer.Add(&row)
		}
		return nil
	})
	switch known := slices.Sorted(maps.Keys(upstreams)); {
	case err != nil:
		return nil, err
	case t.upstream != "" && !upstreams[t.upstream]:
		return nil, badInput("--upstream %s: no row is from it: %s", t.upstream, configs.Suggest(t.upstream, known))
	case t.upstream == "" && len(known) > 1:
		fmt.Fprintf(w, "The rows are of %d upstreams. Each learns by itself, as their units of capacity may differ: for a predict.file learn from one with --upstream NAME.\n", len(known))
	}
	return cut, nil
}

// printRows says how many rows there were, and why not all are learned from.
func printRows(w io.Writer, cleaned predict.Counts, cut []string) {
	total, dropped := uint64(0), []string(nil)
	for reason, n := range cleaned {
		total += n
		if predict.Reason(reason) != predict.Kept {
			dropped = append(dropped, fmt.Sprintf("%d %s", n, strings.ReplaceAll(predict.Reason(reason).String(), "_", " ")))
		}
	}
	fmt.Fprintf(w, "%d rows, %d good; left out: %s.\n", total, cleaned[predict.Kept], strings.Join(dropped, ", "))
	for _, name := range cut {
		fmt.Fprintf(w, "%s ends within a row, which is left out.\n", name)
	}
}

// printCosts prints the cost at some epochs, ever further apart, for the models with the most rows.
func printCosts(w io.Writer, trained []predict.Trained) error {
	const mostModels = 4
	trained = trained[:min(len(trained), mostModels)]
	fmt.Fprintln(w, "\nCost J = 1/2m Σ(h−y)² by epoch, of rows learned from and rows held out:")
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', tabwriter.AlignRight)
	fmt.Fprint(t, "epoch\t")
	for _, m := range trained {
		fmt.Fprintf(t, "%s\theld out\t", shown(m.Model))
	}
	fmt.Fprintln(t)
	epochs := len(trained[0].Costs) - 1
	for _, epoch := range marks(epochs) {
		fmt.Fprintf(t, "%d\t", epoch)
		for _, m := range trained {
			fmt.Fprintf(t, "%.5g\t%.5g\t", m.Costs[epoch].Train, m.Costs[epoch].Held)
		}
		fmt.Fprintln(t)
	}
	return t.Flush()
}

// marks are 0, 1, 2, 5, 10, 20, 50 and so on, and last.
func marks(last int) []int {
	list := []int{0}
	for ten := 1; ten < last; ten *= 10 {
		for _, step := range []int{1, 2, 5} {
			if ten*step < last {
				list = append(list, ten*step)
			}
		}
	}
	return append(list, last)
}

// printScores prints the error on the test rows, and that of the hints alone.
func printScores(w io.Writer, trained []predict.Trained) error {
	fmt.Fprintln(w, "\nOn test rows, which were not learned from:")
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "model\trows\ttested\trate\tL2\tterms\tR²\tMAE\thints' R²\thints' MAE\tused\t")
	for _, m := range trained {
		regression, hints := m.Score.Rules[predict.Regression], m.Score.Rules[predict.Hints]
		fmt.Fprintf(t, "%s\t%d\t%d\t%g\t%g\t%d\t%.4f\t%.4g\t%.4f\t%.4g\t%s\t\n", shown(m.Model), m.Rows, m.Score.Rows,
			m.Rate, m.L2, len(m.Terms), regression.R2, regression.MAE, hints.R2, hints.MAE, m.Rule)
	}
	return t.Flush()
}

// printRules says for which models the regression is not used, and why.
func printRules(w io.Writer, trained []predict.Trained) (err error) {
	reasons := map[predict.Rule]string{
		predict.Hints: "the hints are used, which are better than the regression on rows held out",
		predict.Mean:  "the mean is used: no rule is better on rows held out, by 0.02 of R²",
	}
	for _, m := range trained {
		if reason := reasons[m.Rule]; reason != "" && err == nil {
			_, err = fmt.Fprintf(w, "%s: %s.\n", shown(m.Model), reason)
		}
	}
	return err
}

// shown is a model's name in a table.
func shown(model string) string {
	if model == "" {
		return "(all)"
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '�'
		}
		return r
	}, shorten(model))
}
