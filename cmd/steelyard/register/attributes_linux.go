// What Linux does with the child of a process that was killed.

package register

import "syscall"

// attributes have the server stopped where we are killed: it would run on with nobody to register it.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}
