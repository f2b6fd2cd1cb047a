// Processes on other systems: only a group can be found and ended, and what has left it is left.

//go:build unix && !linux

package keeper

import (
	"context"
	"os"
	"syscall"
)

func inheritOrphans() {}

func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

func ownProgram() (string, error) { return os.Executable() }

type process struct{ pid int }

func descendants(int) []process { return nil }

func (process) inGroup(int) bool { return false }

func (process) signal(syscall.Signal) {}

func gatewayMark(name string) string { return name }
func keeperMark(name string) string  { return name }

// EndLeft finds nothing here.
func EndLeft(context.Context, string) int { return 0 }
