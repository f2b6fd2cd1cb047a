package main

import (
	"errors"
	"io"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/balancer/predict"
	"github.com/steelyard-proxy/steelyard/proxy/requestlog"
)

var (
	logHeader = strings.Join(requestlog.Columns, ",") + "\n"
	logRow    = "2026-11-23T12:00:00.000000Z,chat,a,llama,400,200,true,200,answered,0.000000,0.1,1.500000,100,4,0.5\n"
)

func readLog(text string) (rows []predict.Row, cut bool, err error) {
	l, err := openLog("log.csv", strings.NewReader(text), learnColumns)
	if err != nil {
		return nil, false, err
	}
	for {
		if err := l.next(); errors.Is(err, io.EOF) {
			return rows, l.Cut, nil
		} else if err != nil {
			return rows, false, err
		}
		r, err := l.row()
		if err != nil {
			return rows, false, err
		}
		rows = append(rows, r)
	}
}

func TestRowsOfALog(t *testing.T) {
	want := predict.Row{
		Model: "llama", Features: predict.Features{PromptBytes: 400, MaxTokens: 200, Stream: true},
		Work: 1.5 * 100 / 4, Service: 1500 * time.Millisecond, Class: "answered", Status: 200,
	}
	rename := func(old, new string) string { return strings.Replace(logRow, old, new, 1) }
	with := func(change func(*predict.Row)) predict.Row { r := want; change(&r); return r }
	for name, c := range map[string]struct {
		text string
		want predict.Row
	}{
		"as written":       {logHeader + logRow, want},
		"mark, CR LF":      {"\xef\xbb\xbf" + strings.ReplaceAll(logHeader+logRow, "\n", "\r\n"), want},
		"no last newline":  {strings.TrimSuffix(logHeader+logRow, "\n"), want},
		"put together":     {logHeader + logHeader + logRow + logHeader, want},
		"other order":      {"class,model,stream,max_tokens,prompt_bytes,slots,capacity,service_s,status\nanswered,llama,True,2e2,400.0,4,1e2,1.5,200\n", want},
		"no formula":       {logHeader + rename("llama", "'=llama"), with(func(r *predict.Row) { r.Model = "=llama" })},
		"quoted":           {logHeader + rename("llama", `"a, ""b"""`), with(func(r *predict.Row) { r.Model = `a, "b"` })},
		"nothing said":     {logHeader + rename(",200,true,", ",,0,"), with(func(r *predict.Row) { r.MaxTokens, r.Stream = 0, false })},
		"no limit":         {logHeader + rename(",100,4,", ",100,0,"), with(func(r *predict.Row) { r.Work = 150 })},
		"endless":          {logHeader + rename("1.500000", "1e300"), with(func(r *predict.Row) { r.Work, r.Service = 1e302/4, 1e18 })},
		"beyond numbers":   {logHeader + rename("1.500000", "1e999"), with(func(r *predict.Row) { r.Work, r.Service = math.Inf(1), 1e18 })},
		"negative":         {logHeader + rename("1.500000", "-7"), with(func(r *predict.Row) { r.Work, r.Service = -175, -time.Second })},
		"negative sizes":   {logHeader + rename("400,200", "-400,-200"), with(func(r *predict.Row) { r.PromptBytes, r.MaxTokens = -400, -200 })},
		"beyond all sizes": {logHeader + rename("400", "1e30"), with(func(r *predict.Row) { r.PromptBytes = 1 << 53 })},
	} {
		rows, cut, err := readLog(c.text)
		require.NoError(t, err, name)
		require.False(t, cut, name)
		require.Equal(t, []predict.Row{c.want}, rows, name)
	}
	rows, _, err := readLog(logHeader + rename("1.500000", "NaN"))
	require.NoError(t, err)
	require.Equal(t, predict.Impossible, rows[0].Clean())
}

