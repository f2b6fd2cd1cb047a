// For systems without a timer of the kernel's.

//go:build !linux

package alarm

// newKernelTimer has none to offer.
func newKernelTimer() (timer, error) { return nil, nil }
