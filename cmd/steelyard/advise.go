// steelyard advise: what to change, by a request log.

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/steelyard-proxy/steelyard/balancer/statefile"
	"github.com/steelyard-proxy/steelyard/bench/replay"
	"github.com/steelyard-proxy/steelyard/cmd/steelyard/app"
	"github.com/steelyard-proxy/steelyard/configs"
	"github.com/steelyard-proxy/steelyard/metrics/advice"
	"github.com/steelyard-proxy/steelyard/metrics/forecast"
)

// advising is what the command line asks for.
type advising struct {
	config string
	data   []string
	json   bool
	apply  string // the ID of an advice
	yes    bool
}

func adviseCommand() *cobra.Command {
	var a advising
	c := &cobra.Command{
		Use:   "advise --config FILE --data FILE.csv [--json | --apply ID [--yes]]",
		Short: "Say what to change in a configuration, by a request log, and what that would be worth",
		Long: `Reads a request log (log.requests: FILE) and the configuration that it was recorded with, and says what to change.

What changes capacities, slots, the queue or the number of endpoints is replayed first: the recorded requests are
served once more in virtual time by the real balancer, with the change and without, and what that gains is the
figure shown. Where the replay of the configuration does not come within 25 % of the R that was measured, no
figure is shown and nothing is advised. "not enough data" is an answer.

With --apply ID it prints the change as a unified diff of the configuration, and with --yes it makes it.`,
		Args:    onlyData,
		PreRunE: func(*cobra.Command, []string) error { return a.check() },
		RunE:    func(c *cobra.Command, _ []string) error { return a.run(c.OutOrStdout(), c.ErrOrStderr()) },
	}
	f := c.Flags()
	f.StringVarP(&a.config, "config", "c", "", "configuration file (YAML) that the log was recorded with")
	f.StringArrayVar(&a.data, "data", nil, "request log (CSV); may be given again for rotated ones")
	f.BoolVar(&a.json, "json", false, "print JSON, as GET /api/v1/advice does")
	f.StringVar(&a.apply, "apply", "", "print the diff that makes the change of the advice of this `ID`")
	f.BoolVar(&a.yes, "yes", false, "with --apply: write the changed configuration to its file")
	return c
}

func (a *advising) check() error {
	switch {
	case a.config == "":
		return badInput("no configuration: name the file that the log was recorded with, with --config FILE")
	case len(a.data) == 0:
		return badInput("no rows to go by: name a request log with --data FILE.csv")
	case a.json && a.apply != "":
		return badInput("--json and --apply: give one of them")
	case a.yes && a.apply == "":
		return badInput("--yes says that the change of an advice may be made: name it with --apply ID")
	}
	return nil
}

func (a *advising) run(w, notes io.Writer) error {
	cfg, err := configs.Load(a.config, os.Environ())
	if err != nil {
		return err
	}
	text, err := os.ReadFile(a.config)
	if err != nil {
		return badInput("%s: %v", a.config, cause(err))
	}
	rows, err := readRows(a.data)
	if err != nil {
		return err
	}
	rows.tell(notes, cfg)
	all, err := adviseBy(cfg, rows, notes)
	if err != nil {
		return err
	}
	for i := range all {
		all[i].Diff = app.AdviceDiff(a.config, text, &all[i])
	}
	switch {
	case a.apply != "":
		return a.change(w, notes, text, all)
	case a.json:
		return printAdviceJSON(w, all)
	}
	return printAdvice(w, all)
}

// adviseBy shows the rows to an advisor, in the order of their ends.
func adviseBy(cfg *configs.Config, rows *logRows, notes io.Writer) ([]advice.Advice, error) {
	if len(rows.good) == 0 {
		return nil, badInput("no row can be used: %s", rows.why())
	}
	advisor := advice.New(advice.Options{Replay: replay.New, OfLog: true})
	setup, leftOut := app.AdviceSetup(cfg)
	for _, name := range leftOut {
		_, _ = fmt.Fprintf(notes, "Upstream %q is left out: its endpoints are found while the gateway runs. Ask that: GET /api/v1/advice.\n", name)
	}
	advisor.Configure(setup)
	traffic := forecast.New(forecast.Options{Location: time.Local})
	step := rows.good[0].End()
	for i := range rows.good {
		r := &rows.good[i]
		for ; step.Before(r.End()); step = step.Add(time.Minute) {
			traffic.Step(step)
		}
		advisor.Add(r)
		traffic.Add(r)
	}
	for _, u := range traffic.Outlooks() {
		advisor.Foresee(u.Upstream, app.AdviceForecast(u.Work))
	}
	advisor.Step(rows.good[len(rows.good)-1].End())
	return advisor.Advice(), nil
}

