package peers

import "syscall"

// ownSession is for a program that Stop reaches with everything it starts, and that ends when this program does. (The
// signal comes when the thread that started it ends; those of the runtime do not.)
func ownSession() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGTERM}
}
