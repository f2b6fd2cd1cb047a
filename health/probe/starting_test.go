package probe

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

// TestNoWarningOfAServerThatStarts: each server that scale starts fails its first probe, and nobody has to act.
func TestNoWarningOfAServerThatStarts(t *testing.T) {
	for starting, level := range map[bool]any{true: zap.InfoLevel, false: zap.WarnLevel} {
		synctest.Test(t, func(t *testing.T) {
			r := newRecorder()
			refuses := func(context.Context) *verdict { return &verdict{FailedConnect, "connect: connection refused"} }
			p := scripted(r, "gpu", refuses)
			core, logs := observer.New(zap.InfoLevel)
			o := r.options("gpu")
			o.Log, o.Starting = zap.New(core), func() bool { return starting }
			p.reconfigure(o, refuses)
			p.First(t.Context())
			require.Equal(t, 1, logs.Len())
			assert.Equal(t, level, logs.All()[0].Level)
		})
	}
}
