package requestlog_test

import (
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/proxy/requestlog"
)

// REQUESTLOG.md has the columns of the file, in its order, with what is in them.
func TestColumnsAreAsDocumented(t *testing.T) {
	page, err := os.ReadFile("../REQUESTLOG.md")
	require.NoError(t, err)
	var columns []string
	kinds := map[string]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\| ([a-z]+) \\|").FindAllStringSubmatch(string(page), -1) {
		columns = append(columns, row[1])
		kinds[row[1]] = row[2]
	}
	l := open(t, requestlog.Options{Path: t.TempDir() + "/requests.csv"})
	l.Write(requestlog.Row{
		Arrived: time.Now(), Upstream: "chat", Endpoint: "a", Model: "m", Class: "answered", Status: 200, Stream: true,
		MaxTokens: 2, PromptBytes: 3, Queue: time.Second, FirstByte: time.Second, Service: time.Second, Capacity: 1.5, Slots: 4, Work: 0.5,
	})
	l.end(t)
	text, err := os.ReadFile(l.path)
	require.NoError(t, err)
	header, _, _ := strings.Cut(string(text), "\n")
	require.Equal(t, header, strings.Join(columns, ","))
	for name, cell := range rowsOf(t, l.path)[0] {
		_, notNumber := strconv.ParseFloat(cell, 64)
		_, notTime := time.Parse(time.RFC3339Nano, cell)
		_, notTruth := strconv.ParseBool(cell)
		switch kinds[name] {
		case "number":
			require.NoError(t, notNumber, name)
		case "time":
			require.NoError(t, notTime, name)
		case "truth":
			require.NoError(t, notTruth, name)
		default:
			require.Equal(t, "text", kinds[name], name)
			require.Error(t, notNumber, name)
			require.Error(t, notTime, name)
			require.Error(t, notTruth, name)
		}
	}
}
