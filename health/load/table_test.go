package load

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestPageHasTheTable: ENGINES.md names each engine, and all that is looked for.
func TestPageHasTheTable(t *testing.T) {
	page, err := os.ReadFile("ENGINES.md")
	require.NoError(t, err)
	rows := map[string]string{}
	for row := range strings.Lines(string(page)) {
		if rest, ok := strings.CutPrefix(row, "| `"); ok {
			name, _, _ := strings.Cut(rest, "`")
			rows[name] = rest
		}
	}
	assert.Contains(t, rows["engine"], "asks for")
	delete(rows, "engine")
	for _, e := range engines {
		row, found := rows[e.name]
		require.True(t, found, e.name)
		assert.Contains(t, row, e.path)
		assert.Contains(t, row, e.port)
		for _, s := range e.series {
			assert.Contains(t, row, "`"+s.name+"`", e.name)
		}
		delete(rows, e.name)
	}
	assert.Empty(t, rows, "no such engines")
	for name := range orcaNames {
		assert.True(t, strings.Contains(string(page), name) || strings.HasPrefix(name, "gpu_") || strings.HasPrefix(name, "kv_cache_size"), name)
	}
}
