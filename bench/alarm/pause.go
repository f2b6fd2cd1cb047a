// Waiting about so long, for what nothing is measured by.

package alarm

import (
	"context"
	"time"
)

// Pause waits, or returns the reason why not.
func Pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}
