// What is known of one alert.

package alert

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"time"
)

// State is how far an alert is.
type State uint8

// The states.
const (
	Inactive State = iota
	Pending        // its condition holds, but not for long enough yet
	Firing
	NoData // there is nothing to judge by, and it does not fire
)

var stateNames = [...]string{"inactive", "pending", "firing", "no_data"}

func (s State) String() string { return stateNames[s] }

// MarshalText is the name.
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads a name. What is no name is Inactive: nothing that is kept has such.
func (s *State) UnmarshalText(text []byte) error {
	*s = State(max(slices.Index(stateNames[:], string(text)), 0))
	return nil
}

// The severities of alerts.
const (
	Page   = "page"   // somebody must look now
	Ticket = "ticket" // somebody must look in the next days
	Info   = "info"   // nobody need look
)

// Severities are all, the gravest first.
var Severities = []string{Page, Ticket, Info}

// The reasons for which an alert is over, besides its condition.
const (
	Removed     = "removed"      // what it was about is no longer there
	RuleRemoved = "rule removed" // the configuration has it no more
	DrainedNow  = "drained"      // an operator drains the endpoint
)

// Alert is a rule and what it is about, as it stands.
type Alert struct {
	Name     string // of the rule
	Severity string
	Upstream string            // "": the gateway as a whole
	Endpoint string            // "": the upstream as a whole
	Labels   map[string]string // more that it is told apart by; nobody changes it
	State    State
	Since    time.Time // it is in this state
	StartsAt time.Time // it fires; zero: it never did
	EndsAt   time.Time // it was over; zero: it is not
	Value    float64   // as last seen
	Summary  string    // in one line
	Remedy   string    // what to do about it
	Note     string    // on how it was judged: without data, or with less than its window
	Reason   string    // for which it was over; "": its condition no longer held
	Flapping bool      // it changes too often: it counts as firing until it is calm
}

// Fingerprint is the same for the same rule and subject, in every run and on every machine.
func (a *Alert) Fingerprint() string {
	h := sha256.New()
	write := func(name, value string) { _, _ = h.Write([]byte(name + "\xff" + value + "\xff")) }
	write("name", a.Name)
	write("upstream", a.Upstream)
	write("endpoint", a.Endpoint)
	for _, name := range slices.Sorted(maps.Keys(a.Labels)) {
		write("label "+name, a.Labels[name])
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}
