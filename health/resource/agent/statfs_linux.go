// The size of a file system, on Linux.

package agent

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// errNotSupported is what a kernel says that was started without pressure.
const errNotSupported = syscall.EOPNOTSUPP

func sizeOf(at string) (s size, err error) {
	var f unix.Statfs_t
	if err := unix.Statfs(at, &f); err != nil {
		return s, err
	}
	unit := float64(f.Frsize)
	if unit == 0 {
		unit = float64(f.Bsize)
	}
	return size{all: float64(f.Blocks) * unit, free: float64(f.Bfree) * unit, available: float64(f.Bavail) * unit}, nil
}
