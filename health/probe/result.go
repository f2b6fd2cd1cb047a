// How a probe ended, and what that says of the endpoint.

package probe

// Result is how one probe ended.
type Result uint8

const (
	// Passed is a healthy status, or a connection that was made.
	Passed Result = iota
	// PassedBusy is a busy status.
	PassedBusy
	// FailedStatus is any other status.
	FailedStatus
	// FailedTimeout is no answer in time, in any phase.
	FailedTimeout
	// FailedConnect is a name that does not resolve or a connection that was refused.
	FailedConnect
	// FailedTLS is a handshake that failed.
	FailedTLS
	// FailedProtocol is a connection that was closed without an answer, or an answer that is not HTTP.
	FailedProtocol

	// Unasked is a probe for which this process had no descriptor, port or memory.
	Unasked

	resultCount // how many there are; keep last
)

var resultNames = [resultCount]string{"passed", "busy", "status", "timeout", "connect", "tls", "protocol", "unasked"}

// String returns the result in one lower-case word.
func (r Result) String() string { return resultNames[r] }

// State returns what the result alone says of the endpoint: Up, Busy or Down.
func (r Result) State() State {
	switch r {
	case Passed:
		return Up
	case PassedBusy:
		return Busy
	}
	return Down
}

// verdict is a result and its reason for people.
type verdict struct {
	result Result
	reason string
}
