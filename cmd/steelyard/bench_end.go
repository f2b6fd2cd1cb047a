// How each bench ends: its table, its files, and the goals that were missed.

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/steelyard-proxy/steelyard/bench/report"
)

// allEnded is added to what a bench that starts programs says when it is stopped.
const allEnded = "; everything that was started has ended"

// stopped is err, or says that the bench was stopped if its context has ended.
func stopped(ctx context.Context, err error, more string) error {
	if err != nil && ctx.Err() != nil {
		return errors.New("bench run: stopped before the end, so there are no results" + more)
	}
	return err
}

// deliver prints what a bench has found, and writes it.
func deliver(out io.Writer, folder string, force bool, r *report.Result) error {
	if err := report.Table(out, r); err != nil {
		return err
	}
	if err := report.Write(folder, r, force); err != nil {
		return err
	}
	fmt.Fprintf(out, "\nWritten: %s and %s\n", filepath.Join(folder, report.JSONFile), filepath.Join(folder, report.HTMLFile))
	return nil
}

// goals is an error where some were missed.
func goals(missed []string) error {
	if len(missed) == 0 {
		return nil
	}
	return fmt.Errorf("goals missed:\n  %s", strings.Join(missed, "\n  "))
}
