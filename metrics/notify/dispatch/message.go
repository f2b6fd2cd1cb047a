// What one message says.

package dispatch

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/steelyard-proxy/steelyard/metrics/alert"
)

// Message is what a receiver is told of one group.
type Message struct {
	// ID is a hash of what the message says, and of how often it was said before. Two gateways that see the same
	// have the same, and so has a message that is sent once more after a crash.
	ID       string
	Receiver string
	Gateway  string
	Name     string // of all its alerts
	Upstream string // of all its alerts; "" if they are about none
	Severity string // of the gravest
	Firing   []alert.Alert
	Resolved []alert.Alert // since the last message; one that was in none before has fired in the meantime
	Repeats  int           // how often the same was told before

	kept bool // on disk, or about to be
	page bool // what waits longest goes first, but pages before all
}

// Firing or resolved, as Status says it.
const (
	StatusFiring   = "firing"
	StatusResolved = "resolved"
)

// Status is firing if any of its alerts is.
func (m *Message) Status() string {
	if len(m.Firing) > 0 {
		return StatusFiring
	}
	return StatusResolved
}

// seal sorts the message and gives it its ID.
func (m *Message) seal() {
	byPlace := func(a, b alert.Alert) int {
		return cmp.Or(cmp.Compare(a.Endpoint, b.Endpoint), cmp.Compare(a.Fingerprint(), b.Fingerprint()))
	}
	slices.SortFunc(m.Firing, byPlace)
	slices.SortFunc(m.Resolved, byPlace)
	hash := sha256.New()
	fmt.Fprintf(hash, "%q %q %d\n", m.Name, m.Upstream, m.Repeats)
	for _, list := range [][]alert.Alert{m.Firing, m.Resolved} {
		for i := range list {
			fmt.Fprintf(hash, "%q %d %t\n", list[i].Fingerprint(), list[i].StartsAt.Unix(), list[i].Flapping)
			if rank(list[i].Severity) >= rank(m.Severity) {
				m.Severity = list[i].Severity
			}
		}
		fmt.Fprintln(hash)
	}
	m.page = m.Severity == alert.Page
	m.ID = "alert-" + hex.EncodeToString(hash.Sum(nil)[:16])
}
