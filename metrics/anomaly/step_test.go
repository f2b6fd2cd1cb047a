package anomaly

import (
	"fmt"
	"testing"
	"time"

	"github.com/steelyard-proxy/steelyard/metrics/usage"
)

// BenchmarkStep is a look at a fleet of a thousand, each with twenty requests in ten seconds.
func BenchmarkStep(b *testing.B) {
	const fleet, each = 1000, 20
	d, now := New(Options{}), monday
	var names [fleet]string
	for e := range names {
		names[e] = fmt.Sprintf("gpu%d", e)
	}
	fill := func() {
		now = now.Add(lookEvery)
		for e := range fleet {
			for i := range each {
				d.Add(&usage.Row{
					At: now, Upstream: "chat", Endpoint: names[e], Status: 200, Phase: "stream", Capacity: 4, Slots: 8, Work: 1,
					Service: time.Second + time.Duration((e*7919+i*104729+d.look*15485863)%1000)*time.Millisecond,
				})
			}
		}
	}
	for range 45 * looksPerMinute { // until all judges look, that of the fleet too
		fill()
		d.Step(now)
	}
	for b.Loop() {
		b.StopTimer()
		fill()
		b.StartTimer()
		d.Step(now)
	}
}
