package alert

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestFlapping: the seventh change within half an hour is told as flapping, then nothing until it has been calm
// for ten minutes, and then how it ended.
func TestFlapping(t *testing.T) {
	for _, endsFiring := range []bool{false, true} {
		t.Run(fmt.Sprint(endsFiring), func(t *testing.T) {
			r := queueLong()
			r.For = 0
			b := newBench(t, nil, r)
			change := func(firing bool) {
				b.series[queue] = 0
				if firing {
					b.series[queue] = 60
				}
				b.run(time.Minute)
			}
			for range 3 {
				change(true)
				change(false)
			}
			assert.Equal(t, strings.TrimSuffix(strings.Repeat("firing queue-long, inactive queue-long, ", 3), ", "), b.said())
			change(true)
			assert.Equal(t, "firing queue-long flaps", b.said())
			for range 10 {
				change(false)
				assert.Equal(t, Firing, b.Alerts()[0].State, "while it flaps it counts as firing")
				change(true)
			}
			if !endsFiring {
				change(false)
			}
			b.run(calmAfter - 70*time.Second)
			assert.Empty(t, b.said())
			require.True(t, b.Alerts()[0].Flapping)
			b.run(2 * time.Minute)
			if endsFiring {
				assert.Empty(t, b.said(), "that it fires was told")
				assert.Equal(t, Firing, b.Alerts()[0].State)
			} else {
				assert.Equal(t, "inactive queue-long", b.said())
			}
			require.False(t, b.Alerts()[0].Flapping)
			change(endsFiring == false)
			assert.NotEmpty(t, b.said(), "it is told as usual again")
		})
	}
}

func TestSevenChangesInMoreThanHalfAnHourAreNoFlapping(t *testing.T) {
	r := queueLong()
	r.For = 0
	b := newBench(t, nil, r)
	for i := range 40 {
		b.series[queue] = float64(60 * (i % 2))
		b.run(5*time.Minute + 10*time.Second)
	}
	assert.NotContains(t, b.said(), "flaps")
}
