// The rows of a request log, for those who analyse.

package main

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
	"github.com/steelyard-proxy/steelyard/metrics/usage"
	"github.com/steelyard-proxy/steelyard/proxy/requestlog"
)

// adviseColumns must be there.
var adviseColumns = []string{"time", "upstream", "endpoint", "status", "class", "queue_s", "service_s", "capacity", "slots"}

// logRows are the rows of request logs, by their ends, and what was left out.
type logRows struct {
	good  []usage.Row
	total int
	bad   map[string]int    // by what is wrong
	first map[string]string // and where that was met first
	cut   []string          // files that end within a row
	names map[string]string // of which there is one copy each
}

// readRows reads all files. A row that cannot be read is counted and left out.
func readRows(files []string) (*logRows, error) {
	rows := &logRows{bad: map[string]int{}, first: map[string]string{}, names: map[string]string{}}
	for _, name := range files {
		if err := rows.read(name); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(rows.good, func(a, b usage.Row) int { return a.End().Compare(b.End()) })
	return rows, nil
}

func (l *logRows) read(name string) error {
	f, err := openData(name, "give the path of a request log (CSV)")
	if err != nil {
		return err
	}
	defer f.Close()
	log, err := openLog(name, f, adviseColumns)
	if err != nil {
		return err
	}
	for {
		err := log.Next()
		if errors.Is(err, io.EOF) {
			if log.Cut {
				l.cut = append(l.cut, name)
			}
			return nil
		}
		l.total++
		problem, ok := errors.AsType[*requestlog.Problem](err)
		switch {
		case ok:
			l.refuse("not a row of the log", problem.Error())
			continue
		case err != nil:
			return told(err)
		}
		row, problems := l.row(log)
		if problems != "" {
			l.refuse(problems, log.Place("time"))
			continue
		}
		l.good = append(l.good, row)
	}
}

func (l *logRows) refuse(what, where string) {
	if l.bad[what]++; l.bad[what] == 1 {
		l.first[what] = where
	}
}

// row is the row that was read last; or what is wrong with it.
func (l *logRows) row(log *logReader) (r usage.Row, problem string) {
	plain, err := log.row()
	if err != nil {
		return r, "a cell that is not what its column has"
	}
	if r.At, err = time.Parse(time.RFC3339Nano, strings.TrimSpace(log.Raw("time"))); err != nil {
		return r, "a time that is none"
	}
	for column, into := range map[string]*time.Duration{"queue_s": &r.Queue, "first_byte_s": &r.FirstByte} {
		seconds, err := strconv.ParseFloat(strings.TrimSpace(log.Raw(column)), 64)
		if !log.Has(column) {
			continue
		}
		if err != nil || !(seconds >= 0) || seconds > 1e9 {
			return r, "a " + column + " that is no time"
		}
		*into = time.Duration(seconds * float64(time.Second))
	}
	r.Capacity, err = strconv.ParseFloat(strings.TrimSpace(log.Raw("capacity")), 64)
	if err != nil || !(r.Capacity > 0) || math.IsInf(r.Capacity, 1) || plain.Service < 0 {
		return r, "a capacity or a time that cannot be"
	}
	if r.Slots, err = strconv.Atoi(strings.TrimSpace(log.Raw("slots"))); err != nil || r.Slots < 0 {
		return r, "slots that cannot be"
	}
	if r.Work, err = strconv.ParseFloat(strings.TrimSpace(log.Raw("work")), 64); err != nil || !(r.Work > 0) || math.IsInf(r.Work, 1) {
		r.Work = 0 // it was not predicted
	}
	r.Upstream, r.Endpoint, r.Model = l.name(log.Text("upstream")), l.name(log.Text("endpoint")), l.name(plain.Model)
	r.Class, r.Status, r.Service = l.name(plain.Class), plain.Status, plain.Service
	r.PromptBytes, r.MaxTokens, r.Stream = plain.PromptBytes, plain.MaxTokens, plain.Stream
	if r.Class == gone {
		r.Status = statusGone
	}
	if r.FirstByte > 0 { // the log counts it from when the request was sent
		r.FirstByte, r.Begun = r.FirstByte+r.Queue, true
	}
	r.Response = r.Queue + r.Service
	return r, ""
}

// gone is the class of requests whose client left; usage gives them this status.
const gone, statusGone = "client_gone", 499

// name is one copy of what many rows say.
func (l *logRows) name(text string) string {
	if known, ok := l.names[text]; ok {
		return known
	}
	own := strings.Clone(text)
	l.names[own] = own
	return own
}

// tell says how many rows there are, and why not all are used.
func (l *logRows) tell(w io.Writer, cfg *configs.Config) {
	fmt.Fprintf(w, "%d rows, %d good", l.total, len(l.good))
	if l.total > len(l.good) {
		fmt.Fprintf(w, "; left out: %s", l.why())
	}
	fmt.Fprintln(w, ".")
	for _, name := range l.cut {
		fmt.Fprintf(w, "%s ends within a row, which is left out.\n", name)
	}
	strangers := map[string]int{}
	for i := range l.good {
		u := l.good[i].Upstream
		if !slices.ContainsFunc(cfg.Upstreams, func(c configs.Upstream) bool { return c.Name == u }) {
			strangers[u]++
		}
	}
	for _, u := range sortedKeys(strangers) {
		fmt.Fprintf(w, "%d rows are of upstream %q, which the configuration does not have.\n", strangers[u], shorten(u))
	}
}

// why says what was wrong, and where first.
func (l *logRows) why() string {
	if len(l.bad) == 0 {
		return "there are none"
	}
	var parts []string
	for _, what := range sortedKeys(l.bad) {
		parts = append(parts, fmt.Sprintf("%d with %s (first: %s)", l.bad[what], what, l.first[what]))
	}
	return strings.Join(parts, ", ")
}

func sortedKeys(m map[string]int) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
