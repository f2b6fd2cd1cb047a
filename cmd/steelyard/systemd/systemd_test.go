package systemd

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// manager is the end of NOTIFY_SOCKET that systemd has.
func manager(t *testing.T) *net.UnixConn {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notify")
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	require.NoError(t, c.SetDeadline(time.Now().Add(time.Minute)))
	t.Setenv("NOTIFY_SOCKET", path)
	return c
}

func hear(t *testing.T, c *net.UnixConn) string {
	t.Helper()
	b := make([]byte, 1<<10)
	n, err := c.Read(b)
	require.NoError(t, err)
	return string(b[:n])
}

func TestNotify(t *testing.T) {
	c := manager(t)
	n := NewNotifier()
	require.NoError(t, n.Ready())
	require.Equal(t, "READY=1", hear(t, c))
	require.NoError(t, n.Reloading())
	first, second, _ := strings.Cut(hear(t, c), "\n")
	require.Equal(t, "RELOADING=1", first)
	usec, err := strconv.ParseInt(strings.TrimPrefix(second, "MONOTONIC_USEC="), 10, 64)
	require.NoError(t, err)
	uptime, err := os.ReadFile("/proc/uptime")
	require.NoError(t, err)
	seconds, _, _ := strings.Cut(string(uptime), ".")
	up, err := strconv.ParseInt(seconds, 10, 64)
	require.NoError(t, err)
	require.InDelta(t, up, usec/1e6, 3600*24*365, "microseconds, of the clock that systemd uses")
	require.NoError(t, n.Stopping())
	require.Equal(t, "STOPPING=1", hear(t, c))
	require.NoError(t, n.Follow(7))
	require.Equal(t, "MAINPID=7\nREADY=1", hear(t, c))
	require.NoError(t, c.Close())
	require.Error(t, n.Ready())
}

func TestNobodyToTell(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "")
	for _, n := range []*Notifier{nil, NewNotifier()} {
		require.NoError(t, n.Ready())
		n.Watch(context.Background(), nil) // returns at once
	}
}

// The watchdog hears of a program that shows that it is alive, and not of one that hangs.
func TestWatchdog(t *testing.T) {
	for pid, heard := range map[string]bool{"": true, strconv.Itoa(os.Getpid()): true, "1": false} {
		c := manager(t)
		t.Setenv("WATCHDOG_USEC", "2000")
		t.Setenv("WATCHDOG_PID", pid)
		n := NewNotifier()
		require.Empty(t, os.Getenv("WATCHDOG_PID"), "the next program is watched too")
		if !heard {
			n.Watch(context.Background(), nil)
			continue
		}
		ctx, stop := context.WithCancel(context.Background())
		hangs, alive, ended := make(chan struct{}), make(chan struct{}), make(chan struct{})
		go func() {
			n.Watch(ctx, func() {
				select {
				case alive <- struct{}{}:
				case <-hangs:
				}
			})
			close(ended)
		}()
		for range 3 {
			<-alive
			require.Equal(t, "WATCHDOG=1", hear(t, c))
		}
		stop()
		close(hangs)
		<-ended
	}
}

// The sockets of a unit come with their names and addresses, once, and only to the process that they are for.
func TestSockets(t *testing.T) {
	if os.Getenv("SHOW_SOCKETS") != "" {
		var said []string
		for _, s := range Sockets() {
			said = append(said, fmt.Sprintf("%s=%s,%t", s.Name, s.Address, s.Listens))
		}
		said = append(said, strconv.Itoa(len(Sockets())))
		_, _ = os.Stdout.WriteString("sockets: " + strings.Join(said, " ") + "\n")
		return
	}
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = tcp.Close() }()
	path := filepath.Join(t.TempDir(), "s")
	unix, err := net.Listen("unix", path)
	require.NoError(t, err)
	defer func() { _ = unix.Close() }()
	packets, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = packets.Close() }()
	dialed, err := net.Dial("tcp", tcp.Addr().String()) // as with Accept=yes
	require.NoError(t, err)
	defer func() { _ = dialed.Close() }()
	show := func(pid string) string {
		c := exec.Command("sh", "-c", "LISTEN_PID="+pid+" exec \"$0\" \"$@\"", os.Args[0], "-test.run=^TestSockets$")
		c.Env = append(os.Environ(), "SHOW_SOCKETS=1", "LISTEN_FDS=5", "LISTEN_FDNAMES=web:admin:udp:one:none")
		for _, ln := range []any{tcp, unix, packets, dialed} {
			file, err := ln.(interface{ File() (*os.File, error) }).File()
			require.NoError(t, err)
			defer func() { _ = file.Close() }()
			c.ExtraFiles = append(c.ExtraFiles, file)
		}
		out, err := c.CombinedOutput()
		require.NoError(t, err, "%s", out)
		_, said, _ := strings.Cut(string(out), "sockets: ")
		said, _, _ = strings.Cut(said, "\n")
		return said
	}
	require.Equal(t, "web="+tcp.Addr().String()+",true admin=unix:"+path+",true udp="+packets.LocalAddr().String()+",false "+
		"one="+dialed.LocalAddr().String()+",false none=,false 0", show("$$"))
	require.Equal(t, "0", show("1"))
}
