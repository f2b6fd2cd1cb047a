// Silences: which alerts are not told until when, by whose wish and why.

package dispatch

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/steelyard-proxy/steelyard/metrics/alert"
	"github.com/steelyard-proxy/steelyard/metrics/event"
)

const (
	mostSilences  = 200
	mostMatchers  = 20
	mostText      = 512 // bytes of an author, a comment or a value
	longestEnd    = 366 * 24 * time.Hour
	matcherRemedy = `give {"name": "upstream", "value": "chat"}, where name is name, severity, upstream, endpoint or a label`
)

// Silence keeps alerts that all its matchers match from being told, from StartsAt to EndsAt.
type Silence struct {
	ID       string    `json:"id"`
	Matchers []Matcher `json:"matchers"`
	Author   string    `json:"author"`
	Comment  string    `json:"comment"`
	StartsAt time.Time `json:"starts_at"`
	EndsAt   time.Time `json:"ends_at"`
}

// Matcher matches alerts by one label, whole.
type Matcher struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	Regex bool   `json:"regex"`

	pattern *regexp.Regexp
}

// UnmarshalJSON also makes the pattern. One that cannot be made matches nothing.
func (m *Matcher) UnmarshalJSON(text []byte) error {
	type plain Matcher
	if err := json.Unmarshal(text, (*plain)(m)); err != nil {
		return err
	}
	if m.Regex {
		m.pattern, _ = compile(m.Value)
	}
	return nil
}

func compile(value string) (*regexp.Regexp, error) { return regexp.Compile("^(?s:" + value + ")$") }

func (m *Matcher) matches(a *alert.Alert) bool { return m.matchesText(label(a, m.Name)) }

func (m *Matcher) matchesText(text string) bool {
	if m.Regex {
		return m.pattern != nil && m.pattern.MatchString(text)
	}
	return m.Value == text
}

// label is what an alert has by a name; "" where it has none.
func label(a *alert.Alert, name string) string {
	switch name {
	case "name", "alertname":
		return a.Name
	case "severity":
		return a.Severity
	case "upstream":
		return a.Upstream
	case "endpoint":
		return a.Endpoint
	}
	return a.Labels[name]
}

func (s *Silence) covers(a *alert.Alert, now time.Time) bool {
	if now.Before(s.StartsAt) || !now.Before(s.EndsAt) {
		return false
	}
	for i := range s.Matchers {
		if !s.Matchers[i].matches(a) {
			return false
		}
	}
	return true
}

// check returns everything that is wrong with a silence that somebody asks for.
func (s *Silence) check(now time.Time) (problems []error) {
	add := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	if len(s.Matchers) == 0 {
		add("matchers: are missing: %s", matcherRemedy)
	}
	if len(s.Matchers) > mostMatchers {
		add("matchers: are %d, must be at most %d", len(s.Matchers), mostMatchers)
		return problems
	}
	all := len(s.Matchers) > 0
	for i := range s.Matchers {
		if err := s.Matchers[i].prepare(); err != nil {
			add("matchers[%d].%w", i, err)
			all = false
			continue
		}
		all = all && s.Matchers[i].matchesText("")
	}
	if all {
		add("matchers: match an alert without any label, so that nothing would be told: give one that needs a text, such as %s", `{"name": "upstream", "value": "chat"}`)
	}
	for _, t := range [][2]string{{"author", s.Author}, {"comment", s.Comment}} {
		if err := checkText(t[1]); err != nil {
			add("%s: %w", t[0], err)
		}
	}
	switch {
	case s.EndsAt.IsZero():
		add(`for: is missing: a silence must end: give for, such as "2h", or ends_at`)
	case !s.EndsAt.After(now):
		add("ends_at: %s has passed: give a time to come, or for, such as \"2h\"", s.EndsAt.UTC().Format(time.RFC3339))
	case s.EndsAt.Sub(now) > longestEnd:
		add("ends_at: is more than a year away: take a rule out of the configuration that is never to be told")
	}
	return problems
}

