// The server's process group, where a killed parent's child cannot be stopped.

//go:build !linux

package register

import "syscall"

func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
