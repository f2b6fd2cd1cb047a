package channel

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAProgramGetsTheMessage(t *testing.T) {
	file := filepath.Join(t.TempDir(), "got")
	attempts, err := send(t, Command{Args: []string{"sh", "-c", `{ echo "$ALERT_ID $ALERT_STATUS $ALERT_NAME $ALERT_UPSTREAM $ALERT_SEVERITY $1"; cat; } > ` + file, "x", "$HOME; a"}, Timeout: time.Minute}, aMessage())
	require.NoError(t, err)
	assert.Equal(t, 1, attempts)
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	first, rest, _ := strings.Cut(string(text), "\n")
	assert.Equal(t, "alert-1 firing endpoint-down chat ticket $HOME; a", first)
	var body Body
	require.NoError(t, json.Unmarshal([]byte(rest), &body))
	assert.Equal(t, *bodyOf(aMessage()), body)
}

func TestAProgramThatFailsSaysWhy(t *testing.T) {
	attempts, err := send(t, Command{Args: []string{"sh", "-c", "echo no pager >&2; exit 3"}, Timeout: time.Minute}, aMessage())
	assert.EqualError(t, err, "it ended with exit status 3: no pager")
	assert.Equal(t, 1, attempts)
	_, err = send(t, Command{Args: []string{"/no/such/program"}, Timeout: time.Minute}, aMessage())
	assert.ErrorContains(t, err, "no such file or directory")
}

// TestAProgramThatReadsNothing is fine: it need not know what the message says.
func TestAProgramThatReadsNothing(t *testing.T) {
	m := aMessage()
	for range 3000 {
		m.Firing = append(m.Firing, m.Firing[0])
	}
	_, err := send(t, Command{Args: []string{"true"}, Timeout: time.Minute}, m)
	assert.NoError(t, err)
}

func TestAProgramThatHangsIsKilled(t *testing.T) {
	_, err := send(t, Command{Args: []string{"sh", "-c", "trap '' TERM; sleep 1000 & wait; wait"}, Timeout: 100 * time.Millisecond}, aMessage())
	assert.EqualError(t, err, "it took too long and was killed")
}
