// The route that tells the last hour.

package admin

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/steelyard-proxy/steelyard/metrics/history"
)

// historyAnswer is series of points; all have the same times.
type historyAnswer struct {
	StepSeconds float64    `json:"step_s"`
	At          []int64    `json:"at"` // Unix seconds: the beginning of each step
	Series      []aHistory `json:"series"`
}

type aHistory struct {
	Name   string     `json:"name"`
	Unit   string     `json:"unit"`
	Values []*float64 `json:"values"` // null: not known
}

// getHistory answers with what is remembered of some series: by default of the last hour.
func (s *Server) getHistory(w http.ResponseWriter, r *http.Request) {
	if s.history == nil {
		fail(w, http.StatusNotFound, "this steelyard keeps no history")
		return
	}
	query, err := historyQuery(r, time.Now())
	if err != nil {
		fail(w, http.StatusBadRequest, err.Error())
		return
	}
	found, err := s.history.Query(query)
	if unknown, ok := errors.AsType[*history.UnknownSeries](err); ok {
		fail(w, http.StatusBadRequest, unknown.Error()+"; known has those with a name like it", unknown.Near...)
		return
	}
	if err != nil {
		fail(w, http.StatusBadRequest, err.Error())
		return
	}
	told := historyAnswer{StepSeconds: found.Step.Seconds(), At: found.Times, Series: []aHistory{}}
	for _, line := range found.Lines {
		values := make([]*float64, len(line.Values))
		for i, v := range line.Values {
			values[i] = figure(v)
		}
		told.Series = append(told.Series, aHistory{line.Name, line.Unit, values})
	}
	answer(w, http.StatusOK, told)
}

// historyQuery reads ?series=…&series=…&from=…&to=…&step=….
func historyQuery(r *http.Request, now time.Time) (q history.Query, err error) {
	values := r.URL.Query()
	q.Series = values["series"]
	if q.To, err = aTime("to", values.Get("to"), now); err != nil {
		return q, err
	}
	if q.From, err = aTime("from", values.Get("from"), q.To.Add(-time.Hour)); err != nil {
		return q, err
	}
	if step := values.Get("step"); step != "" {
		seconds, err := strconv.ParseFloat(step, 64)
		if err != nil || !(seconds >= 0 && seconds <= 24*3600) {
			return q, fmt.Errorf("step=%q: give seconds, at most a day of them", step)
		}
		q.Step = time.Duration(seconds * float64(time.Second))
	}
	return q, nil
}

// aTime reads a time of a query: RFC 3339, or Unix seconds.
func aTime(name, text string, absent time.Time) (time.Time, error) {
	if text == "" {
		return absent, nil
	}
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at, nil
	}
	seconds, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(seconds) || math.Abs(seconds) > 1e11 {
		return absent, fmt.Errorf("%s=%q: give Unix seconds or a time such as 2026-01-02T15:04:05Z", name, text)
	}
	return time.UnixMilli(int64(seconds * 1e3)), nil
}
