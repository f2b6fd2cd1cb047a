package dispatch

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func silence(t *testing.T, w *world, length time.Duration, matchers ...Matcher) Silence {
	t.Helper()
	s, err := w.d.Silence(Silence{Matchers: matchers, Author: "ann", Comment: "new driver", EndsAt: w.now.Add(length)})
	require.NoError(t, err)
	return s
}

func TestASilencedAlertIsToldWhenTheSilenceIsOver(t *testing.T) {
	w := newWorld(t)
	s := silence(t, w, time.Hour, Matcher{Name: "endpoint", Value: "a|b", Regex: true}, Matcher{Name: "upstream", Value: "chat"})
	w.fire("endpoint-down ticket chat a")
	w.fire("endpoint-down ticket chat ab")
	w.fire("endpoint-down ticket other a")
	w.pass(30 * time.Minute)
	by, _ := w.d.Muted(&w.alerts[0])
	assert.Equal(t, s.ID, by)
	assert.Equal(t, []Silence{s}, withoutPatterns(w.d.Silences()))
	w.pass(time.Hour)
	requireSaid(t, w.hook, "30s endpoint-down/chat +ab", "30s endpoint-down/other +a", "1h0m30s endpoint-down/chat +a +ab")
	assert.Empty(t, w.d.Silences())
	assert.Equal(t, []string{"silenced", "unsilenced"}, w.kinds())
}

func withoutPatterns(list []Silence) []Silence {
	for i := range list {
		for j := range list[i].Matchers {
			list[i].Matchers[j].pattern = nil
		}
	}
	return list
}

// TestASilenceEatsNothing: the end of what was told before is told, and the next time it is told again.
func TestASilenceEatsNothing(t *testing.T) {
	w := newWorld(t)
	w.fire("endpoint-down ticket chat a")
	w.pass(time.Minute)
	s := silence(t, w, time.Hour, Matcher{Name: "name", Value: "endpoint-down"})
	w.pass(10 * time.Minute)
	w.end("")
	w.pass(10 * time.Minute)
	w.fire("endpoint-down ticket chat a") // comes and goes while it is silenced
	w.pass(time.Minute)
	w.end("")
	w.pass(10 * time.Minute)
	w.fire("endpoint-down ticket chat a")
	w.pass(time.Minute)
	assert.True(t, w.d.Unsilence(s.ID))
	assert.False(t, w.d.Unsilence(s.ID))
	w.pass(10 * time.Minute)
	requireSaid(t, w.hook, "30s endpoint-down/chat +a", "11m30s endpoint-down/chat -a", "33m30s endpoint-down/chat +a")
}

func TestABadSilenceIsRefusedWithEveryMistake(t *testing.T) {
	w := newWorld(t)
	long := strings.Repeat("x", 600)
	for _, c := range []struct {
		silence Silence
		want    []string
	}{
		{Silence{}, []string{"matchers: are missing: give {", `for: is missing: a silence must end: give for, such as "2h", or ends_at`}},
		{Silence{Matchers: []Matcher{{}, {Name: "name", Value: "(", Regex: true}, {Name: "name", Value: long}}, Author: "a\nb", Comment: long, EndsAt: start.Add(-time.Hour)}, []string{
			"matchers[0].name: is missing", "matchers[1].value: is no regular expression: missing closing ): `^(?s:()$`: write it as RE2", "matchers[2].value: has 600 bytes: shorten it to at most 512",
			"author: must be one line", "comment: has 600 bytes", "ends_at: 2026-03-02T08:00:00Z has passed",
		}},
		{Silence{Matchers: []Matcher{{Name: "name", Value: ".*", Regex: true}, {Name: "endpoint"}}, EndsAt: start.Add(400 * 24 * time.Hour)}, []string{
			"matchers: match an alert without any label", "ends_at: is more than a year away",
		}},
		{Silence{Matchers: make([]Matcher, 21), EndsAt: start.Add(time.Hour)}, []string{"matchers: are 21, must be at most 20"}},
	} {
		_, err := w.d.Silence(c.silence)
		require.Error(t, err)
		lines := strings.Split(err.Error(), "\n")
		require.Len(t, lines, len(c.want), "%s", err)
		for i, want := range c.want {
			assert.Contains(t, lines[i], want)
		}
	}
	assert.Empty(t, w.d.Silences())
	for range mostSilences {
		w.d.silences = append(w.d.silences, &Silence{EndsAt: w.now.Add(time.Hour)})
	}
	_, err := w.d.Silence(Silence{Matchers: []Matcher{{Name: "name", Value: "x"}}, EndsAt: start.Add(time.Hour)})
	assert.ErrorContains(t, err, "there are 200 silences already")
}

func TestMatchersMatchLabels(t *testing.T) {
	w := newWorld(t)
	a := w.fire("endpoint-down ticket chat small one")
	a.Labels = map[string]string{"detector": "ratio"}
	for text, want := range map[string]bool{
		"name=endpoint-down": true, "alertname=endpoint-down": true, "name=endpoint": false, "severity=ticket": true,
		"upstream=chat": true, "endpoint=small": true, "detector=ratio": true, "detector=": false, "other=": true,
	} {
		name, value, _ := strings.Cut(text, "=")
		m := Matcher{Name: name, Value: value}
		assert.Equal(t, want, m.matches(a), text)
	}
	for text, want := range map[string]bool{"endpoint.*": true, "endpoint": false, "(?i)ENDPOINT-DOWN": true, "down|endpoint-down": true} {
		m := Matcher{Name: "name", Value: text, Regex: true}
		require.NoError(t, m.prepare())
		assert.Equal(t, want, m.matches(a), text)
	}
}
