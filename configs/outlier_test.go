package configs

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The longest ejection is never shorter than the first, where only that is given.
func TestOutlier(t *testing.T) {
	cfg, err := Parse("c.yaml", []byte(`
upstreams:
  - endpoints: [{url: "http://127.0.0.1:9001"}]
    outlier: {enforce: false, shadow: [ratio], consecutive: 0, eject_time: 10m}
`), nil)
	require.NoError(t, err)
	want := outlierDefaults()
	want.Enforce, want.Shadow, want.Consecutive = false, []string{"ratio"}, 0
	want.EjectTime, want.MaxEjectTime = 10*time.Minute, 10*time.Minute
	require.Equal(t, want, cfg.Upstreams[0].Outlier)
}
