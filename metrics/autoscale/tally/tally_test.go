package tally

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/metrics/autoscale"
)

func TestRead(t *testing.T) {
	for text, want := range map[string]autoscale.Count{
		"3\n":                        {Wanted: 3, Running: 3},
		" 0":                         {},
		`{"running": 3}`:             {Wanted: 3, Running: 3},
		`{"count": 2, "wanted": 4}`:  {Wanted: 4, Running: 2},
		`{"running": 0, "other": 1}`: {},
		`{"wanted": 3, "replicas": [{"name": "a", "url": "http://h:1"}, {"name": "b", "state": "starting"}, {"name": "c", "state": "failed", "problem": "no"}]}`: {
			Wanted: 3, Running: 2, Replicas: []autoscale.Replica{
				{Name: "a", URL: "http://h:1", State: autoscale.Running}, {Name: "b", State: autoscale.Starting},
				{Name: "c", State: autoscale.Failed, Problem: "no"},
			},
		},
	} {
		c, err := Read([]byte(text))
		require.NoError(t, err, text)
		require.Equal(t, want, c, text)
	}
}

// TestWhatIsNoCount is an error: it must never be taken for "none".
func TestWhatIsNoCount(t *testing.T) {
	for text, want := range map[string]string{
		"": "neither a number nor JSON", "three": "neither a number nor JSON", "null": "has neither running nor replicas", "{}": "has neither running nor replicas",
		`{"wanted": 3}`: "has neither running nor replicas", "-1": "cannot be", `{"running": -1}`: "cannot be", "2000000": "cannot be", "3.5": "number",
		`{"running": "3"}`: "neither", `{"running": 1e99}`: "neither", "[1]": "neither", `{"replicas": [{"state": "odd"}]}`: `has the state "odd"`,
		strings.Repeat("9", Most+1): "more than",
	} {
		_, err := Read([]byte(text))
		require.ErrorContains(t, err, want, "%.40s", text)
	}
}
