// Posting a message with a few attempts: the rest is up to the outbox.

package channel

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/steelyard-proxy/steelyard/metrics/notify"
	"github.com/steelyard-proxy/steelyard/metrics/notify/dispatch"
)

const (
	attempts = 4                // at once: one, and three more
	patience = 15 * time.Second // a receiver that asks for a longer pause is left alone for that long
)

// post sends a body, and returns an error as dispatch wants it.
func post(ctx context.Context, p *notify.Poster, id string, body []byte, wanted func() bool, attempted func(error)) error {
	return verdict(p.Post(ctx, notify.Sending{ID: id, Body: body, Attempts: attempts, Patience: patience, Wanted: wanted, Attempted: attempted}))
}

func verdict(err error) error {
	if refused, is := errors.AsType[*notify.Refused](err); is {
		return &dispatch.Final{Err: err, Gone: refused.Status == http.StatusGone}
	}
	if later, is := errors.AsType[*notify.Later](err); is && later.After > 0 {
		return &dispatch.Later{Err: err, After: later.After}
	}
	return err
}