func (m *Matcher) prepare() (err error) {
	switch {
	case m.Name == "":
		return fmt.Errorf("name: is missing: %s", matcherRemedy)
	case checkText(m.Name) != nil:
		return fmt.Errorf("name: %w", checkText(m.Name))
	case checkText(m.Value) != nil:
		return fmt.Errorf("value: %w", checkText(m.Value))
	case m.Regex:
		if m.pattern, err = compile(m.Value); err != nil {
			return fmt.Errorf("value: is no regular expression: %s: write it as RE2 reads it, or leave regex out", strings.TrimPrefix(err.Error(), "error parsing regexp: "))
		}
	}
	return nil
}

func checkText(text string) error {
	switch {
	case len(text) > mostText:
		return fmt.Errorf("has %d bytes: shorten it to at most %d", len(text), mostText)
	case !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl):
		return errors.New("must be one line of text, without control characters")
	}
	return nil
}

// Silence begins one, from now on; only its ID and StartsAt are set here. The error has a line for each mistake.
func (d *Dispatcher) Silence(s Silence) (Silence, error) {
	d.Begin()
	now := d.now()
	if problems := s.check(now); len(problems) > 0 {
		return s, errors.Join(problems...)
	}
	s.ID, s.StartsAt = strings.ToLower(rand.Text()[:12]), now
	d.mu.Lock()
	if len(d.silences) >= mostSilences {
		d.mu.Unlock()
		return s, fmt.Errorf("there are %d silences already: end some of them", mostSilences)
	}
	kept := s
	d.silences = append(d.silences, &kept)
	d.dirty, d.remuted = true, true
	d.mu.Unlock()
	d.save(true)
	d.Events.Publish(event.Event{Kind: event.Silenced, Cause: s.Comment, Action: "alerts are not told: " + s.describe(), Evidence: map[string]any{
		"silence": s.ID, "author": s.Author, "ends_at": s.EndsAt.UTC().Format(time.RFC3339)}})
	d.Wake()
	return s, nil
}

// describe is the matchers in a few words.
func (s *Silence) describe() string {
	var parts []string
	for _, m := range s.Matchers {
		sign := "="
		if m.Regex {
			sign = "=~"
		}
		parts = append(parts, fmt.Sprintf("%s%s%q", m.Name, sign, m.Value))
	}
	return strings.Join(parts, ", ")
}

// Silences are those in force, the one that ends first in front.
func (d *Dispatcher) Silences() (list []Silence) {
	d.Begin()
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, s := range d.silences {
		if s.EndsAt.After(d.now()) {
			list = append(list, *s)
		}
	}
	slices.SortFunc(list, func(a, b Silence) int { return a.EndsAt.Compare(b.EndsAt) })
	return list
}

// Unsilence ends a silence. It reports whether there was one.
func (d *Dispatcher) Unsilence(id string) bool {
	d.Begin()
	d.mu.Lock()
	i := slices.IndexFunc(d.silences, func(s *Silence) bool { return s.ID == id })
	if i < 0 {
		d.mu.Unlock()
		return false
	}
	ended := d.silences[i]
	d.silences = slices.Delete(d.silences, i, i+1)
	d.dirty, d.remuted = true, true
	d.mu.Unlock()
	d.save(true)
	d.tellOver(ended, "somebody has ended it")
	d.Wake()
	return true
}

// expire forgets silences that are over, and returns them. The caller holds mu.
func (d *Dispatcher) expire(now time.Time) (over []*Silence) {
	d.silences = slices.DeleteFunc(d.silences, func(s *Silence) bool {
		if s.EndsAt.After(now) {
			return false
		}
		over, d.dirty, d.remuted = append(over, s), true, true
		return true
	})
	return over
}

// tellOver makes an event of the end of a silence.
func (d *Dispatcher) tellOver(s *Silence, cause string) {
	d.Events.Publish(event.Event{Kind: event.Unsilenced, Cause: cause, Action: "alerts are told again: " + s.describe(),
		Evidence: map[string]any{"silence": s.ID}})
}
