// What servers and steelyard are asked beside the load.

package chaos

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// patience is for what is asked of a program or a server beside the load.
const patience = 500 * time.Millisecond

// asker keeps no connections: what is asked is soon another process.
var asker = &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}

func get(ctx context.Context, addr, path string) (io.ReadCloser, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+path, nil)
	if err != nil {
		return nil, err
	}
	answer, err := asker.Do(r)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("ask %s%s: %s", addr, path, answer.Status)
	}
	return answer.Body, nil
}

func ask(ctx context.Context, addr, path string, into any) error {
	body, err := get(ctx, addr, path)
	if err != nil {
		return err
	}
	defer body.Close()
	return json.NewDecoder(body).Decode(into)
}

// metrics are what a steelyard says of itself: series by name and labels, as they are written.
type metrics map[string]float64

// scrape asks for them; there are none of others, and of one that does not answer.
func (s *stand) scrape(ctx context.Context) metrics {
	if !s.ours() {
		return nil
	}
	body, err := get(ctx, s.process.Admin, "/metrics")
	if err != nil {
		return nil
	}
	defer body.Close()
	m := metrics{}
	lines := bufio.NewScanner(body)
	for lines.Scan() {
		line := lines.Text()
		at := strings.LastIndexByte(line, ' ')
		if at < 0 || strings.HasPrefix(line, "#") {
			continue
		}
		if v, err := strconv.ParseFloat(line[at+1:], 64); err == nil {
			m[line[:at]] = v
		}
	}
	return m
}

// sum is over the series of a name whose labels have all of these texts in them.
func (m metrics) sum(name string, labels ...string) (sum float64) {
	for series, v := range m {
		if found, rest, _ := strings.Cut(series, "{"); found == name && hasAll(rest, labels) {
			sum += v
		}
	}
	return sum
}

func hasAll(text string, parts []string) bool {
	for _, p := range parts {
		if !strings.Contains(text, p) {
			return false
		}
	}
	return true
}

// standing is what steelyard says of the endpoints.
type standing struct {
	Upstreams []struct {
		Endpoints []struct {
			Name        string `json:"name"`
			Eligible    bool   `json:"eligible"`
			Unreachable bool   `json:"unreachable"`
			InFlight    int64  `json:"in_flight"`
		} `json:"endpoints"`
	} `json:"upstreams"`
}

// out says whether an endpoint gets no requests; known, whether that was told.
func (s *stand) out(ctx context.Context, name string) (out, known bool) {
	var now standing
	if !s.ours() || ask(ctx, s.process.Admin, "/api/v1/upstreams", &now) != nil {
		return false, false
	}
	for _, u := range now.Upstreams {
		for _, e := range u.Endpoints {
			if e.Name == name {
				return !e.Eligible || e.Unreachable, true
			}
		}
	}
	return false, false
}
