package e2e

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Systemd opens the socket, and hears of each step in the life of the service; after an upgrade from the new
// process, which has the socket as well.
func TestSystemd(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notify")
	manager, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	require.NoError(t, err)
	defer func() { _ = manager.Close() }()
	require.NoError(t, manager.SetDeadline(time.Now().Add(within)))
	hear := func() string {
		b := make([]byte, 1<<10)
		for {
			n, err := manager.Read(b)
			require.NoError(t, err)
			if said := string(b[:n]); said != "WATCHDOG=1" {
				return said
			}
		}
	}
	web, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = web.Close() }()
	file, err := web.(*net.TCPListener).File()
	require.NoError(t, err)
	defer func() { _ = file.Close() }()

	d := prepare(t, newHolder(t), "", 0)
	first := exec.Command("sh", "-c", `LISTEN_PID=$$ exec "$@"`, "sh", d.program, "serve", d.file)
	first.ExtraFiles = []*os.File{file}
	first.Env = []string{"NOTIFY_SOCKET=" + path, "LISTEN_FDS=1", "LISTEN_FDNAMES=web", "WATCHDOG_USEC=200000"}
	d.start(first)
	require.Equal(t, "READY=1", hear())
	d.address = web.Addr().String()
	require.Equal(t, 200, status("http://"+d.address+"/"))
	d.reload()
	reloading, at, _ := strings.Cut(hear(), "\n")
	require.Equal(t, "RELOADING=1", reloading)
	require.Regexp(t, `^MONOTONIC_USEC=\d+$`, at)
	require.Equal(t, "READY=1", hear())

	require.NoError(t, syscall.Kill(d.pid(), syscall.SIGUSR2))
	pid := d.serves(d.pid())
	told := []string{hear(), hear()} // in either order
	require.ElementsMatch(t, []string{"READY=1", fmt.Sprintf("MAINPID=%d\nREADY=1", pid)}, told)
	require.Equal(t, 200, status("http://"+d.address+"/"))
	require.NoError(t, d.first.Wait())
	n := make([]byte, 1<<10)
	size, err := manager.Read(n)
	require.NoError(t, err)
	require.Equal(t, "WATCHDOG=1", string(n[:size]), "the new process shows that it is alive")

	require.NoError(t, syscall.Kill(pid, syscall.SIGTERM))
	require.Equal(t, "STOPPING=1", hear())
}
