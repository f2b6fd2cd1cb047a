//go:build !linux

package peers

import "syscall"

// ownSession is for a program that Stop reaches with everything it starts.
func ownSession() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }

// PreferSelf does nothing here.
func PreferSelf() (undo func()) { return func() {} }

func preferChild(int) {}
