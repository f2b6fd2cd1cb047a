// The processes of a contender outside of Linux.

//go:build !linux

package peers

// Session is the first process alone outside of Linux.
func (p *Process) Session() ([]int, error) { return []int{p.PID()}, nil }
