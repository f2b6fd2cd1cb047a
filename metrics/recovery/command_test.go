package recovery

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/metrics/notify"
	"github.com/steelyard-proxy/steelyard/metrics/program"
)

var small = Endpoint{Name: "small one", URL: "http://10.0.0.7:9001", Out: "ejected", Reason: "3 failures\nin a row\x00"}

func TestACommandIsToldOfTheEndpoint(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "/run/ours")
	t.Setenv("STEELYARD_LOG_LEVEL", "debug")
	file := filepath.Join(t.TempDir(), "output")
	c := Command{Args: []string{"sh", "-c", `{ printf '%s|' "$@"; env; } > ` + file, "x", "vllm@{endpoint}", "{upstream}", "{url}", "{host}:{port}", "{other}"}}
	_, err := c.Take(t.Context(), "chat", small)
	require.NoError(t, err)
	output, err := os.ReadFile(file)
	require.NoError(t, err)
	args, env, _ := strings.Cut(string(output), "{other}|")
	assert.Equal(t, "vllm@small one|chat|http://10.0.0.7:9001|10.0.0.7:9001|", args)
	for _, line := range []string{"RECOVERY_UPSTREAM=chat\n", "RECOVERY_ENDPOINT=small one\n", "RECOVERY_URL=http://10.0.0.7:9001\n",
		"RECOVERY_CONDITION=ejected\n", "RECOVERY_REASON=3 failures in a row"} {
		assert.Contains(t, env+"\n", line)
	}
	assert.NotContains(t, env, "NOTIFY_SOCKET")
	assert.NotContains(t, env, "STEELYARD_")
	assert.Equal(t, `run restart "small one"`, Command{Args: []string{"restart", "{endpoint}"}}.Describe("chat", small))
}

func TestACommandThatFails(t *testing.T) {
	evidence, err := Command{Args: []string{"sh", "-c", "echo no such unit >&2; exit 5"}}.Take(t.Context(), "chat", small)
	assert.EqualError(t, err, "it ended with exit status 5")
	assert.Equal(t, "no such unit", evidence["output"])
	_, err = Command{Args: []string{"/no/such/program"}}.Take(t.Context(), "chat", small)
	assert.ErrorContains(t, err, "no such file or directory")
}

// TestACommandThatHangsIsKilledWithItsChildren, even if they hear no SIGTERM.
func TestACommandThatHangsIsKilledWithItsChildren(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pid")
	var err error
	var text []byte
	for limit := 300 * time.Millisecond; ; limit *= 2 { // longer where the machine was too busy to begin it
		ctx, cancel := context.WithTimeout(t.Context(), limit)
		defer cancel()
		_, err = Command{Args: []string{"sh", "-c", `trap '' TERM; sleep 1000 & echo $! > ` + file + `; wait; wait`}}.Take(ctx, "chat", small)
		require.EqualError(t, err, "it took too long and was killed")
		if text, err = os.ReadFile(file); len(text) > 0 {
			break
		}
		require.Less(t, limit, time.Minute, "it does not begin: %v", err)
	}
	child, err := strconv.Atoi(strings.TrimSpace(string(text)))
	require.NoError(t, err)
	require.Eventually(t, func() bool { return gone(child) }, time.Minute, time.Millisecond, "the child lives on")
}

// gone says whether a process has ended; one that nobody waits for has ended too.
func gone(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return true
	}
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err != nil || strings.Contains(string(text), ") Z ")
}

// TestAServerThatACommandStartsLivesOn: it is what the command was for.
func TestAServerThatACommandStartsLivesOn(t *testing.T) {
	evidence, err := Command{Args: []string{"sh", "-c", "sleep 1000 & echo $!"}}.Take(t.Context(), "chat", small)
	require.NoError(t, err)
	child, err := strconv.Atoi(evidence["output"].(string))
	require.NoError(t, err)
	assert.False(t, gone(child))
	require.NoError(t, syscall.Kill(child, syscall.SIGKILL))
}

func TestOutputIsBounded(t *testing.T) {
	evidence, err := Command{Args: []string{"sh", "-c", "head -c 1000000 /dev/zero | tr '\\0' x; echo end"}}.Take(t.Context(), "chat", small)
	require.NoError(t, err)
	output := evidence["output"].(string)
	assert.LessOrEqual(t, len(output), program.MostOutput)
	assert.True(t, strings.HasSuffix(output, "xend"))
}

func TestAWebhookIsAsked(t *testing.T) {
	var got map[string]any
	var signature string
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		_ = json.Unmarshal(text, &got)
		signature = r.Header.Get("Webhook-Signature")
	}))
	w := Webhook{Gateway: "gw1", Target: notify.Target{
		URL: notify.NewSecret(s.URL), Keys: []notify.Secret{notify.NewSecret("0123456789abcdef01234567")}, Timeout: time.Minute,
	}}
	_, err := w.Take(t.Context(), "chat", small)
	require.NoError(t, err)
	assert.Equal(t, "steelyard.recover", got["type"])
	assert.Equal(t, "small one", got["data"].(map[string]any)["endpoint"])
	assert.True(t, strings.HasPrefix(signature, "v1,"))
	s.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err = w.Take(ctx, "chat", small)
	assert.Error(t, err)
	assert.NotContains(t, err.Error(), s.URL)
}