// change prints the diff of one advice, and makes it where that was agreed to.
func (a *advising) change(w, notes io.Writer, text []byte, all []advice.Advice) error {
	var known []string
	for _, one := range all {
		if one.Status == advice.Advised && len(one.Changes) > 0 {
			known = append(known, one.ID)
		}
	}
	i := slices.IndexFunc(all, func(one advice.Advice) bool { return one.ID == a.apply })
	switch {
	case i < 0 && len(known) == 0:
		return badInput("--apply %s: there is no such advice, and none that changes the configuration", shorten(a.apply))
	case i < 0:
		return badInput("--apply %s: there is no such advice; those that change the configuration are %s", shorten(a.apply), strings.Join(known, ", "))
	case all[i].Status != advice.Advised || len(all[i].Changes) == 0:
		return badInput("--apply %s: it changes nothing in the configuration: %s", a.apply, all[i].Text)
	}
	edited, err := configs.Edited(a.config, text, app.AdviceEdits(&all[i]))
	if err != nil {
		return err
	}
	if _, err := io.WriteString(w, configs.Diff(a.config, text, edited)); err != nil || !a.yes {
		return err
	}
	now, err := os.ReadFile(a.config)
	if err == nil && string(now) != string(text) {
		return fmt.Errorf("%s has changed meanwhile: it is left as it is; say it again", a.config)
	}
	if err := replaceConfig(a.config, edited); err != nil {
		return fmt.Errorf("write %s: %w", a.config, err)
	}
	_, err = fmt.Fprintf(notes, "%s is changed. A steelyard that serves by it takes that up by itself, or at SIGHUP.\n", a.config)
	return err
}

// replaceConfig writes a file anew, for those who could read the old one: whoever changes it may be somebody else than who serves by it.
func replaceConfig(file string, text []byte) error {
	was, err := os.Stat(file)
	if err != nil {
		return err
	}
	if err := statefile.Replace(file, text); err != nil {
		return err
	}
	if owner, ok := was.Sys().(*syscall.Stat_t); ok {
		_ = os.Chown(file, int(owner.Uid), int(owner.Gid)) // only root may, and only there it is needed
	}
	return os.Chmod(file, was.Mode().Perm())
}

func printAdviceJSON(w io.Writer, all []advice.Advice) error {
	text, err := json.MarshalIndent(map[string]any{"advice": append([]advice.Advice{}, all...)}, "", "  ")
	if err != nil {
		return fmt.Errorf("print advice: %w", err)
	}
	_, err = fmt.Fprintf(w, "%s\n", text)
	return err
}

// statusWords are what a status is called in the table.
var statusWords = map[advice.Status]string{advice.Advised: "CHANGE", advice.NotEnoughData: "no data", advice.NoChange: "ok"}

// printAdvice prints one paragraph for each advice.
func printAdvice(w io.Writer, all []advice.Advice) (err error) {
	say := func(format string, args ...any) {
		if err == nil {
			_, err = fmt.Fprintf(w, format, args...)
		}
	}
	upstream := ""
	for _, a := range all {
		if a.Upstream != upstream {
			upstream = a.Upstream
			say("upstream %s\n", upstream)
		}
		say("  %-13s  %-7s  %s.\n", a.Kind, statusWords[a.Status], a.Text)
		if a.Status != advice.Advised {
			continue
		}
		if e := a.Effect; e != nil {
			say("%25s%s\n", "", effectLine(&a))
		}
		line := fmt.Sprintf("by %d requests, holds until %s", a.N, a.Expires.UTC().Format("2006-01-02 15:04 MST"))
		if len(a.Changes) > 0 {
			line += "; see the change with --apply " + a.ID
		}
		say("%25s%s\n", "", line)
	}
	return err
}

func effectLine(a *advice.Advice) string {
	e := a.Effect
	if e.By != advice.ByReplay {
		return fmt.Sprintf("R would be %.2f of what it is, by an estimate", e.Ratio)
	}
	line := fmt.Sprintf("R would be %.2f of what it is", e.Ratio)
	if e.Interval != nil {
		line += fmt.Sprintf(" (%.2f to %.2f)", e.Interval[0], e.Interval[1])
	}
	return line + fmt.Sprintf(": replayed, %s with the change and %s without; measured was %s", seconds(e.After), seconds(e.Before), seconds(e.Measured))
}

func seconds(s float64) string {
	return time.Duration(s * float64(time.Second)).Round(time.Millisecond).String()
}
