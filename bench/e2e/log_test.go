package e2e

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/bench/backend"
)

// serveTo is serve with this end of a pipe for its log.
func serveTo(t *testing.T, stderr *os.File, more string, servers ...*server) *gateway {
	t.Helper()
	g := newGateway(t, more, servers...)
	g.process = startTo(t, stderr, nil, binary, "serve", "--config", g.file)
	g.becomesReady(t)
	return g
}

// lost is how many lines of a log the gateway says it has lost.
func (g *gateway) lost(t *testing.T, log string) int {
	t.Helper()
	found := regexp.MustCompile(`(?m)^steelyard_` + log + `_lines_dropped_total (\d+)$`).FindStringSubmatch(get(t, g.admin+"/metrics"))
	require.NotNil(t, found)
	n, err := strconv.Atoi(found[1])
	require.NoError(t, err)
	return n
}

// The reader of the log goes while a stream is under way: the gateway serves on, the stream comes whole, and what
// nobody reads is counted.
func TestReaderOfTheLogLeaves(t *testing.T) {
	for _, access := range []bool{true, false} {
		t.Run("access="+strconv.FormatBool(access), func(t *testing.T) {
			reader, writer, err := os.Pipe()
			require.NoError(t, err)
			s := startServer(t, "only", 100)
			g := serveTo(t, writer, "log: {access: "+strconv.FormatBool(access)+"}", s)
			require.NoError(t, writer.Close())
			stream := openStream(t, g.url)
			s.fault(t, backend.Hang)
			require.NoError(t, reader.Close())
			g.hangUp(t, "success", 2) // says so in the log
			eventually(t, "lost lines are counted", func() bool { return g.lost(t, "log") > 0 })
			s.fault(t, backend.None)
			rest, err := io.ReadAll(stream)
			require.NoError(t, err)
			require.True(t, strings.HasSuffix(string(rest), "data: [DONE]\n\n"), "the stream came whole")
			require.Equal(t, 200, status(g.url+"/v1/models"))
			if access {
				eventually(t, "lost access lines are counted", func() bool { return g.lost(t, "access_log") == 2 })
			}
			g.signal(t, syscall.SIGTERM)
			require.Zero(t, g.exits(t))
		})
	}
}

// Another reader of the same pipe gets the lines from then on, and how many are missing.
func TestReaderOfTheLogReturns(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	require.NoError(t, syscall.Mkfifo(path, 0o600))
	read := func() *os.File {
		reader, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
		require.NoError(t, err)
		return reader
	}
	reader := read()
	writer, err := os.OpenFile(path, os.O_WRONLY, 0)
	require.NoError(t, err)
	g := serveTo(t, writer, "log: {access: true}", startServer(t, "only", 100))
	require.NoError(t, writer.Close())
	require.NoError(t, reader.Close())
	require.Equal(t, 200, status(g.url+"/v1/models"))
	eventually(t, "its line is lost", func() bool { return g.lost(t, "access_log") == 1 })

	reader = read()
	defer func() { _ = reader.Close() }()
	require.Equal(t, 200, status(g.url+"/v1/models"))
	var said bytes.Buffer
	_, err = io.CopyN(&said, reader, 10) // waits for the first
	require.NoError(t, err)
	g.signal(t, syscall.SIGTERM)
	_, err = io.Copy(&said, reader) // to the end of the process
	require.NoError(t, err)
	require.Zero(t, g.exits(t))
	require.Equal(t, 1, strings.Count(said.String(), `"logger":"access"`), said.String())
	require.Contains(t, said.String(), `"access_lines":1,"error":"write /dev/stderr: broken pipe"`)
	require.Contains(t, said.String(), `"msg":"stopped"`)
}

// A pipe that is full, and that nobody reads, keeps no process from ending: neither a gateway that is told to stop,
// whichever logs it writes, nor a command that has failed.
func TestFullPipeKeepsNobodyFromEnding(t *testing.T) {
	full := func(t *testing.T) *os.File {
		reader, writer, err := os.Pipe()
		require.NoError(t, err)
		t.Cleanup(func() { _, _ = reader.Close(), writer.Close() })
		_, err = writer.Write(make([]byte, 64<<10))
		require.NoError(t, err)
		return writer
	}
	for _, more := range []string{"log: {access: true}", "log: {level: debug}"} {
		t.Run(more, func(t *testing.T) {
			g := serveTo(t, full(t), more, startServer(t, "only", 100))
			for range 10 {
				require.Equal(t, 200, status(g.url+"/v1/models"))
			}
			g.signal(t, syscall.SIGTERM)
			require.Zero(t, g.exits(t))
		})
	}
	t.Run("bad configuration", func(t *testing.T) {
		p := startTo(t, full(t), nil, binary, "serve", "--config", "nofile.yaml")
		require.Equal(t, 2, p.exits(t))
	})
}

// The access log is what log.access says, whatever the level of the other lines.
func TestAccessLogBesideALevel(t *testing.T) {
	g := serve(t, "log: {level: error, access: true}", startServer(t, "only", 100))
	require.Equal(t, 200, status(g.url+"/v1/models"))
	eventually(t, "its line", func() bool { return strings.Contains(g.err.String(), `"path":"/v1/models"`) })
	require.NotContains(t, g.err.String(), `"msg":"starting"`)
}
