// The size of a file system elsewhere than on Linux, where New refuses.

//go:build !linux

package agent

import "errors"

var errNotSupported = errors.ErrUnsupported

func sizeOf(string) (size, error) { return size{}, errNotSupported }
