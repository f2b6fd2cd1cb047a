// How memory goes back to Linux.

package wire

import "golang.org/x/sys/unix"

const adviceFree = unix.MADV_DONTNEED
