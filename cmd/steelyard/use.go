// steelyard usage: who asks, and how it fares.

package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/steelyard-proxy/steelyard/configs"
	"github.com/steelyard-proxy/steelyard/metrics/usage"
)

// useQuestion is what the command line asks for.
type useQuestion struct {
	adminListener
	by, from, to string
	limit        int
	format       string // table, csv or json
	dir          string // "": a running gateway is asked
	forget       string // the key of a user; "": nobody is forgotten
	alone        bool   // of one gateway only
}

var useFormats = []string{"table", "csv", "json"}

func useCommand() *cobra.Command {
	var q useQuestion
	c := &cobra.Command{
		Use:   "usage [--by user|model|upstream|hour] [--from WHEN] [--to WHEN]",
		Short: "Print who asks, and how it fares: of a running gateway, or of its files",
		Long: `Print who asks, and how it fares, by user, model, upstream or hour.

It asks the admin listener of a running gateway (--admin), or reads the files of usage.dir (--dir) whether a gateway runs or not.
Without a time it tells of about the last day, or of all that the files have. A time is 2026-11-30T09:00:00Z, 2026-11-30, or how long
ago it was: 24h, 7d. Where several gateways share the servers it is the use of all together, and --alone asks for that of the one alone. With
--forget KEY all gateways forget a user, in memory and in their files.`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return badInput("%q is not a flag: say what you want with --by, --from and --to", shorten(args[0]))
			}
			return nil
		},
		PreRunE: func(c *cobra.Command, _ []string) error { return q.check(c.Flags().Changed) },
		RunE: func(c *cobra.Command, _ []string) error {
			return q.run(c.Context(), c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	f := c.Flags()
	q.flags(c)
	f.StringVar(&q.by, "by", string(usage.ByUser), "user, model, upstream or hour")
	f.StringVar(&q.from, "from", "", "only requests that ended from then on")
	f.StringVar(&q.to, "to", "", "only requests that ended before")
	f.IntVar(&q.limit, "limit", 100, "most lines, 1 to 1000")
	within(c, "limit", "a whole number from 1 to 1000")
	f.StringVar(&q.format, "format", "table", "table, csv or json")
	f.StringVar(&q.dir, "dir", "", "folder of usage.dir, to be read in place of asking a gateway")
	f.BoolVar(&q.alone, "alone", false, "only of the gateway that is asked, where there are several")
	f.StringVar(&q.forget, "forget", "", "key of a user to be forgotten")
	return c
}

func (q *useQuestion) check(given func(flag string) bool) error {
	now := time.Now()
	for flag, text := range map[string]string{"from": q.from, "to": q.to} {
		if _, err := usage.ParseTime(text, now); text != "" && err != nil {
			return badInput("--%s %q: %v", flag, shorten(text), err)
		}
	}
	switch {
	case !slices.Contains(usage.Bys, q.by):
		return badInput("--by %q: %s", shorten(q.by), configs.Suggest(q.by, usage.Bys))
	case !slices.Contains(useFormats, q.format):
		return badInput("--format %q: %s", shorten(q.format), configs.Suggest(q.format, useFormats))
	case q.limit < 1 || q.limit > 1000:
		return badInput("--limit must be from 1 to 1000, is %d", q.limit)
	case q.dir != "" && (given("admin") || given("token-file") || given("alone")):
		return badInput("--dir is read without a gateway: leave out --admin, --token-file and --alone, or --dir")
	case q.forget != "" && q.dir != "":
		return badInput("--forget is done by the running gateway: leave out --dir")
	case q.forget != "" && (given("by") || given("from") || given("to") || given("limit") || given("format") || given("alone")):
		return badInput("--forget takes a user out of all that is kept: leave out --by, --from, --to, --limit, --format and --alone")
	}
	return nil
}

func (q *useQuestion) run(ctx context.Context, out, notes io.Writer) error {
	if q.forget != "" {
		var done struct{ Rows int }
		if err := q.call(ctx, http.MethodDelete, "/api/v1/usage/users/"+url.PathEscape(q.forget), nil, &done); err != nil {
			return err
		}
		fmt.Fprintf(out, "%s is forgotten; %d rows of files named it.\n", q.forget, done.Rows)
		return nil
	}
	report, err := q.report(ctx)
	if err != nil {
		return err
	}
	if n := report.Damaged; n > 0 {
		fmt.Fprintf(notes, "note: %d bytes of the files are damaged and left out\n", n)
	}
	if n := report.Dropped + report.Lost; n > 0 {
		fmt.Fprintf(notes, "note: %d requests are missing: they came too fast to be kept, or the disk did not take them\n", n)
	}
	switch q.format {
	case "csv":
		return report.CSV(out)
	case "json":
		e := json.NewEncoder(out)
		e.SetIndent("", "  ")
		return e.Encode(report)
	}
	return printUse(out, &report)
}

// report asks the gateway, or reads its files.
func (q *useQuestion) report(ctx context.Context) (report usage.Report, err error) {
	if q.dir == "" {
		query := url.Values{"by": {q.by}, "limit": {strconv.Itoa(q.limit)}}
		for key, text := range map[string]string{"from": q.from, "to": q.to} {
			if text != "" {
				query.Set(key, text)
			}
		}
		if q.alone {
			query.Set("alone", "true")
		}
		err = q.call(ctx, http.MethodGet, "/api/v1/usage", query, &report)
		return report, err
	}
	question := usage.Question{By: usage.By(q.by), Most: q.limit, Now: time.Now()}
	if q.from != "" {
		question.From, _ = usage.ParseTime(q.from, question.Now) // checked before
	}
	if q.to != "" {
		question.To, _ = usage.ParseTime(q.to, question.Now)
	}
	if there, err := os.Stat(q.dir); errors.Is(err, fs.ErrNotExist) || err == nil && !there.IsDir() {
		return report, badInput("--dir %s: there is no such folder: give what usage.dir of the configuration names", q.dir)
	}
	return usage.Scan(q.dir, question)
}

// printUse prints a report for people.
func printUse(w io.Writer, r *usage.Report) error {
	fmt.Fprintf(w, "%s to %s, by %s\n\n", r.From.UTC().Format(time.DateTime), r.To.UTC().Format(time.DateTime+" UTC"), r.By)
	printGateways(w, r.Gateways)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(t, "%s\trequests\terrors\taborts\tretries\tprompt tokens\tcached\tanswer tokens\tR p50\tR p95\tfirst byte p50\tp95\t\n", r.By)
	for i := range r.Lines {
		l := &r.Lines[i]
		requests := strconv.FormatUint(l.Requests, 10)
		if l.Over > 0 {
			requests = fmt.Sprintf("%d to %d", l.Requests-l.Over, l.Requests)
		}
		fmt.Fprintf(t, "%s\t%s\t%d\t%d\t%d\t%d\t%d\t%d\t%s\t%s\t%s\t%s\t\n", usage.Harmless(cmp.Or(l.Name, l.Key, "-")), requests, l.Errors, l.Aborts, l.Retries,
			l.PromptTokens, l.CachedTokens, l.CompletionTokens, shortTime(l.ResponseP50), shortTime(l.ResponseP95), shortTime(l.FirstByteP50), shortTime(l.FirstByteP95))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, p := range r.Patience {
		if p.MedianSeconds != nil {
			fmt.Fprintf(w, "\nPatience at %s: half of those who wait leave within %s (%d of %d have left).\n", p.Upstream, shortTime(*p.MedianSeconds), p.Left, p.Waited)
		}
	}
	for _, s := range r.Storms {
		fmt.Fprintf(w, "\nRetry storm at %s: %d requests for %d tries, %.1f times as many, since %s.\n", s.Upstream, s.Requests, s.Tries, s.Amplification, s.Since.Format(time.TimeOnly))
	}
	for _, g := range r.Growth {
		fmt.Fprintf(w, "\nPrompts of %s at %s: from %.0f to %.0f tokens (median) in %d weeks.\n", usage.Harmless(g.Model), g.Upstream, g.FirstMedian, g.LastMedian, g.Weeks)
	}
	for _, p := range r.Peaks {
		fmt.Fprintf(w, "\n%s: %s.\n", p.Upstream, p.Text)
	}
	return nil
}

// printGateways says whose use it is, where there are several gateways.
func printGateways(w io.Writer, all []usage.Gateway) {
	if len(all) == 0 {
		return
	}
	var texts, apart []string
	for _, g := range all {
		text := usage.Harmless(g.Name)
		if !g.Self {
			text += fmt.Sprintf(" (%d h, %s old)", g.Hours, time.Duration(g.Age*float64(time.Second)).Round(time.Second))
		}
		if texts = append(texts, text); g.OwnNames {
			apart = append(apart, usage.Harmless(g.Name))
		}
	}
	fmt.Fprintf(w, "gateways (%d): %s\n", len(all), strings.Join(texts, ", "))
	if len(apart) > 0 {
		fmt.Fprintf(w, "A user has other names at %s: give all gateways the same shared.secret_file.\n", strings.Join(apart, ", "))
	}
	fmt.Fprintln(w)
}

// shortTime is a time in seconds with three figures.
func shortTime(seconds float64) string {
	switch {
	case seconds == 0:
		return "-"
	case seconds < 1:
		return strconv.FormatFloat(1000*seconds, 'g', 3, 64) + "ms"
	}
	return strconv.FormatFloat(seconds, 'g', 4, 64) + "s"
}
