// Keeping idle cores awake, where no way is known.

//go:build !linux

package alarm

import "errors"

// KeepAwake is known for Linux only.
func KeepAwake() (release func(), err error) {
	return nil, errors.New("keep idle cores awake: not known for this system")
}
