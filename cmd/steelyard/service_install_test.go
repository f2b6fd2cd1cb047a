package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// Install writes once, changes nothing silently, and uninstall removes only what it has written.
func TestServiceInstall(t *testing.T) {
	folder := t.TempDir()
	config, units := filepath.Join(folder, "g.yaml"), filepath.Join(folder, "units")
	write := func(listen string) {
		text := "listen: [{address: \"" + listen + "\"}]\nusage: {dir: usage}\nupstreams: [{predict: {file: learned}, endpoints: [{url: \"http://127.0.0.1:1\"}]}]\n"
		require.NoError(t, os.WriteFile(config, []byte(text), 0o600))
	}
	write("127.0.0.1:80")
	service := func(args ...string) error {
		c := serviceCommands()
		c.SetArgs(append(args, "--folder", units))
		c.SilenceErrors, c.SilenceUsage = true, true
		out, err := os.Create(filepath.Join(folder, "out"))
		require.NoError(t, err)
		defer func() { _ = out.Close() }()
		c.SetOut(out)
		c.SetErr(out)
		return c.Execute()
	}
	said := func() string {
		text, err := os.ReadFile(filepath.Join(folder, "out"))
		require.NoError(t, err)
		return string(text)
	}
	unit := func(name string) string {
		text, err := os.ReadFile(filepath.Join(units, name))
		require.NoError(t, err)
		return string(text)
	}
	require.ErrorContains(t, service("uninstall"), "there is no unit of steelyard")
	require.NoError(t, service("install", "-c", config, "--print"))
	require.Contains(t, said(), "ExecStart=")
	require.NoDirExists(t, units)
	require.NoError(t, service("install", "-c", config))
	require.Contains(t, said(), "next: systemctl daemon-reload && systemctl enable --now steelyard.service")
	first := unit("steelyard.service")
	require.Contains(t, first, "AmbientCapabilities=CAP_NET_BIND_SERVICE")
	require.Contains(t, first, "ReadWritePaths="+filepath.Join(folder, "usage")+"\n")
	require.Contains(t, first, "ReadWritePaths="+folder+"\n")
	require.NoError(t, service("install", "-c", config), "the same again")
	write("127.0.0.1:8080")
	require.ErrorContains(t, service("install", "-c", config), "is there already and differs")
	require.Equal(t, first, unit("steelyard.service"))
	require.NoError(t, service("install", "-c", config, "--socket", "--force"))
	require.Contains(t, unit("steelyard.service"), "CapabilityBoundingSet=\n")
	require.Contains(t, unit("steelyard.socket"), "ListenStream=127.0.0.1:8080\n")
	require.ErrorContains(t, service("install", "-c", filepath.Join(folder, "none.yaml")), "none.yaml")
	require.ErrorContains(t, service("install", "-c", config, "--user", "--as", "me"), "--as is for the machine's systemd")
	require.NoError(t, service("uninstall"))
	require.Contains(t, said(), "systemctl stop steelyard.service steelyard.socket")
	require.NoFileExists(t, filepath.Join(units, "steelyard.socket"))
	require.NoError(t, os.WriteFile(filepath.Join(units, "steelyard.service"), []byte("[Service]\n"), 0o600))
	require.ErrorContains(t, service("uninstall"), "was not written by steelyard service install")
}
