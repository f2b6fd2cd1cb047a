package again

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestAfter(t *testing.T) {
	for _, c := range []struct {
		before  int
		longest time.Duration
	}{{0, time.Second}, {1, 2 * time.Second}, {5, 32 * time.Second}, {6, time.Minute}, {1 << 40, time.Minute}} {
		for range 100 {
			pause := After(c.before, time.Second, time.Minute)
			assert.GreaterOrEqual(t, pause, time.Second/2)
			assert.Less(t, pause, c.longest)
		}
	}
}
