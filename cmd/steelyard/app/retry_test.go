package app

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/metrics/event"
	"github.com/steelyard-proxy/steelyard/proxy/retry"
)

// What is told of retries names who and how much, and nothing of what requests say.
func TestRetriesAreToldOf(t *testing.T) {
	var told []event.Event
	y := newRetries("chat", event.NewLog(func(e event.Event) { told = append(told, e) }))
	y.poisoned(retry.Poison{Body: retry.Body{Hash: 0xab, Size: 12}, Endpoints: [2]string{"a", "b"}}, "id-7")
	y.spent(100, 20, 3)
	require.Len(t, told, 2)
	require.Equal(t, event.Poisoned, told[0].Kind)
	require.Equal(t, map[string]any{
		"request_id": "id-7", "body_bytes": 12, "body_hash": "00000000000000ab", "first_endpoint": "a", "second_endpoint": "b",
	}, told[0].Evidence)
	require.Contains(t, told[0].Action, "1m")
	require.Equal(t, event.RetryBudgetSpent, told[1].Kind)
	require.Equal(t, "chat", told[1].Upstream)
	require.EqualValues(t, 20, told[1].Evidence["retries"])
}