func TestWrongLogs(t *testing.T) {
	rename := func(old, new string) string { return strings.Replace(logHeader+logRow+logRow, old, new, 1) }
	second := func(old, new string) string { return logHeader + logRow + strings.Replace(logRow, old, new, 1) }
	for text, want := range map[string]string{
		"":                                 "log.csv: the file is empty; its first line should be: " + strings.TrimSpace(logHeader),
		rename("service_s", "servce_s"):    `log.csv:1:95: unknown column "servce_s": did you mean "service_s"?`,
		rename("queue_s", "zzzzzzzzzzzz"):  `log.csv:1:74: unknown column "zzzzzzzzzzzz": known here: time, upstream, endpoint, model, prompt_bytes, max_tokens, stream, status, class, queue_s, first_byte_s, service_s, capacity, slots, work`,
		rename("queue_s", "status"):        `log.csv:1:74: column "status" is in the header twice`,
		"model,stream\n":                   `log.csv:1: column "prompt_bytes" is missing: the header should have model, prompt_bytes, max_tokens, stream, status, class, service_s, capacity, slots`,
		second("400,200", "x,200"):         `log.csv:3:42: prompt_bytes must be a whole number, is "x"`,
		second("400,200", "4.5,200"):       `log.csv:3:42: prompt_bytes must be a whole number, is "4.5"`,
		second("400,200", ",200"):          `log.csv:3:42: prompt_bytes must be a whole number, is ""`,
		second("1.500000", "1.5s"):         `log.csv:3:81: service_s must be a number, is "1.5s"`,
		second("true", "maybe"):            `log.csv:3:50: stream must be true or false, is "maybe"`,
		second(",200,answ", ",2e999,answ"): `log.csv:3:55: status must be a whole number, is "2e999"`,
		second("answered", "answerd"):      `log.csv:3:59: unknown class "answerd": did you mean "answered"?`,
		second("answered", ""):             `log.csv:3:59: unknown class "": known here: answered, connect_failed, failed, timed_out, truncated, client_gone, refused, unknown`,
		second(",0.5\n", "\n"):             "log.csv:3:94: the row has 14 cells, and the header 15",
		second(",0.5\n", ",0.5,7\n"):       "log.csv:3:100: the row has 16 cells, and the header 15",
		second("llama", `ll"ama`):          `log.csv:3:38: bare " in non-quoted-field`,
		second("llama", `"llama`):          `log.csv:3:101: extraneous or missing " in quoted-field`,
	} {
		_, _, err := readLog(text)
		require.EqualError(t, err, want)
		_, bad := errors.AsType[*usageError](err)
		require.True(t, bad)
	}
}

func TestALogThatEndsWithinARow(t *testing.T) {
	for _, end := range []string{"2026-11", logRow[:len(logRow)-6], `2026,chat,a,"lla`} {
		rows, cut, err := readLog(logHeader + logRow + end)
		require.NoError(t, err, end)
		require.True(t, cut, end)
		require.Len(t, rows, 1)
	}
	_, _, err := readLog(logHeader + `2026,chat,a,"lla` + "\n" + strings.TrimSuffix(logRow, "\n"))
	require.Error(t, err, "a quote that swallows rows is no end")
}

// FuzzLog holds every log that is read to rows that can be cleaned, and every error to one line that names its place.
func FuzzLog(f *testing.F) {
	f.Add(logHeader + logRow)
	f.Add(logHeader + logRow + logRow[:30])
	f.Add("\xef\xbb\xbfmodel,prompt_bytes\r\n")
	f.Add("class,model,stream,max_tokens,prompt_bytes,slots,capacity,service_s,status\nanswered,\"'=a,\"\"\",True,,400.0,-4,1e2,NaN,200\n")
	f.Fuzz(func(t *testing.T, text string) {
		rows, _, err := readLog(text)
		if err != nil {
			require.True(t, strings.HasPrefix(err.Error(), "log.csv:"), "%v", err)
			require.NotContains(t, err.Error(), "\n")
		}
		for _, r := range rows {
			if reason := r.Clean(); reason == predict.Kept {
				require.True(t, r.Work > 0 && r.PromptBytes >= 0 && r.MaxTokens >= 0 && r.Service >= 0, "%+v", r)
			}
		}
	})
}
