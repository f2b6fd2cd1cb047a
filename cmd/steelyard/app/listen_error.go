// An address that cannot be bound, and what to do about it.

package app

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// ListenError says that an address could not be bound, and what to do about it.
type ListenError struct {
	Address string
	Admin   bool
	Err     error
}

// Error implements error.
func (e *ListenError) Error() string {
	key := "listen[].address"
	if e.Admin {
		key = "admin.address"
	}
	cause := e.Err
	if op, ok := errors.AsType[*net.OpError](cause); ok {
		cause = op.Err
	}
	text := fmt.Sprintf("listen on %s (%s): %v", e.Address, key, cause)
	if remedy := e.Remedy(); remedy != "" {
		text += ": " + remedy
	}
	return text
}

// Unwrap returns the cause.
func (e *ListenError) Unwrap() error { return e.Err }

// Remedy is what to do about it, or "".
func (e *ListenError) Remedy() string {
	path, socket := strings.CutPrefix(e.Address, "unix:")
	if socket {
		return socketRemedy(path, e.Err)
	}
	_, digits, err := net.SplitHostPort(e.Address)
	port, _ := strconv.Atoi(digits)
	switch {
	case errors.Is(e.Err, syscall.EADDRINUSE) && err == nil:
		return fmt.Sprintf("another program has this port: end it (ss -ltnp 'sport = :%d' names it), or give another port", port)
	case errors.Is(e.Err, fs.ErrPermission) && port < 1024:
		return "ports below 1024 are for root: give a higher one, or the capability CAP_NET_BIND_SERVICE (setcap, or systemd's AmbientCapabilities)"
	case errors.Is(e.Err, syscall.EADDRNOTAVAIL):
		return "this machine has no such address: give one of its own (ip address lists them), or :" + digits + " for all"
	case isLookup(e.Err):
		return "give an IP address of this machine, or :" + digits + " for all"
	}
	return ""
}

func isLookup(err error) bool {
	_, ok := errors.AsType[*net.DNSError](err)
	return ok
}

func socketRemedy(path string, err error) string {
	folder := filepath.Dir(path)
	info, statErr := os.Stat(folder)
	switch {
	case errors.Is(statErr, fs.ErrNotExist):
		return fmt.Sprintf("the folder %s is not there: make it, for a user that may write to it, or give another path", folder)
	case statErr == nil && !info.IsDir():
		return folder + " is not a folder: give another path"
	case errors.Is(err, fs.ErrPermission):
		return fmt.Sprintf("this user may not write to the folder %s: change that, or give another path", folder)
	}
	return "end the program that listens there, or give another path"
}
