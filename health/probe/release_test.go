package probe

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
)

// Who waits for an endpoint is released once it has been down for a while, not before, and
// again for as long as that lasts.
func TestReleaseAfterATimeDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecorder()
		ill := func() bool { at := time.Since(r.start); return at > 0 && at < 30*time.Second }
		var released []time.Duration
		o := r.options("a")
		o.ReleaseAfter, o.Release = 10*time.Second, func() { released = append(released, time.Since(r.start)) }
		p := scripted(r, "a", nil)
		p.reconfigure(o, func(context.Context) *verdict {
			if ill() {
				return &verdict{FailedTimeout, ""}
			}
			return &verdict{Passed, ""}
		})
		ctx, stop := context.WithTimeout(t.Context(), time.Minute)
		defer stop()
		p.First(ctx)
		assert.NoError(t, p.Run(ctx))
		assert.GreaterOrEqual(t, len(released), 5)
		for _, at := range released {
			assert.Greater(t, at, 13*time.Second, "three failures, and 10 s")
			assert.LessOrEqual(t, at, 34*time.Second, "up again by two successes")
		}
	})
}
