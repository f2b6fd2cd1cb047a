package policy

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/balancer"
)

// TestBrokenServerAttractsNoTraffic because it fails fast and so is always idle: of 10,000
// requests in 100 seconds it may have a trial after each pause of the pool.
func TestBrokenServerAttractsNoTraffic(t *testing.T) {
	for name, build := range every() {
		synctest.Test(t, func(t *testing.T) {
			pool := newPool(t, build, unequal(3))
			broken := pool.Snapshot().Endpoints[0].Endpoint
			var held []balancer.Lease
			tried := 0
			for range 10_000 {
				lease, err := pool.Acquire(nil)
				require.NoError(t, err)
				if lease.Endpoint() == broken {
					tried++
					lease.Release(balancer.Outcome{Class: balancer.ConnectFailed})
				} else if held = append(held, lease); len(held) > 10 {
					held[0].Release(balancer.Outcome{Class: balancer.Answered})
					held = held[1:]
				}
				time.Sleep(10 * time.Millisecond)
				synctest.Wait()
			}
			assert.Positive(t, tried, name)
			assert.LessOrEqual(t, tried, 30, name)
			for _, lease := range held {
				lease.Release(balancer.Outcome{Class: balancer.Answered})
			}
			time.Sleep(5 * time.Second)
		})
	}
}
