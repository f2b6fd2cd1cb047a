// What is known of one event.

package event

import (
	"encoding/json"
	"time"
)

// Event is one thing that happened. After Publish nobody may change it, its Evidence included.
type Event struct {
	ID       uint64    // grows with each event, also from one run of the program to the next; Publish sets it
	At       time.Time // Publish sets it where it is zero
	Kind     Kind
	Upstream string         // "" if the event is not about one
	Endpoint string         // its name; "" if the event is not about one
	Cause    string         // why, in a few words
	Action   string         // what was done about it; "" if nothing
	Evidence map[string]any // the figures it was seen by; strings, numbers and truth values
}

// shown is an event as JSON.
type shown struct {
	ID       uint64         `json:"id"`
	At       time.Time      `json:"at"`
	Kind     Kind           `json:"kind"`
	Severity string         `json:"severity"`
	Message  string         `json:"message"`
	Upstream string         `json:"upstream,omitempty"`
	Endpoint string         `json:"endpoint,omitempty"`
	Cause    string         `json:"cause,omitempty"`
	Action   string         `json:"action,omitempty"`
	Evidence map[string]any `json:"evidence,omitempty"`
}

// MarshalJSON is the event as the API and webhooks show it. Evidence that is no JSON (an
// infinite number) is left out with a note: the event must not be lost for it.
func (e Event) MarshalJSON() ([]byte, error) {
	s := shown{e.ID, e.At.UTC(), e.Kind, e.Kind.Severity().String(), e.Kind.Says(), e.Upstream, e.Endpoint, e.Cause, e.Action, e.Evidence}
	text, err := json.Marshal(s)
	if err != nil {
		s.Evidence = map[string]any{"left_out": err.Error()}
		text, err = json.Marshal(s)
	}
	return text, err
}
