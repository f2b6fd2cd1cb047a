package admin

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/steelyard-proxy/steelyard/metrics/advice"
)

// someAdvice has one that can be applied, one that cannot, and one that is none.
type someAdvice struct{ off bool }

func (s someAdvice) Advice() ([]advice.Advice, bool) {
	at := time.Date(2026, 1, 5, 12, 0, 0, 0, time.UTC)
	return []advice.Advice{
		{ID: "aa", Kind: advice.Capacity, Upstream: "chat", Endpoint: "small", Status: advice.Advised, Text: "small is slow", Evidence: map[string]any{"measured": 52.5},
			N: 812, Interval: &[2]float64{47, 57}, Effect: &advice.Effect{Ratio: 0.62, Interval: &[2]float64{0.6, 0.65}, By: advice.ByReplay, Measured: 0.8, Before: 0.83, After: 0.51},
			Since: at, Expires: at.Add(time.Hour), Diff: "--- a\n", Changes: []advice.Change{{Upstream: "chat", Endpoint: "small", Key: "capacity", Value: "52"}}},
		{ID: "bb", Kind: advice.Patience, Upstream: "chat", Status: advice.Advised, Text: "users leave", Evidence: map[string]any{}, Since: at, Expires: at},
		{ID: "cc", Kind: advice.Replicas, Upstream: "chat", Status: advice.NotEnoughData, Text: "no history", Evidence: map[string]any{}, Since: at, Expires: at},
	}, !s.off
}

func (s someAdvice) Apply(id string) (advice.Advice, error) {
	list, _ := s.Advice()
	switch id {
	case "aa":
		return list[0], nil
	case "bb":
		return list[1], NotApplicable{errors.New("it changes nothing")}
	}
	return advice.Advice{}, ErrNoAdvice
}

func advises(o *Options, _ *running) { o.Advisor = someAdvice{} }

func TestAdvice(t *testing.T) {
	s := start(t, advises)
	got := s.do("GET", "/api/v1/advice", "")
	assert.Equal(t, 200, got.StatusCode)
	assert.Contains(t, string(got.body), `"r_ratio": 0.62`)
	assert.NotContains(t, string(got.body), "Changes")
	got = s.do("POST", "/api/v1/advice/aa/apply", "")
	assert.Contains(t, string(got.body), `"value": "52"`)
	got = s.do("POST", "/api/v1/advice/zz/apply", "")
	assert.Contains(t, string(got.body), `"aa"`, "those that can be applied are named")
	assert.NotContains(t, string(got.body), `"bb"`)
	got = s.do("GET", "/api/v1/advice/aa/apply", "")
	assert.Equal(t, 405, got.StatusCode, "nothing is changed by a GET")
	s = start(t, func(o *Options, _ *running) { o.Advisor = someAdvice{off: true} })
	got = s.do("GET", "/api/v1/advice", "")
	assert.Equal(t, 404, got.StatusCode)
	assert.Contains(t, string(got.body), "optimise: show")
}
