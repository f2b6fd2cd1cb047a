package house

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/configs"
	"github.com/steelyard-proxy/steelyard/metrics/event"
)

// eventPage is where every kind of event stands.
const eventPage = "proxy/admin/API.md"

func TestEventPageHasEveryKind(t *testing.T) {
	_, got, found := strings.Cut(read(t, eventPage), "| kind | severity | message |\n| --- | --- | --- |\n")
	require.True(t, found)
	got, _, _ = strings.Cut(got, "\n\n")
	var want strings.Builder
	for _, k := range event.Kinds() {
		fmt.Fprintf(&want, "| `%s` | %s | %s |\n", k, k.Severity(), k.Says())
	}
	require.Equal(t, strings.TrimSpace(want.String()), strings.TrimSpace(got), "the table of kinds in %s: put these rows there\n%s", eventPage, want.String())
}

// TestConfigurationKnowsEveryKind: a webhook may ask for all but those about webhooks.
func TestConfigurationKnowsEveryKind(t *testing.T) {
	var want []string
	for _, k := range event.Kinds() {
		if !strings.HasPrefix(k.String(), "webhook_") {
			want = append(want, k.String())
		}
	}
	require.ElementsMatch(t, want, configs.EventKinds, "EventKinds in configs/webhook.go")
}
