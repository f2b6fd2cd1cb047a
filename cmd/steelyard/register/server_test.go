package register

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
)

const within = time.Minute

// script runs a keeper with a shell script, which says in a file what it does.
func script(t *testing.T, text string, o Options) (b *book, file string, stop func() error) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "said")
	o.Command = []string{"/bin/sh", "-c", text, "sh", file}
	b, _, stop = run(t, o)
	return b, file, stop
}

func says(t *testing.T, file, what string) string {
	t.Helper()
	var text []byte
	require.Eventually(t, func() bool {
		text, _ = os.ReadFile(file)
		return strings.Contains(string(text), what)
	}, within, 5*time.Millisecond, what)
	return string(text)
}

const loop = `trap 'echo hup >> "$1"' HUP; trap 'echo int >> "$1"; exit 3' INT; trap 'echo term >> "$1"; exit 0' TERM; echo $$ > "$1"; while :; do sleep 0.05; done`

// The server gets the signals that come, its stop last, and its exit code is ours.
func TestServerGetsSignals(t *testing.T) {
	pass := make(chan os.Signal, 1)
	b, file, stop := script(t, loop, Options{Pass: pass, First: func() os.Signal { return syscall.SIGINT }})
	says(t, file, "\n")
	require.Eventually(t, func() bool { return b.count() > 0 }, within, 5*time.Millisecond)
	pass <- syscall.SIGHUP
	says(t, file, "hup\n")
	var exit *Exit
	require.ErrorAs(t, stop(), &exit)
	assert.Equal(t, 3, exit.Code)
	text := says(t, file, "int\n")
	assert.NotContains(t, text, "term")
	assert.Equal(t, []string{"here", "departs"}, b.all())
}

// A server that ends by itself ends the keeper, with its code; its record says that it departs.
func TestServerEnds(t *testing.T) {
	for text, code := range map[string]int{"sleep 0.1; exit 0": 0, "sleep 0.1; exit 7": 7, "sleep 0.1; kill -KILL $$": 137} {
		registrar := &book{}
		k := New(Options{Registrar: registrar, Command: []string{"/bin/sh", "-c", text}, Log: nopLog()})
		var exit *Exit
		require.ErrorAs(t, k.Run(t.Context()), &exit)
		assert.Equal(t, code, exit.Code, text)
		if all := registrar.all(); len(all) > 0 {
			assert.Equal(t, []string{"here", "departs"}, all)
		}
	}
}

func TestServerThatCannotBeStarted(t *testing.T) {
	k := New(Options{Registrar: &book{}, Command: []string{"/nowhere/vllm", "serve"}, Log: nopLog()})
	require.ErrorContains(t, k.Run(t.Context()), "/nowhere/vllm cannot be started")
}

// It is in a group of its own, so that a Ctrl-C at the terminal does not stop it before it has drained.
func TestServerHasItsOwnGroup(t *testing.T) {
	_, file, stop := script(t, loop, Options{})
	pid, err := strconv.Atoi(strings.Fields(says(t, file, "\n"))[0])
	require.NoError(t, err)
	group, err := syscall.Getpgid(pid)
	require.NoError(t, err)
	assert.Equal(t, pid, group)
	assert.NotEqual(t, syscall.Getpgrp(), group)
	_ = stop()
}

func nopLog() *zap.Logger { return zap.NewNop() }
