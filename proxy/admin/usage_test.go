package admin

import (
	"encoding/csv"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/metrics/usage"
)

const usagePath = "/api/v1/usage"

// someUsage answers with what it has.
type someUsage struct {
	report usage.Report
	asked  usage.Question
	err    error
}

func (u *someUsage) Report(q usage.Question) (usage.Report, error) {
	u.asked = q
	return u.report, u.err
}

func (u *someUsage) Forget(id usage.UserID) (rows int, known bool, err error) {
	return 3, id == "user:a", u.err
}

func usedOnce() *someUsage {
	at, median := time.Date(2026, 11, 30, 9, 0, 0, 0, time.UTC), 12.0
	return &someUsage{report: usage.Report{
		By: usage.ByUser, From: at, To: at.Add(time.Hour),
		Lines:    []usage.Line{{Key: "user:a", Name: "=1+1", Requests: 9, MedianPatience: &median}, {Key: "", Requests: 1}},
		Patience: []usage.Patience{{Upstream: "chat", Waited: 9, Left: 2, MedianSeconds: &median, Leaving: []usage.Leaving{{After: 1, Waiting: 8, Ratio: 0.5}}}},
		Storms:   []usage.Storm{{Upstream: "chat", Since: at, Requests: 100, Tries: 50, Amplification: 2}},
		Growth:   []usage.Growth{{Upstream: "chat", Model: "m", Weeks: 6, FirstMedian: 100, LastMedian: 200, Chance: 0.01}},
		Peaks:    []usage.Peak{{Upstream: "chat", Text: "weekdays 9:00 to 12:00 UTC, 3.1 times the median", Ratio: 3.1}},
		Gateways: []usage.Gateway{{Name: "gw-1", Self: true}, {Name: "gw-2", Age: 4, Hours: 24, OwnNames: true}},
	}}
}

func used(o *Options, _ *running) { o.Usage = usedOnce() }

func unreadable(o *Options, _ *running) { o.Usage = &someUsage{err: assert.AnError} }

func TestUsageQuestions(t *testing.T) {
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	day := func(d int) time.Time { return time.Date(2026, 11, d, 0, 0, 0, 0, time.UTC) }
	for query, want := range map[string]usage.Question{
		"":                          {By: usage.ByUser, Most: usualLines},
		"by=hour":                   {By: usage.ByHour, Most: usualLines},
		"from=24h":                  {By: usage.ByUser, Most: usualLines, From: now.Add(-24 * time.Hour)},
		"from=2d&to=1h":             {By: usage.ByUser, Most: usualLines, From: now.AddDate(0, 0, -2), To: now.Add(-time.Hour)},
		"from=2026-11-01&limit=7":   {By: usage.ByUser, Most: 7, From: day(1)},
		"to=2026-11-30T00:00:00Z":   {By: usage.ByUser, Most: usualLines, To: day(30)},
		"by=model&format=json":      {By: usage.ByModel, Most: usualLines},
		"by=user&alone=true":        {By: usage.ByUser, Most: usualLines, Alone: true},
		"by=user&by=upstream&to=1s": {By: usage.ByUpstream, Most: usualLines, To: now.Add(-time.Second)},
	} {
		got, csv, err := usageQuestion(query, now)
		require.NoError(t, err, query)
		require.False(t, csv)
		want.Now = now
		require.Equal(t, want, got, query)
	}
	_, asCSV, err := usageQuestion("format=csv", now)
	require.NoError(t, err)
	require.True(t, asCSV)
	for query, want := range map[string][]string{
		"by=users":                        {`by="users": must be one of user, model, upstream, hour`},
		"from=yesterday&to=-1h":           {`from="yesterday": is no time: write`, `to="-1h": is no time`},
		"form=csv":                        {`"form" is not known: give by, from, to, limit, format or alone`},
		"from=1h&to=2h":                   {"is not after from=", "exchange them"},
		"alone=yes":                       {`alone="yes": must be true or false`},
		"limit=0&format=xml":              {"limit=\"0\": must be a whole number from 1 to 1000", `format="xml": must be json or csv`},
		"by=" + strings.Repeat("x", 5000): {"…"},
		"%zz":                             {"query: "},
		"from=99999999999d":               {"is no time"},
	} {
		_, _, err := usageQuestion(query, now)
		for _, part := range want {
			require.ErrorContains(t, err, part, query)
		}
		require.Less(t, len(err.Error()), 500)
	}
}

// TestUsageAsATable: what a client calls itself is no formula in it.
func TestUsageAsATable(t *testing.T) {
	s := start(t, used)
	got := s.do("GET", usagePath+"?format=csv", "")
	require.Equal(t, 200, got.StatusCode)
	require.Equal(t, "text/csv; charset=utf-8", got.Header.Get("Content-Type"))
	cells, err := csv.NewReader(strings.NewReader(string(got.body))).ReadAll()
	require.NoError(t, err)
	require.Len(t, cells, 3)
	require.Equal(t, []string{"key", "name", "requests"}, cells[0][:3])
	require.Equal(t, []string{"user:a", "'=1+1", "9"}, cells[1][:3])
}

// TestAUserIsForgottenByItsKey, whatever signs that has.
func TestAUserIsForgottenByItsKey(t *testing.T) {
	u := usedOnce()
	s := start(t, func(o *Options, _ *running) { o.Usage = u })
	got := s.do("DELETE", usagePath+"/users/"+url.PathEscape("user:a"), "")
	require.Equal(t, 200, got.StatusCode)
	require.JSONEq(t, `{"key":"user:a","rows":3}`, string(got.body))
	got = s.do("DELETE", usagePath+"/users/"+url.PathEscape("user:a/b\n"), "")
	require.Equal(t, 404, got.StatusCode)
}
