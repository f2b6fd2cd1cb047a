package admin

import (
	"errors"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	silencesPath = "/api/v1/silences"
	goodSilence  = `{"matchers": [{"name": "upstream", "value": "chat"}], "author": "ann", "comment": "new driver", "for": "2h"}`
)

// fewSilences keeps silences without looking at them.
type fewSilences struct {
	mu   sync.Mutex // guards list
	list []Silence
	err  error
}

func (f *fewSilences) Silences() []Silence {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.list
}

func (f *fewSilences) Silence(s Silence) (Silence, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s.ID, s.StartsAt = "two", time.Now()
	f.list = append(f.list, s)
	return s, f.err
}

func (f *fewSilences) Unsilence(id string) bool { return id == "one" }

func silenced(o *Options, _ *running) {
	o.Silences = &fewSilences{list: []Silence{{ID: "one", Matchers: []Matcher{{Name: "name", Value: "a.*", Regex: true}}, EndsAt: time.Now().Add(time.Hour)}}}
}

func TestASilenceEndsWhenItWasAskedFor(t *testing.T) {
	kept := &fewSilences{}
	s := start(t, func(o *Options, _ *running) { o.Silences = kept })
	before := time.Now()
	got := s.do("POST", silencesPath, goodSilence)
	require.Equal(t, http.StatusCreated, got.StatusCode, "%s", got.body)
	require.Len(t, kept.Silences(), 1)
	one := kept.Silences()[0]
	assert.False(t, one.EndsAt.Before(before.Add(2*time.Hour)))
	assert.False(t, one.EndsAt.After(time.Now().Add(2*time.Hour)))
	assert.Equal(t, []Matcher{{Name: "upstream", Value: "chat"}}, one.Matchers)
	assert.Equal(t, "ann", one.Author)
	assert.Equal(t, "new driver", one.Comment)

	got = s.do("POST", silencesPath, `{"matchers": [{"name": "upstream", "value": "chat"}], "ends_at": "2100-01-02T03:04:05Z"}`)
	require.Equal(t, http.StatusCreated, got.StatusCode, "%s", got.body)
	assert.Equal(t, time.Date(2100, 1, 2, 3, 4, 5, 0, time.UTC), kept.Silences()[1].EndsAt)
}

func TestABadSilenceIsRefused(t *testing.T) {
	s := start(t, func(o *Options, _ *running) {
		o.Silences = &fewSilences{err: errors.Join(errors.New("matchers: are missing"), errors.New("for: is missing"))}
	})
	for body, want := range map[string]string{
		"":                "read body: EOF: give {",
		"[]":              "read body: json: cannot unmarshal array",
		`{"matcher": []}`: `read body: json: unknown field \"matcher\"`,
		goodSilence + "1": "more follows the JSON object",
		`{"for": "2"}`:    `for: \"2\" is no duration to come: write it like \"30m\" or \"2h\"`,
		`{"for": "-2h"}`:  "is no duration to come",
		`{"for": "2h", "ends_at": "2100-01-02T03:04:05Z"}`: "keep one of the two",
		`{"ends_at": "tomorrow"}`:                          "read body: parsing time",
		`{"matchers": []}`:                                 "matchers: are missing; for: is missing",
	} {
		got := s.do("POST", silencesPath, body)
		assert.Equal(t, http.StatusBadRequest, got.StatusCode, body)
		assert.Contains(t, string(got.body), want, body)
	}
	got := s.do("DELETE", silencesPath+"/no", "")
	assert.Equal(t, http.StatusNotFound, got.StatusCode)
	assert.Contains(t, string(got.body), "no silence has the id no")
}
