//go:build !race

package proxy_test

import (
	"runtime/debug"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A warm exchange allocates nothing, on no goroutine. The race detector
// allocates for itself, hence the build tag.
func TestWarmExchangeAllocatesNothing(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // a collection would empty the pools
	for what, exchange := range map[string]func(){
		"plain":  warm(t),
		"prompt": warmed(t, "least_cost", chatOf(4<<10)),
		"long":   warmed(t, "least_cost", chatOf(12<<10)),
		"usage":  watched(t, chatOf(4<<10)),
		"named":  watched(t, strings.Replace(chatOf(12<<10), "\r\n", "\r\nX-Forwarded-For: 198.51.100.7, 127.0.0.9\r\nX-Stainless-Retry-Count: 1\r\n", 1)),
	} {
		require.Zero(t, testing.AllocsPerRun(2000, exchange), what)
	}
}
