package alert

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// recorded is a page every minute, of a queue of these lengths.
func recorded(lengths ...int) string {
	var b strings.Builder
	for i, n := range lengths {
		fmt.Fprintf(&b, "# at %s\n# HELP steelyard_queue_requests x\n# TYPE steelyard_queue_requests gauge\nsteelyard_queue_requests{upstream=\"chat\"} %d\n",
			epoch.Add(time.Duration(i)*time.Minute).Format(time.RFC3339), n)
	}
	return b.String()
}

func TestARuleIsTriedOnARecording(t *testing.T) {
	list, err := ReadRecording(strings.NewReader(recorded(0, 60, 60, 60, 30, 10)))
	require.NoError(t, err)
	require.Len(t, list, 6)
	var said []string
	last := Replay(Plan{Rules: []Rule{queueLong()}}, list, func(at time.Time, a Alert) {
		said = append(said, at.Format("15:04 ")+a.State.String())
	})
	assert.Equal(t, []string{"09:00 inactive", "09:01 pending", "09:02 firing", "09:05 inactive"}, said)
	require.Len(t, last, 1)
	assert.Equal(t, 10.0, last[0].Value)
}

func TestBadRecordings(t *testing.T) {
	for text, want := range map[string]string{
		"":                              "it has no page",
		"steelyard_x 1\n":               `line 1: a page must begin with a line such as "# at `,
		"# at noon\n":                   `line 1: "noon" is no time`,
		"# at -5\n":                     `"-5" is no time`,
		"# at 100\nx 1\n# at 90\nx 1\n": "line 3: pages must follow one another in time",
		"# at 100\nx{ 1\n":              "the page of line 1: text format parsing error in line 1",
		"# at 100\n" + strings.Repeat("x", 2<<20): "line 2: bufio.Scanner: token too long",
	} {
		_, err := ReadRecording(strings.NewReader(text))
		require.ErrorContains(t, err, want)
	}
}
