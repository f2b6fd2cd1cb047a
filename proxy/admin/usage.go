// The routes that show who asks and how it fares, and that forget a user.

package admin

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/steelyard-proxy/steelyard/metrics/usage"
)

// Usage is what is known of use.
type Usage interface {
	Report(usage.Question) (usage.Report, error)
	Forget(usage.UserID) (rows int, known bool, err error)
}

const (
	maxUsages  = 2    // questions at once: one about a time may read many files
	mostLines  = 1000 // of an answer
	usualLines = 100
)

const usageOff = "nothing is kept of use: set usage.enabled to true and restart"

func (s *Server) getUsage(w http.ResponseWriter, r *http.Request) {
	if s.usage == nil {
		fail(w, http.StatusNotFound, usageOff)
		return
	}
	q, csv, err := usageQuestion(r.URL.RawQuery, time.Now())
	if err != nil {
		fail(w, http.StatusBadRequest, err.Error())
		return
	}
	report, err := s.usage.Report(q)
	if err != nil {
		fail(w, http.StatusInternalServerError, "read what is kept of use: "+err.Error())
		return
	}
	if !csv {
		answer(w, http.StatusOK, report)
		return
	}
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="usage.csv"`)
	_ = report.CSV(w) // a client that has gone is no error of ours
}

// usageQuestion reads what is asked; all that is wrong is told at once.
func usageQuestion(query string, now time.Time) (q usage.Question, csv bool, err error) {
	values, err := url.ParseQuery(query)
	if err != nil {
		return q, false, fmt.Errorf("query: %w: write by=user&from=24h", err)
	}
	var wrong []string
	bad := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	q = usage.Question{By: usage.ByUser, Most: usualLines, Now: now}
	for key, list := range values {
		text := list[len(list)-1]
		switch key {
		case "by":
			if q.By = usage.By(text); !slices.Contains(usage.Bys, text) {
				bad("by=%q: must be one of %s", shorten(text), strings.Join(usage.Bys, ", "))
			}
		case "from":
			if q.From, err = usage.ParseTime(text, now); err != nil {
				bad("from=%q: %v", shorten(text), err)
			}
		case "to":
			if q.To, err = usage.ParseTime(text, now); err != nil {
				bad("to=%q: %v", shorten(text), err)
			}
		case "format":
			if csv = text == "csv"; !csv && text != "json" {
				bad("format=%q: must be json or csv", shorten(text))
			}
		case "limit":
			if q.Most, err = strconv.Atoi(text); err != nil || q.Most < 1 || q.Most > mostLines {
				bad("limit=%q: must be a whole number from 1 to %d", shorten(text), mostLines)
			}
		case "alone":
			if q.Alone = text == "true"; !q.Alone && text != "false" {
				bad("alone=%q: must be true or false", shorten(text))
			}
		default:
			bad("%q is not known: give by, from, to, limit, format or alone", shorten(key))
		}
	}
	if len(wrong) == 0 && !q.To.IsZero() && !q.To.After(q.From) {
		bad("to=%s is not after from=%s: exchange them", q.To.UTC().Format(time.RFC3339), q.From.UTC().Format(time.RFC3339))
	}
	if len(wrong) > 0 {
		slices.Sort(wrong)
		return q, false, fmt.Errorf("%s", strings.Join(wrong, "; "))
	}
	return q, csv, nil
}

// shorten bounds foreign text in a message.
func shorten(text string) string {
	const most = 60
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}

// usageOverview is what the page shows of use.
func usageOverview(u Usage) any {
	const most = 10
	now, overview := time.Now(), map[usage.By]usage.Report{}
	for _, by := range []usage.By{usage.ByUser, usage.ByModel} {
		report, err := u.Report(usage.Question{By: by, Most: most, Now: now})
		if err != nil {
			continue // it is from memory, which does not fail
		}
		overview[by] = report
	}
	return overview
}

type forgotten struct {
	Key  string `json:"key"`
	Rows int    `json:"rows"` // of files, that named the user
}

func (s *Server) deleteUser(w http.ResponseWriter, r *http.Request) {
	if s.usage == nil {
		fail(w, http.StatusNotFound, usageOff)
		return
	}
	key := r.PathValue("user")
	rows, known, err := s.usage.Forget(usage.UserID(key))
	switch {
	case err != nil:
		fail(w, http.StatusInternalServerError, fmt.Sprintf("forget %s: some files still name the user, ask again: %v", shorten(key), err))
	case !known:
		fail(w, http.StatusNotFound, fmt.Sprintf("no user has the key %q: GET /api/v1/usage?by=user lists those with the most requests", shorten(key)))
	default:
		s.log.Info("a user is forgotten by the operator", zap.Int("rows", rows), zap.String("client", r.RemoteAddr))
		answer(w, http.StatusOK, forgotten{key, rows})
	}
}
