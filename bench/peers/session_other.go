// Starting programs on other systems.

//go:build !linux

package peers

import (
	"syscall"
	"time"
)

// ShortSlice is known to Linux only.
const ShortSlice = time.Duration(0)

// ownSession is for a program that Stop reaches with everything it starts.
func ownSession() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }

// PreferSelf does nothing here.
func PreferSelf(time.Duration) (undo func()) { return func() {} }

func preferChild(int) {}
