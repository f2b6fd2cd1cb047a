package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// As process 1 of a container it reaps what programs leave behind that it runs: an action for an endpoint that is out leaves one
// that ends after it.
func TestProcessOneReapsOrphans(t *testing.T) {
	need(t, "unshare")
	apart := []string{"--user", "--map-root-user", "--pid", "--fork", "--mount-proc"}
	if out, err := exec.Command("unshare", append(apart, "true")...).CombinedOutput(); err != nil {
		t.Skipf("no namespace of processes can be made here: %v: %s", err, out)
	}
	g := newGateway(t, "")
	text, err := os.ReadFile(g.file)
	require.NoError(t, err)
	config := string(text) + "      - {name: away, url: \"http://127.0.0.1:1\"}\n" +
		"    recovery: {command: [sh, -c, \"sleep 0.1 & echo it has left $!\"], after: 1s, every: 1h, dry_run: false}\n"
	require.NoError(t, os.WriteFile(g.file, []byte(config), 0o600))
	p := start(t, nil, "unshare", append(apart, binary, "serve", "--config", g.file)...)
	first := ""
	eventually(t, "it is process 1", func() bool {
		list := childrenOf(strconv.Itoa(p.cmd.Process.Pid))
		if len(list) == 1 {
			first = list[0]
		}
		return first != "" && strings.Contains(p.err.String(), `"pid":1`)
	})
	t.Cleanup(func() { // whatever is in the namespace ends with its process 1
		if pid, err := strconv.Atoi(first); err == nil {
			if process, err := os.FindProcess(pid); err == nil {
				_ = process.Kill()
			}
		}
	})
	eventually(t, "the action", func() bool { return strings.Contains(p.err.String(), "it has left") })
	eventually(t, "nobody to be left", func() bool { return len(childrenOf(first)) == 0 })
	require.NotEmpty(t, childrenOf(strconv.Itoa(p.cmd.Process.Pid)), "it lives")
}

// childrenOf are the processes that this one has as children, dead ones too.
func childrenOf(parent string) (list []string) {
	files, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, file := range files {
		stat, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		var state, of string
		_, err = fmt.Sscan(string(stat[strings.LastIndexByte(string(stat), ')')+1:]), &state, &of)
		if err == nil && of == parent {
			list = append(list, filepath.Base(filepath.Dir(file)))
		}
	}
	return list
}
