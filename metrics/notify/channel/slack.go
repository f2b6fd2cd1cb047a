// Slack, and those that take its messages: Mattermost, Discord's /slack.

package channel

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/steelyard-proxy/steelyard/metrics/alert"
	"github.com/steelyard-proxy/steelyard/metrics/notify"
	"github.com/steelyard-proxy/steelyard/metrics/notify/dispatch"
)

// Slack's limits are 150 characters for a header and 3,000 for a section. What is longer is refused as a whole.
const (
	mostHeader  = 150
	mostSection = 2900
	mostListed  = 20 // alerts of a message
	slackEvery  = time.Second
)

// Slack posts messages to one incoming webhook.
type Slack struct {
	poster *notify.Poster
	last   time.Time // when something was posted
}

// NewSlack makes one.
func NewSlack(t notify.Target) *Slack { return &Slack{poster: notify.NewPoster(t)} }

type slackMessage struct {
	Text   string       `json:"text"`
	Blocks []slackBlock `json:"blocks,omitempty"`
}

type slackBlock struct {
	Type string    `json:"type"`
	Text slackText `json:"text"`
}

type slackText struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

// Send implements dispatch.Channel. A message whose form is refused is told once more as plain text.
func (s *Slack) Send(ctx context.Context, m *dispatch.Message, wanted func() bool, attempted func(error)) error {
	message := slackOf(m)
	err := s.post(ctx, m.ID, message, wanted, attempted)
	if refused, is := errors.AsType[*notify.Refused](err); is && refused.Status == http.StatusBadRequest {
		message.Blocks = nil
		err = s.post(ctx, m.ID, message, wanted, attempted)
	}
	return err
}

func (s *Slack) post(ctx context.Context, id string, message *slackMessage, wanted func() bool, attempted func(error)) error {
	body, err := json.Marshal(message)
	if err != nil {
		return &dispatch.Final{Err: fmt.Errorf("write message: %w", err)}
	}
	if wait := time.Until(s.last.Add(slackEvery)); wait > 0 { // Slack takes one a second
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	defer func() { s.last = time.Now() }()
	return post(ctx, s.poster, id, body, wanted, attempted)
}

// Close implements dispatch.Channel.
func (s *Slack) Close() { s.poster.Close() }

// slackOf is a message as Slack takes it: a header, and a line for each alert. The text is for phones that show a
// line of it, and for who cannot take blocks.
func slackOf(m *dispatch.Message) *slackMessage {
	header := fit(headline(m), mostHeader)
	section := lines(m)
	return &slackMessage{
		Text: header + "\n" + section,
		Blocks: []slackBlock{
			{"header", slackText{"plain_text", header}},
			{"section", slackText{"mrkdwn", section}},
		},
	}
}

// headline is what the message is about, in a line.
func headline(m *dispatch.Message) string {
	what := "resolved: "
	if n := len(m.Firing); n == 1 {
		what = "firing: "
	} else if n > 1 {
		what = "firing (" + strconv.Itoa(n) + "): "
	}
	what += m.Name
	if m.Upstream != "" {
		what += " of " + m.Upstream
	}
	if m.Repeats > 0 {
		what += ", still"
	}
	return what
}

// lines are those of the alerts that fit, and how many do not.
func lines(m *dispatch.Message) string {
	text, left := "", len(m.Firing)+len(m.Resolved)
	for i := 0; left > 0; i, left = i+1, left-1 {
		mark, a := "firing", (*alert.Alert)(nil)
		if i < len(m.Firing) {
			a = &m.Firing[i]
		} else {
			mark, a = "resolved", &m.Resolved[i-len(m.Firing)]
		}
		rest := fmt.Sprintf("… and %d more", left)
		if i == mostListed {
			return text + rest
		}
		next := line(mark, a, m.Gateway)
		if length(text)+length(next)+1+length(rest) > mostSection {
			return text + rest
		}
		text += next + "\n"
	}
	return strings.TrimSuffix(text, "\n")
}

// line is one alert, already escaped, and short enough that at least two have room.
func line(mark string, a *alert.Alert, gateway string) string {
	text := "*" + mark + "*"
	if a.Flapping {
		text = "*comes and goes*"
	}
	if a.Endpoint != "" {
		text += " " + fit(a.Endpoint, 200)
	}
	text += ": " + fit(a.Summary, 500)
	if a.Remedy != "" && mark == "firing" {
		text += " _" + fit(a.Remedy, 300) + "_"
	}
	text += " since " + a.StartsAt.UTC().Format("2006-01-02 15:04 MST")
	if mark == "resolved" {
		text += " until " + a.EndsAt.UTC().Format("2006-01-02 15:04 MST")
		if a.Reason != "" {
			text += ", " + fit(a.Reason, 100)
		}
	}
	return text + " at " + fit(gateway, 100)
}

var slackEscapes = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// fit escapes a text, and cuts it so that it has at most so many characters after that.
func fit(text string, most int) string {
	text = cut(text, 4*most)
	if escaped := slackEscapes.Replace(text); length(escaped) <= most {
		return escaped
	}
	kept := ""
	for _, r := range text {
		next := kept + slackEscapes.Replace(string(r))
		if length(next) > most-1 {
			break
		}
		kept = next
	}
	return kept + "…"
}

// length is the number of characters as Slack counts them.
func length(text string) (n int) {
	for _, r := range text {
		n += max(1, utf16.RuneLen(r))
	}
	return n
}
