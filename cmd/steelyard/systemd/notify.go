// Telling systemd how the program is.

package systemd

import (
	"context"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Notifier tells systemd. The zero Notifier, and a nil one, tell nobody.
type Notifier struct {
	socket   string
	watchdog time.Duration // how often it must hear of us; 0: it need not
}

// NewNotifier reads from the environment whom to tell.
func NewNotifier() *Notifier {
	n := &Notifier{socket: os.Getenv("NOTIFY_SOCKET")}
	if n.socket == "" {
		return n
	}
	usec, err := strconv.ParseInt(os.Getenv("WATCHDOG_USEC"), 10, 64)
	pid := os.Getenv("WATCHDOG_PID")
	if err == nil && usec > 0 && (pid == "" || pid == strconv.Itoa(os.Getpid())) {
		n.watchdog = time.Duration(usec) * time.Microsecond
	}
	_ = os.Unsetenv("WATCHDOG_PID") // a program that takes over is watched as we are
	return n
}

// send sends assignments, if anybody is to be told.
func (n *Notifier) send(assignments ...string) error {
	if n == nil || n.socket == "" {
		return nil
	}
	name := n.socket
	if strings.HasPrefix(name, "@") { // the abstract name space
		name = "\x00" + name[1:]
	}
	c, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		return fmt.Errorf("tell systemd: %w", err)
	}
	defer func() { _ = c.Close() }()
	if _, err := c.Write([]byte(strings.Join(assignments, "\n"))); err != nil {
		return fmt.Errorf("tell systemd: %w", err)
	}
	return nil
}

// Ready says that the program serves, after its start or a reload.
func (n *Notifier) Ready() error { return n.send("READY=1") }

// Reloading says that a reload has begun; Ready ends it.
func (n *Notifier) Reloading() error {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		return fmt.Errorf("tell systemd: %w", err)
	}
	return n.send("RELOADING=1", "MONOTONIC_USEC="+strconv.FormatInt(now.Nano()/int64(time.Microsecond), 10))
}

// Stopping says that the program is on its way out.
func (n *Notifier) Stopping() error { return n.send("STOPPING=1") }

// Follow says which process is the service from now on.
func (n *Notifier) Follow(pid int) error { return n.send("MAINPID="+strconv.Itoa(pid), "READY=1") }

// Watch tells twice in the time that systemd allows that the program is alive, if it wants to know, until ctx ends.
// Alive returns when the program has shown that it is; a program that hangs is not told of.
func (n *Notifier) Watch(ctx context.Context, alive func()) {
	if n == nil || n.watchdog == 0 {
		return
	}
	tick := time.NewTicker(n.watchdog / 2)
	defer tick.Stop()
	for {
		alive()
		_ = n.send("WATCHDOG=1") // the next one may get there
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
