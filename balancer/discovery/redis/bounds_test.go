package redis

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/balancer/discovery"
)

// Whatever somebody else writes where servers register, what is read of it is bounded, and the last list stays.
func TestRecordsAreBounded(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED: gigabytes under the race detector")
	}
	large := strings.Repeat("x", 100<<20)
	million := make(map[string]bool, 1_000_000)
	for i := range 1_000_000 {
		million[fmt.Sprintf("10.%d.%d.%d:8000", i>>16, i>>8&255, i&255)] = true
	}
	synctest.Test(t, func(t *testing.T) {
		f := start(t)
		f.runs("s1", "s2", "s3")
		time.Sleep(3 * time.Second)
		require.Equal(t, "s1 s2 s3", f.state())

		c := f.client()
		defer func() { _ = c.Close() }()
		f.server.Hold(f.group.entry("s4"), large)
		f.server.HoldSet(f.group.entry("s5"), million)
		_, err := c.Do(t.Context(), "SADD", f.group.index(), "s4", "s5")
		require.NoError(t, err)
		f.holds("s1 s2 s3", 6*time.Second)
		f.mu.Lock()
		assert.Contains(t, discovery.Told(f.damper.State(time.Now()).Faults), "s4")
		f.mu.Unlock()

		was := map[string]bool{"s1": true, "s2": true, "s3": true}
		for name, members := range map[string]map[string]bool{"at most 40000 are read": million, "larger than anything": {large: true}} {
			f.server.HoldSet(f.group.index(), members)
			f.holds("s1 s2 s3", 4*time.Second)
			assert.Contains(t, f.trouble(), name)
			f.server.HoldSet(f.group.index(), was)
			time.Sleep(35 * time.Second)
			assert.Empty(t, f.trouble())
		}
		f.server.Hold(f.group.index(), large)
		f.holds("s1 s2 s3", 4*time.Second)
		assert.Contains(t, f.trouble(), "WRONGTYPE")
	})
}

// Names that come and go do not pile up: of those that are missing the first are forgotten, where there are too many.
func TestNamesThatComeAndGo(t *testing.T) {
	var m memory
	now := time.Unix(1_000_000, 0)
	stay := map[string]Record{}
	for i := range 6000 {
		stay[fmt.Sprintf("stays-%d", i)] = Record{URL: "http://10.0.0.1:8000"}
	}
	for round := range 5 {
		records := maps.Clone(stay)
		for i := range 3000 {
			records[fmt.Sprintf("comes-%d-%d", round, i)] = Record{URL: "http://10.0.0.1:8000"}
		}
		now = now.Add(time.Second)
		_, err := m.read(now, records)
		require.NoError(t, err)
		require.LessOrEqual(t, len(m.servers), discovery.Most)
	}
	for i := range 3000 {
		stay[fmt.Sprintf("comes-4-%d", i)] = Record{}
	}
	for name := range stay {
		_, there := m.servers[name]
		require.True(t, there, name)
	}
	for i := range 6000 {
		stay[fmt.Sprintf("more-%d", i)] = Record{URL: "http://10.0.0.1:8000"}
	}
	_, err := m.read(now, stay)
	require.ErrorContains(t, err, "15000 servers are registered")
	require.LessOrEqual(t, len(m.servers), discovery.Most)
}
