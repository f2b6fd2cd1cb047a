// The action that asks somebody else.

package recovery

import (
	"context"
	"fmt"
	"time"

	"github.com/steelyard-proxy/steelyard/metrics/notify"
)

// attempts is how often a receiver is asked for one action, within its time-out.
const attempts = 3

// Webhook posts a message to a receiver that does what is needed.
type Webhook struct {
	Target        notify.Target
	Gateway, Boot string // as in notify.Options
}

// Describe does not name the address, which may be secret.
func (w Webhook) Describe(string, Endpoint) string { return "call the webhook of recovery" }

// Take posts the message. A receiver answers when it has taken it: how the endpoint fares is seen by its probes.
func (w Webhook) Take(ctx context.Context, upstream string, e Endpoint) (map[string]any, error) {
	now := time.Now()
	return nil, notify.Post(ctx, w.Target, notify.Message{
		ID:   fmt.Sprintf("%s-recover-%d", w.Boot, now.UnixMicro()),
		Type: "steelyard.recover", At: now.UTC(), Gateway: w.Gateway,
		Data: map[string]any{"upstream": upstream, "endpoint": e.Name, "url": e.URL, "condition": e.Out, "reason": e.Reason},
	}, attempts)
}
