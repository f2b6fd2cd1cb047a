package house

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/configs"
	"github.com/steelyard-proxy/steelyard/metrics/alert"
)

// TestConfigurationKnowsTheBuiltInRules, which actions may name, and what each is on.
func TestConfigurationKnowsTheBuiltInRules(t *testing.T) {
	want := map[string]string{}
	for _, r := range alert.DefaultRules([]alert.Wait{{Upstream: "chat", Most: time.Second}}) {
		want[r.Name] = r.On.String()
	}
	for _, s := range alert.DefaultSLOs() {
		for _, r := range s.Rules() {
			want[r.Name] = r.On.String()
		}
	}
	require.Equal(t, want, configs.DefaultAlerts)
}

// TestConfigurationKnowsTheLeastObjective as the rules that burn do.
func TestConfigurationKnowsTheLeastObjective(t *testing.T) {
	for days := 3; days < 400; days++ {
		period := time.Duration(days) * 24 * time.Hour
		want, _ := alert.LeastObjective(period)
		got, _, _ := configs.LeastObjective(period)
		require.Equal(t, want, got, days)
	}
}
