//go:build !linux

package alarm

// newKernelTimer has none to offer.
func newKernelTimer() (timer, error) { return nil, nil }
