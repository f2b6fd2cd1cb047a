// Unix sockets: their file, its owner and its removal.

package front

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Access says who may connect to a unix socket: whoever may write to its file.
type Access struct {
	Mode        fs.FileMode // of the file; 0: as the umask says
	User, Group int         // ids of its owner; -1: those of the process
}

// byUmask is the default access.
var byUmask = Access{User: -1, Group: -1}

// socket is a unix socket that we listen on, with its file.
type socket struct {
	*net.UnixListener
	path    string
	file    fs.FileInfo // as we made it
	remove  sync.Once
	foreign bool        // the file is not ours, and never will be
	shared  atomic.Bool // another process still listens there: the file is its; written by Inherit and OwnFile
}

// listenUnix opens a unix socket. It replaces a file on which nobody listens any more. That
// takes a lock: two processes that start at once would both find it dead, and the second would
// remove the file that the first has just made.
func listenUnix(path string, a Access) (net.Listener, error) {
	unlock, err := lockSocket(path)
	if err != nil {
		return nil, err
	}
	defer unlock()
	ln, err := bind(path, a)
	if errors.Is(err, syscall.EADDRINUSE) {
		if err := removeDead(path); err != nil {
			return nil, err
		}
		ln, err = bind(path, a)
	}
	if err != nil {
		return nil, err
	}
	s := &socket{UnixListener: ln, path: path}
	if err = a.give(path); err == nil {
		s.file, err = os.Lstat(path)
	}
	if err != nil {
		_ = ln.Close()
		return nil, err
	}
	ln.SetUnlinkOnClose(false) // Close looks first
	return s, nil
}

// Close removes the file if it is still ours: another process may have replaced it, and listen
// there. While the socket is open no other file can have its inode.
func (s *socket) Close() error {
	s.remove.Do(func() {
		if s.foreign || s.shared.Load() {
			return
		}
		if unlock, err := lockSocket(s.path); err == nil {
			defer unlock()
		}
		if now, err := os.Lstat(s.path); err == nil && os.SameFile(now, s.file) {
			_ = os.Remove(s.path)
		}
	})
	return s.UnixListener.Close()
}

// umask guards the umask of the process: only one socket at a time may change it.
var umask sync.Mutex

// bind makes the file and listens. If a mode will be set, nobody else can connect before that.
func bind(path string, a Access) (*net.UnixListener, error) {
	if a.Mode != 0 {
		umask.Lock()
		defer umask.Unlock()
		defer syscall.Umask(syscall.Umask(0o077))
	}
	return net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
}

// removeDead removes the file of a socket that nobody listens on.
func removeDead(path string) error {
	c, err := net.Dial("unix", path)
	if !errors.Is(err, syscall.ECONNREFUSED) && !errors.Is(err, syscall.ENOTSOCK) {
		if err == nil {
			_ = c.Close()
		}
		return errors.New("another process listens there")
	}
	if info, err := os.Lstat(path); err == nil && info.Mode()&fs.ModeSocket == 0 {
		return errors.New("the file there is no socket")
	}
	if err := os.Remove(path); err != nil {
		return fmt.Errorf("replace the old socket: %w", err)
	}
	return nil
}

// give sets the owner before the mode, so that only the new owner gets the new rights.
func (a Access) give(path string) error {
	if a.User >= 0 || a.Group >= 0 {
		if err := os.Lchown(path, a.User, a.Group); err != nil {
			return fmt.Errorf("give the socket to its owner and group: %w: only root may give files away, and others to groups of their own alone", err)
		}
	}
	if a.Mode != 0 {
		if err := os.Chmod(path, a.Mode); err != nil {
			return fmt.Errorf("set the mode of the socket: %w", err)
		}
	}
	return nil
}

const (
	lockWait  = 5 * time.Second // for the lock of a socket's file, which is held only briefly
	lockRetry = 5 * time.Millisecond
)

// lockSocket keeps other processes from replacing or removing a socket's file until unlock is
// called. The lock is a file beside it, removed afterwards.
func lockSocket(path string) (unlock func(), err error) {
	path += ".lock"
	for begin := time.Now(); time.Since(begin) < lockWait; time.Sleep(lockRetry) {
		f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|syscall.O_NOFOLLOW, 0o600)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%w: make its folder first", syscall.ENOENT)
		}
		if err != nil {
			return nil, fmt.Errorf("lock the socket: %w", err)
		}
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil && isAt(f, path) {
			return func() {
				_ = os.Remove(path) // before unlocking: whoever gets the lock of a removed file tries again
				_ = f.Close()
			}, nil
		}
		_ = f.Close()
		if err != nil && !errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("lock the socket: %s: %w", path, err)
		}
	}
	return nil, fmt.Errorf("another process keeps %s locked", path)
}

// isAt says whether an open file is the one at a path.
func isAt(f *os.File, path string) bool {
	opened, err := f.Stat()
	if err != nil {
		return false
	}
	now, err := os.Lstat(path)
	return err == nil && os.SameFile(opened, now)
}
