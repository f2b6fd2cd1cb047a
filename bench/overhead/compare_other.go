// The comparison, on systems where it cannot run.

//go:build !linux

package main

import (
	"context"
	"errors"
)

func compare(context.Context, Options, *Report) error {
	return errors.New("compare proxies: needs Linux (epoll, cores that can be pinned, /proc): run it there")
}
