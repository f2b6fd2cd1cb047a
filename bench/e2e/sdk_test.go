package e2e

import (
	"os/exec"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

// demo is a running `steelyard demo` without load.
type demo struct {
	*process
	url, admin string
	servers    []string // URLs of its simulated servers
}

var serverLine = regexp.MustCompile(`(?m)^ *(?:small|large|medium) +(http://\S+)`)

func startDemo(t *testing.T) *demo {
	t.Helper()
	listen, admin := freeAddress(t), freeAddress(t)
	d := &demo{url: "http://" + listen, admin: "http://" + admin}
	d.process = start(t, nil, binary, "demo", "--quiet", "--no-load", "--listen", listen, "--admin", admin)
	eventually(t, "the demo is ready", func() bool { return status(d.admin+"/readyz?upstreams=1") == 200 })
	for _, m := range serverLine.FindAllStringSubmatch(d.out.String(), -1) {
		d.servers = append(d.servers, m[1])
	}
	require.Len(t, d.servers, 3, d.out)
	return d
}

// TestSDK lets the official OpenAI SDK use the demo as an application would; sdk.mjs has the steps.
func TestSDK(t *testing.T) {
	folder := nodeFolder(t, "sdk.mjs", "openai@6")

	d := startDemo(t)
	run := exec.Command("node", append([]string{"sdk.mjs", d.url, d.admin}, d.servers...)...)
	run.Dir = folder
	said, err := run.CombinedOutput()
	t.Logf("\n%s", said)
	require.NoError(t, err)
}
