// Package tally reads how many replicas there are, as a program or a URL says it: a number, or JSON.
//
//	count, err := tally.Read([]byte("3\n"))
//	count, err = tally.Read([]byte(`{"wanted": 4, "running": 3, "replicas": [{"name": "a", "url": "http://10.0.0.7:8000"}]}`))
package tally

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/steelyard-proxy/steelyard/metrics/autoscale"
)

const (
	Most     = 1 << 20   // bytes of a text
	mostEver = 1_000_000 // replicas; more is a mistake
)

type said struct {
	Wanted   *int `json:"wanted"`
	Running  *int `json:"running"`
	Count    *int `json:"count"` // another word for running
	Replicas []struct {
		Name    string    `json:"name"`
		URL     string    `json:"url"`
		Since   time.Time `json:"since"`
		State   string    `json:"state"`
		Problem string    `json:"problem"`
	} `json:"replicas"`
}

// Read reads a text.
func Read(text []byte) (c autoscale.Count, err error) {
	text = bytes.TrimSpace(text)
	if len(text) > Most {
		return c, fmt.Errorf("read the count: it has more than %d bytes", Most)
	}
	if n, err := strconv.Atoi(string(text)); err == nil {
		return bounded(autoscale.Count{Wanted: n, Running: n})
	}
	var s said
	if err := json.Unmarshal(text, &s); err != nil {
		return c, fmt.Errorf("read the count: it is neither a number nor JSON such as {\"running\": 3}, but %q", short(text))
	}
	if s.Running == nil {
		s.Running = s.Count
	}
	for _, r := range s.Replicas {
		state, known := autoscale.ParseState(r.State)
		if r.State == "" {
			state, known = autoscale.Running, true
		}
		if !known {
			return c, fmt.Errorf("read the count: replica %q has the state %q, and it is starting, running, stopping or failed", r.Name, r.State)
		}
		c.Replicas = append(c.Replicas, autoscale.Replica{Name: r.Name, URL: r.URL, Since: r.Since, State: state, Problem: r.Problem})
		if state == autoscale.Starting || state == autoscale.Running {
			c.Running++
		}
	}
	if s.Running == nil && s.Replicas == nil {
		return c, fmt.Errorf("read the count: it has neither running nor replicas: %q", short(text))
	}
	if s.Running != nil {
		c.Running = *s.Running
	}
	c.Wanted = c.Running
	if s.Wanted != nil {
		c.Wanted = *s.Wanted
	}
	return bounded(c)
}

func bounded(c autoscale.Count) (autoscale.Count, error) {
	if min(c.Wanted, c.Running) < 0 || max(c.Wanted, c.Running) > mostEver {
		return autoscale.Count{}, fmt.Errorf("read the count: %d wanted and %d running cannot be", c.Wanted, c.Running)
	}
	return c, nil
}

// short is the beginning of a text.
func short(text []byte) string { return string(text[:min(len(text), 80)]) }
