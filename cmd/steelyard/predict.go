// steelyard predict, for requests.

package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"sync"

	"github.com/spf13/cobra"

	"github.com/steelyard-proxy/steelyard/balancer/predict"
	"github.com/steelyard-proxy/steelyard/balancer/predict/table"
	"github.com/steelyard-proxy/steelyard/configs"
)

// prediction is what the command line asks for.
type prediction struct {
	predict.Features
	modelFile, model string
	data             []string
}

func predictCommand() *cobra.Command {
	var p prediction
	c := &cobra.Command{
		Use:   "predict --model-file FILE ([--model NAME] --prompt-bytes N [--max-tokens N] [--stream] | --data FILE.csv)",
		Short: "Print the work that a request, or each row of a request log, is predicted to be",
		Long: `Print the work of a request by what was learned: seconds × capacity / slots of an endpoint.
Give what the request says of itself: --prompt-bytes, --max-tokens or both.

With --data it prints CSV: model, prompt_bytes, max_tokens and stream of each row, and its work.

By what steelyard train --features has saved it predicts each row of a table with --data: it prints CSV,
the features of each row and the label. Rows that cannot be predicted have none.`,
		Args:    onlyData,
		PreRunE: func(c *cobra.Command, _ []string) error { return p.check(c) },
		RunE:    func(c *cobra.Command, _ []string) error { return p.run(c.OutOrStdout(), c.ErrOrStderr()) },
	}
	f := c.Flags()
	f.StringVar(&p.modelFile, "model-file", "", "what was learned: the `FILE` of steelyard train --out or of predict.file")
	f.StringVar(&p.model, "model", "", "model the request asks for")
	f.IntVar(&p.PromptBytes, "prompt-bytes", 0, "bytes of its prompt")
	f.IntVar(&p.MaxTokens, "max-tokens", 0, "its max_tokens; 0 if it does not say")
	for _, name := range []string{"prompt-bytes", "max-tokens"} {
		within(c, name, fmt.Sprintf("a whole number from 0 to %d", math.MaxInt))
	}
	f.BoolVar(&p.Stream, "stream", false, "whether its answer is to be streamed")
	f.StringArrayVar(&p.data, "data", nil, "request log or table (CSV) to predict each row of; may be given again")
	return c
}

func (p *prediction) check(c *cobra.Command) error {
	switch {
	case p.modelFile == "":
		return &usageError{"no model to predict with: name what was learned with --model-file FILE"}
	case p.PromptBytes < 0 || p.MaxTokens < 0:
		return &usageError{"--prompt-bytes and --max-tokens must be 0 or more"}
	}
	for _, name := range []string{"model", "prompt-bytes", "max-tokens", "stream"} {
		if len(p.data) > 0 && c.Flags().Changed(name) {
			return badInput("--%s tells of one request and --data of many: give one of them", name)
		}
	}
	if len(p.data) == 0 && !c.Flags().Changed("prompt-bytes") && !c.Flags().Changed("max-tokens") {
		return &usageError{"nothing to predict: give --prompt-bytes N, --max-tokens N or both, or rows with --data FILE.csv"}
	}
	return nil
}

// run prints only the work to w, and how it was found to notes.
func (p *prediction) run(w, notes io.Writer) error {
	learned := predict.New(predict.Options{MaxModels: 1 << 16})
	err := learned.Read(p.modelFile)
	if foreign, ok := errors.AsType[*predict.ForeignError](err); ok && foreign.Kind == table.Kind {
		return p.table(w, notes)
	}
	if err != nil {
		return badInput("%v; name with --model-file what steelyard train --out, or a predict.file, has saved", err)
	}
	if len(p.data) > 0 {
		return p.each(learned, w, notes)
	}
	if _, err := fmt.Fprintf(w, "%.6g\n", learned.Work([]byte(p.model), p.Features)); err != nil {
		return err
	}
	_, err = fmt.Fprintln(notes, p.reason(learned.State()))
	return err
}

// reason says how a prediction was found.
func (p *prediction) reason(s predict.State) string {
	m, about, known := s.Models[0], "", []string(nil)
	for _, candidate := range s.Models[1:] {
		known = append(known, candidate.Model)
		if candidate.Model == p.model {
			m = candidate
		}
	}
	of := strconv.Quote(m.Model)
	if m.Model == "" {
		of = "all models together"
		if p.model != "" {
			about = fmt.Sprintf("; nothing was learned of %q", shorten(p.model))
		}
		if p.model != "" && len(known) > 0 {
			about += ": " + configs.Suggest(p.model, known)
		}
	}
	score := m.Score.Rules[m.Rule]
	return fmt.Sprintf("by the %s of %s, tested on %d rows: R² %.4f, MAE %.4g%s", m.Rule, of, m.Score.Rows, score.R2, score.MAE, about)
}

// each prints the rows of a request log, with their work.
func (p *prediction) each(learned *predict.Predictor, w, notes io.Writer) error {
	out := csv.NewWriter(w)
	header := sync.OnceValue(func() error { // only once a row follows
		return out.Write([]string{"model", "prompt_bytes", "max_tokens", "stream", "work"})
	})
	cut, err := eachRow(p.data, askColumns, func(l *logReader) error {
		r, err := l.row()
		if err == nil {
			err = header()
		}
		if err != nil {
			return err
		}
		work := learned.Work([]byte(r.Model), r.Features)
		return out.Write([]string{
			l.Raw("model"), strconv.Itoa(r.PromptBytes), strconv.Itoa(r.MaxTokens), strconv.FormatBool(r.Stream),
			strconv.FormatFloat(work, 'g', 6, 64),
		})
	})
	if err == nil {
		err = header()
	}
	out.Flush()
	if err != nil {
		return err
	}
	for _, name := range cut {
		fmt.Fprintf(notes, "%s ends within a row, which is left out.\n", name)
	}
	return out.Error()
}
