// How memory goes back to other systems.

//go:build !linux

package wire

import "golang.org/x/sys/unix"

const adviceFree = unix.MADV_FREE
