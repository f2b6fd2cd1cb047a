//go:build !race

package proxy_test

import (
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/require"
)

// A warm exchange allocates nothing, on no goroutine. The race detector
// allocates for itself, hence the build tag.
func TestWarmExchangeAllocatesNothing(t *testing.T) {
	exchange := warm(t)
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // a collection would empty the pools
	require.Zero(t, testing.AllocsPerRun(2000, exchange))
}
