package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/steelyard-proxy/steelyard/configs"
)

// TestCheckNotesWhatHasNoEffect on standard error, so that what it prints stays a configuration.
func TestCheckNotesWhatHasNoEffect(t *testing.T) {
	t.Setenv("STEELYARD_VERSION", "1.2.3")
	file := filepath.Join(t.TempDir(), "c.yaml")
	require.NoError(t, os.WriteFile(file, []byte(`upstreams:
- {name: a, capacity_scale: 2, endpoints: [{url: "http://a"}]}
- {name: b, capacity_scale: 3, endpoints: [{url: "http://b"}]}
routes: [{upstream: a}, {path: /b, upstream: b}]
`), 0o600))
	out, said, code := output(t, "check", file)
	require.Zero(t, code)
	require.Regexp(t, `^note: \S+:2: upstreams\[0\]\.capacity_scale: has no effect .*
note: \S+:3: upstreams\[1\]\.capacity_scale: has no effect .*
note: environment: unknown variables have no effect: STEELYARD_VERSION: .*
$`, said)
	_, err := configs.Parse("printed.yaml", []byte(out), nil)
	require.NoError(t, err)
}

// TestCheckSaysWhatEndpointsCost where the policy goes by cost: a quarter of the capacity costs four times as much.
func TestCheckSaysWhatEndpointsCost(t *testing.T) {
	file := filepath.Join(t.TempDir(), "c.yaml")
	require.NoError(t, os.WriteFile(file, []byte(`upstreams: [{policy: least_cost, endpoints: [{name: a, url: "http://a", capacity: 400}, {name: b, url: "http://b"}]}]`), 0o600))
	out, _, code := output(t, "check", file)
	require.Zero(t, code)
	require.Regexp(t, `(?m)^# what a prompt of 4 KiB costs there .*
# endpoint +read, ms +write, ms +cost, ms
# a +66 +1250 +1316
# b +263 +5000 +5263$`, out)
}

// TestEachKindOfNoteIsOneLineOfTheLog, however many there are of it.
func TestEachKindOfNoteIsOneLineOfTheLog(t *testing.T) {
	core, lines := observer.New(zap.InfoLevel)
	logNotes(zap.New(core), []configs.Note{
		{Kind: "upstreams[].capacity_scale", List: []configs.Problem{{Place: "c.yaml:2", What: "has no effect"}, {Place: "c.yaml:3", What: "has no effect"}}},
		{List: []configs.Problem{{Place: "environment", What: "no key"}}},
	})
	require.Equal(t, 2, lines.Len())
	require.Equal(t, zap.WarnLevel, lines.All()[0].Level)
	require.Equal(t, "c.yaml:2: has no effect (and 1 more of this kind; see steelyard check)", lines.All()[0].ContextMap()["note"])
}

// TestCheckSaysWhereEndpointsComeFrom where the file lists none, in place of a table without a row.
func TestCheckSaysWhereEndpointsComeFrom(t *testing.T) {
	for source, line := range map[string]string{
		`discovery: {kind: file, path: endpoints.yaml}`:                                         "# none in this file: those that discovery finds are known only when it serves",
		`scale: {max: 2, slots: 8, actuator: {kind: process, command: [/bin/sleep, "{port}"]}}`: "# none in this file: those that scale starts are known only when it serves",
	} {
		file := filepath.Join(t.TempDir(), "c.yaml")
		require.NoError(t, os.WriteFile(file, []byte("upstreams: [{name: a, "+source+"}]\n"), 0o600))
		out, _, code := output(t, "check", file)
		require.Zero(t, code)
		require.Contains(t, out, line+"\n")
		_, err := configs.Parse("printed.yaml", []byte(out), nil)
		require.NoError(t, err)
	}
}
