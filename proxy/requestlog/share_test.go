package requestlog_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/proxy/requestlog"
)

// While two processes write to one file, one of them rotates it, and what looks like an unfinished
// row is one that the other is writing: it is not cut away.
func TestSharedRequestLogs(t *testing.T) {
	const begun = `2026-01-02T15:04:05.000000Z,chat,a,"half a na`
	path := filepath.Join(t.TempDir(), "requests.csv")
	l := open(t, requestlog.Options{Path: path})
	l.write(0, 1)
	l.end(t)
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = f.WriteString(begun)
	require.NoError(t, err)
	require.NoError(t, f.Close())
	l = open(t, requestlog.Options{Path: path, Shared: true})
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.True(t, strings.HasSuffix(string(text), begun))
	l.Share(false, true)
	l.end(t)

	path = filepath.Join(t.TempDir(), "requests.csv")
	l = open(t, requestlog.Options{Path: path, MaxBytes: 1000})
	l.Share(true, false)
	l.write(0, 100)
	l.end(t)
	requireRows(t, 0, 100, path)
	require.NoFileExists(t, path+".1")
}
