package channel

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/metrics/alert"
	"github.com/steelyard-proxy/steelyard/metrics/notify"
)

func TestSlackGetsTextAndBlocks(t *testing.T) {
	s := newSink(t, nil)
	_, err := send(t, NewSlack(s.target()), aMessage())
	require.NoError(t, err)
	const section = "*firing* small: endpoint small &lt;is&gt; down _look at it_ since 2026-03-02 09:00 UTC at gw1\\n" +
		"*resolved* large: endpoint large is down since 2026-03-02 09:00 UTC until 2026-03-02 09:01 UTC, removed at gw1"
	assert.JSONEq(t, `{"text": "firing: endpoint-down of chat\n`+section+`", "blocks": [
		{"type": "header", "text": {"type": "plain_text", "text": "firing: endpoint-down of chat"}},
		{"type": "section", "text": {"type": "mrkdwn", "text": "`+section+`"}}]}`, s.bodies[0])
}

// TestSlacksLimitsAreKept, whatever names and texts hold.
func TestSlacksLimitsAreKept(t *testing.T) {
	for _, text := range []string{"x", "&", "<!channel>", "é", "日本", "😀", "a\nb", "\xff\xfe", "_*~`"} {
		for _, n := range []int{1, 19, 20, 21, 3000} {
			m := aMessage()
			long := strings.Repeat(text, 5000)
			m.Name, m.Upstream, m.Gateway = long, long, long
			m.Firing[0].Summary, m.Firing[0].Remedy, m.Firing[0].Endpoint, m.Resolved[0].Reason = long, long, long, long
			for range n {
				m.Firing = append(m.Firing, m.Firing[0], alert.Alert{Summary: text, StartsAt: began})
			}
			s := slackOf(m)
			for _, c := range []struct {
				text string
				most int
			}{{s.Blocks[0].Text.Text, 150}, {s.Blocks[1].Text.Text, 2900}} {
				assert.LessOrEqual(t, length(c.text), c.most)
				assert.NotEmpty(t, c.text)
				assert.True(t, utf8.ValidString(c.text))
				assert.NotContains(t, c.text, "<")
				assert.NotRegexp(t, `&(amp|lt|gt)?(…|$)`, c.text, "an escape is never cut")
			}
			if n > 18 {
				assert.Regexp(t, `\n… and \d+ more$`, s.Blocks[1].Text.Text[max(0, len(s.Blocks[1].Text.Text)-40):])
			}
			assert.NotContains(t, s.Blocks[0].Text.Text, "\n")
		}
	}
}

func TestNoMoreThanTwentyAlertsAreListed(t *testing.T) {
	m := aMessage()
	m.Resolved, m.Firing = nil, nil
	for i := range 30 {
		m.Firing = append(m.Firing, alert.Alert{Summary: fmt.Sprint(i), StartsAt: began})
	}
	text := slackOf(m).Blocks[1].Text.Text
	assert.Equal(t, 20, strings.Count(text, "*firing*"))
	assert.True(t, strings.HasSuffix(text, "\n… and 10 more"), text)
	m.Firing = m.Firing[:20]
	assert.NotContains(t, slackOf(m).Blocks[1].Text.Text, "more")
}

// TestAFormThatIsRefusedIsToldAsText, once.
func TestAFormThatIsRefusedIsToldAsText(t *testing.T) {
	s := newSink(t, func(n int, w http.ResponseWriter) {
		if n == 0 {
			http.Error(w, "invalid_blocks", http.StatusBadRequest)
		}
	})
	attempts, err := send(t, NewSlack(s.target()), aMessage())
	require.NoError(t, err)
	assert.Equal(t, 2, attempts)
	var second map[string]any
	require.NoError(t, json.Unmarshal([]byte(s.bodies[1]), &second))
	assert.NotContains(t, second, "blocks")
	assert.Contains(t, second["text"], "firing: endpoint-down of chat")

	s = newSink(t, func(_ int, w http.ResponseWriter) { w.WriteHeader(http.StatusBadRequest) })
	attempts, err = send(t, NewSlack(s.target()), aMessage())
	assert.EqualError(t, err, "answered 400")
	assert.Equal(t, 2, attempts)
}

// TestSlackGetsOneMessageASecond. The address is refused before anything is connected to.
func TestSlackGetsOneMessageASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewSlack(notify.Target{URL: notify.NewSecret("::no url"), Timeout: time.Minute})
		before := time.Now()
		for range 5 {
			require.Error(t, s.post(t.Context(), "id", &slackMessage{}, always, func(error) {}))
		}
		assert.Equal(t, 4*slackEvery, time.Since(before))
	})
}
