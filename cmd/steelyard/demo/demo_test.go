package demo

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// transcript is what a command wrote; it may be read while the command runs.
type transcript struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *transcript) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *transcript) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// startDemo runs the command until stop, which returns how it ended.
func startDemo(t *testing.T, args ...string) (out, errOut *transcript, stop func() error) {
	t.Helper()
	out, errOut = &transcript{}, &transcript{}
	command := Command()
	command.SetArgs(append([]string{"--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"}, args...))
	command.SetOut(out)
	command.SetErr(errOut)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- command.ExecuteContext(ctx) }()
	stop = sync.OnceValue(func() error {
		cancel()
		return <-ended
	})
	t.Cleanup(func() {
		require.NoError(t, stop())
		http.DefaultClient.CloseIdleConnections()
	})
	return out, errOut, stop
}

// find waits until the output holds the pattern and returns its first group.
func find(t *testing.T, out *transcript, pattern string) string {
	t.Helper()
	expression := regexp.MustCompile(pattern)
	var found []string
	require.Eventually(t, func() bool {
		found = expression.FindStringSubmatch(out.String())
		return found != nil
	}, time.Minute, 10*time.Millisecond, "%s", pattern)
	return found[1]
}

func post(t *testing.T, url, body string) (status int, answer string) {
	t.Helper()
	response, err := http.Post(url, "application/json", strings.NewReader(body))
	require.NoError(t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, string(text)
}

// A user starts the demo, asks the gateway, breaks a server and sees it leave
// and return.
func TestDemo(t *testing.T) {
	out, errOut, stop := startDemo(t)
	gateway := find(t, out, `gateway  (\S+)`)
	admin := find(t, out, `admin    (\S+)`)
	small := find(t, out, `small    (\S+)`)

	status, answer := post(t, gateway+"/v1/chat/completions", `{"model":"steelyard-demo","messages":[],"max_tokens":2}`)
	require.Equal(t, 200, status, answer)
	require.Contains(t, answer, `"completion_tokens":2`)
	_, answer = post(t, gateway+"/v1/chat/completions", `{"messages":[],"stream":true,"max_tokens":2}`)
	require.True(t, strings.HasSuffix(answer, "data: [DONE]\n\n"), answer)
	page := find(t, out, `page     (\S+)`)
	for _, url := range []string{page, admin + "/api/v1/upstreams", admin + "/api/v1/alerts", admin + "/api/v1/usage?by=user", admin + "/api/v1/advice"} {
		response, err := http.Get(url)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.Equal(t, 200, response.StatusCode, url)
	}

	find(t, out, `requests/s \| small [\d.]+ % (\(expected 22.2 %\)) .* large .* \(expected 44.4 %\) .* medium .* \(expected 33.3 %\)`)
	status, _ = post(t, small+"/fault?kind=fail-health", "")
	require.Equal(t, 200, status)
	find(t, out, `small [\d.]+ % \(expected 0.0 %\) .* (OUT, probe failed .*503)`)
	find(t, errOut, "(503)") // the gateway's log says why
	status, _ = post(t, small+"/fault?kind=none", "")
	require.Equal(t, 200, status)
	find(t, out, `OUT(?s:.*)small [\d.]+ % (\(expected 22.2 %\))`)
	require.NoError(t, stop())
}

func TestQuietPrintsAddressesOnly(t *testing.T) {
	out, errOut, stop := startDemo(t, "--quiet", "--no-load")
	gateway := find(t, out, `gateway  (\S+)`)
	status, _ := post(t, gateway+"/v1/completions", `{"prompt":"hi","max_tokens":1}`)
	require.Equal(t, 200, status)
	require.NoError(t, stop())
	require.Len(t, strings.Split(strings.TrimSpace(out.String()), "\n"), 6, out.String())
	require.NotContains(t, out.String(), "curl")
	require.Empty(t, errOut.String())
}

func TestTakenPortIsOneClearLine(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	for _, flag := range []string{"--listen", "--admin"} {
		var out, errOut bytes.Buffer
		command := Command()
		command.SetArgs([]string{"--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", flag, taken.Addr().String()})
		command.SetOut(&out)
		command.SetErr(&errOut)
		require.Error(t, command.ExecuteContext(t.Context()))
		require.Equal(t, fmt.Sprintf("Error: %s is taken by another program: stop it, or give another address with %s\n", taken.Addr(), flag),
			errOut.String())
		require.Empty(t, out.String())
	}
}

func TestBadFlagsAreOneClearLine(t *testing.T) {
	for args, want := range map[string]string{
		"--listen 8080":         "Error: --listen 8080: give HOST:PORT, for example 127.0.0.1:8080\n",
		"--listen 192.0.2.1:80": "Error: --listen 192.0.2.1:80: ",
		"extra":                 `Error: unknown command "extra" for "demo"` + "\n",
	} {
		var errOut bytes.Buffer
		command := Command()
		command.SetArgs(append(strings.Fields(args), "--admin", "127.0.0.1:0"))
		command.SetOut(io.Discard)
		command.SetErr(&errOut)
		require.Error(t, command.ExecuteContext(t.Context()))
		require.True(t, strings.HasPrefix(errOut.String(), want), errOut.String())
		require.Equal(t, 1, strings.Count(errOut.String(), "\n"))
	}
}

// The whole week is held to its script in its own room; here its first day is not even waited for.
func TestAWeekNeedsNoFlags(t *testing.T) {
	var out bytes.Buffer
	command := Command()
	command.SetArgs([]string{"--week", "--quiet"})
	command.SetOut(&out)
	command.SetErr(io.Discard)
	require.ErrorContains(t, command.ExecuteContext(t.Context()), "--quiet has no meaning with --week")
	command = Command()
	command.SetArgs([]string{"--week"})
	command.SetOut(&out)
	command.SetErr(io.Discard)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, command.ExecuteContext(ctx), context.Canceled)
	require.Contains(t, out.String(), "user-007 asks for more")
}
