package app

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
)

// The first thing that fails is told; those that fail after it hold nobody up.
func TestGroup(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	g := newGroup(ctx)
	broken := errors.New("broken")
	g.start("lift the anchor", func(context.Context) error { return broken })
	err := <-g.failed
	assert.ErrorIs(t, err, broken)
	assert.EqualError(t, err, "lift the anchor: broken")
	for range 3 {
		g.start("sail", func(context.Context) error { return broken })
	}
	ended := false
	g.start("row", func(ctx context.Context) error {
		<-ctx.Done()
		ended = true
		return nil
	})
	inner, drop := context.WithCancel(ctx)
	over := make(chan struct{})
	g.startWith(inner, "steer", func(ctx context.Context) error {
		<-ctx.Done()
		close(over)
		return nil
	})
	drop()
	<-over
	stop()
	g.wait()
	assert.True(t, ended)
}
