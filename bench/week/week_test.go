package week

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestTheWeekIsToldAsItIs: exactly what the script gives reason for is said, in the time that this takes, and nothing else.
// Without E2E it ends with Tuesday, the first day on which something happens.
func TestTheWeekIsToldAsItIs(t *testing.T) {
	days, want := 2, tuesday
	if whole() {
		days, want = 7, slices.Concat(tuesday, rest)
	}
	var text strings.Builder
	all, err := Run(t.Context(), &text, Options{Seed: 1, Days: days})
	require.NoError(t, err)
	t.Log("\n" + text.String())
	var got []string
	for _, h := range all {
		got = append(got, strings.TrimSpace(fmt.Sprintf("%s %s %s", h.What, h.Name, h.Of)))
	}
	assert.ElementsMatch(t, want, got)
	for _, h := range all {
		at := h.At.Sub(Monday)
		within := false
		for _, e := range reasons {
			within = within || at >= e[0] && at <= e[1]
		}
		assert.True(t, within, "%s %s: nothing in the script gives reason for it", h.At.Format("Mon 15:04"), h.Text)
	}
}

// whole says whether the week is to be seen to its end, which takes a minute of a core.
func whole() bool { return os.Getenv("E2E") != "" }

// tuesday is what the script leads to on the first two days.
var tuesday = []string{
	"cause slow by endpoint medium", "advice capacity medium",
	"advice replicas", // what is left of the fleet is too little for the afternoon
}

// rest is what it leads to later.
var rest = []string{
	"past slow by endpoint medium",

	"alert queue-slow", "alert queue-refuses", "over queue-slow", "over queue-refuses",
	"alert requests-fail-burn-1h", "over requests-fail-burn-1h",
	"cause demand by user user:user-007", "past demand by user user:user-007",

	"alert no-endpoint", "over no-endpoint",
	"alert endpoint-down small", "alert endpoint-down large", "alert endpoint-down medium",
	"over endpoint-down small", "over endpoint-down large", "over endpoint-down medium",
	"alert requests-fail-burn-1h", "alert requests-fail-burn-6h", "alert requests-fail-burn-3d",
	"over requests-fail-burn-1h", "over requests-fail-burn-6h", "over requests-fail-burn-3d",
	"cause outage by upstream", "past outage by upstream", "advice retry_storm", // clients try again
}

// reasons are when something may be said: from the begin of each event to the end of what follows from it.
var reasons = [][2]time.Duration{
	{slowFrom, slowTo + 4*time.Hour}, {abuseFrom, abuseTo + 15*time.Minute}, {outFrom, outTo + 7*time.Hour},
}

// TestAQuietDayIsQuiet: on Monday nothing happens, in other weeks neither.
func TestAQuietDayIsQuiet(t *testing.T) {
	if !whole() {
		t.Skip("TestTheWeekIsToldAsItIs has a Monday too; make e2e has this one")
	}
	all, err := Run(t.Context(), io.Discard, Options{Seed: 2, Days: 1})
	require.NoError(t, err)
	assert.Empty(t, all)
}
