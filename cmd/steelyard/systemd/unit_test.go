package systemd

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The units of configs/packages/systemd are those that install writes for the usual places.
func TestPackagedUnits(t *testing.T) {
	u := Unit{Program: "/usr/local/bin/steelyard", Config: "/etc/steelyard/gateway.yaml", Sockets: []string{":8080"}, Stop: 40 * time.Second}
	socket, err := u.Socket()
	require.NoError(t, err)
	for name, want := range map[string]string{"steelyard.service": u.Service(), "steelyard.socket": socket} {
		_, want, _ = strings.Cut(want, "\n") // nobody has written it for somebody
		got, err := os.ReadFile("../../../configs/packages/systemd/" + name)
		require.NoError(t, err)
		require.Equal(t, want, string(got), name)
	}
}

// systemd itself finds nothing wrong with any of them, where it is installed.
func TestSystemdAgrees(t *testing.T) {
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		t.Skip("systemd-analyze is not installed")
	}
	program, err := os.Executable()
	require.NoError(t, err)
	for name, u := range map[string]Unit{
		"plain":   {Stop: time.Second},
		"sockets": {Stop: time.Second, Sockets: []string{":80", "127.0.0.1:81", "[::1]:82", "unix:/run/steelyard/a b.sock"}},
		"account": {Stop: time.Second, As: "daemon", Low: true, Writes: []string{"/srv/a b", "/srv/50%"}},
		"servers": {Stop: time.Second, RunsServers: true},
	} {
		u.Program, u.Config = program, "/etc/a b/50% $x.yaml"
		folder := t.TempDir()
		files := []string{filepath.Join(folder, "steelyard.service")}
		require.NoError(t, os.WriteFile(files[0], []byte(u.Service()), 0o600))
		if len(u.Sockets) > 0 {
			text, err := u.Socket()
			require.NoError(t, err)
			files = append(files, filepath.Join(folder, "steelyard.socket"))
			require.NoError(t, os.WriteFile(files[1], []byte(text), 0o600))
		}
		said, err := exec.Command("systemd-analyze", append([]string{"verify", "--man=no", "--recursive-errors=no"}, files...)...).CombinedOutput()
		require.NoError(t, err, "%s: %s", name, said)
		require.Empty(t, string(said), name)
	}
}

func TestUnits(t *testing.T) {
	u := Unit{Program: "/home/me/steelyard", Config: "/etc/s.yaml", User: true, Stop: 90 * time.Second}
	text := u.Service()
	require.True(t, strings.HasPrefix(text, Marker+"\n"))
	require.Contains(t, text, "\nWantedBy=default.target\n")
	require.Contains(t, text, "\nTimeoutStopSec=90s\n")
	require.NotContains(t, text, "DynamicUser")
	u.User = false
	require.Contains(t, u.Service(), "\nProtectHome=read-only\n", "the program lies there")
	u.RunsServers = true
	require.NotContains(t, u.Service(), "PrivateDevices=yes")
	_, err := (&Unit{Sockets: []string{"localhost:80"}}).Socket()
	require.EqualError(t, err, "listen address localhost:80 has a name, and systemd takes addresses only: write one such as 127.0.0.1:80")
}
