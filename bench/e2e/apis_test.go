package e2e

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestOtherAPIs lets the SDKs of Ollama and Anthropic meet the gateway's errors; apis.mjs has the steps.
func TestOtherAPIs(t *testing.T) {
	folder := nodeFolder(t, "apis.mjs", "ollama@0.6", "@anthropic-ai/sdk@1")

	engine := httptest.NewServer(http.HandlerFunc(breakingOff))
	t.Cleanup(engine.Close)
	address, admin := freeAddress(t), freeAddress(t)
	file := filepath.Join(t.TempDir(), "steelyard.yaml")
	require.NoError(t, os.WriteFile(file, fmt.Appendf(nil, "listen: [{address: %q}]\nadmin: {address: %q}\nupstreams: [{name: chat, endpoints: [{name: one, url: %q}]}]\n",
		address, admin, engine.URL), 0o600))
	start(t, nil, binary, "serve", "--config", file)
	eventually(t, "the gateway is ready", func() bool { return status("http://"+admin+"/readyz?upstreams=1") == 200 })

	run := exec.Command("node", "apis.mjs", "http://"+address)
	run.Dir = folder
	said, err := run.CombinedOutput()
	t.Logf("\n%s", said)
	require.NoError(t, err)
}

// breakingOff is an engine that breaks off before its answer, or, for the model "cut", after the beginning of a stream.
func breakingOff(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err == nil && strings.Contains(string(body), `"cut"`) {
		contentType, beginning := "application/x-ndjson", `{"model":"cut","message":{"role":"assistant","content":"Hello"},"done":false}`+"\n"
		if r.URL.Path == "/v1/messages" {
			contentType, beginning = "text/event-stream", "event: message_start\ndata: "+
				`{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"cut","content":[],"usage":{"input_tokens":1,"output_tokens":1}}}`+"\n\n"
		}
		w.Header().Set("Content-Type", contentType)
		_, _ = io.WriteString(w, beginning)
		_ = http.NewResponseController(w).Flush()
	}
	panic(http.ErrAbortHandler)
}
