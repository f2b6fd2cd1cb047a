// What a receiver gets.

package notify

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/steelyard-proxy/steelyard/metrics/event"
)

// Message is one message. The form is that of Standard Webhooks: a type, a time and data.
type Message struct {
	ID      string    `json:"-"` // the same for each attempt, so that the receiver knows it again
	Type    string    `json:"type"`
	At      time.Time `json:"timestamp"`
	Gateway string    `json:"gateway"` // who sends it
	Data    any       `json:"data"`
}

// messageOf is the message about an event. boot is different in each run of the program.
func messageOf(e event.Event, gateway, boot string) Message {
	return Message{
		ID: fmt.Sprintf("%s-%d", boot, e.ID), Type: "steelyard." + e.Kind.String(), At: e.At.UTC(), Gateway: gateway, Data: e,
	}
}

func (m *Message) body() ([]byte, error) {
	body, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("write message: %w", err)
	}
	return body, nil
}
