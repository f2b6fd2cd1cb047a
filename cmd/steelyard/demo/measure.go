// Reading the gateway's metrics and snapshots for the table.

package demo

import (
	"bufio"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/metrics"
)

// read takes one reading of each endpoint of a snapshot. Counters come from the
// registry's exposition, so the table shows what Prometheus would be told.
func read(s *balancer.Snapshot, registry *metrics.Registry, now time.Time) ([]reading, error) {
	byEndpoint := map[string]*reading{}
	readings := make([]reading, len(s.Endpoints))
	for i, e := range s.Endpoints {
		readings[i] = reading{
			name: e.Endpoint.Name(), capacity: e.Base, share: e.Share, inFlight: e.Endpoint.Load().InFlight(),
			health: healthOf(e, now), out: !e.Eligible,
		}
		byEndpoint[e.Endpoint.Name()] = &readings[i]
	}
	lines := bufio.NewScanner(registry.Page())
	for lines.Scan() {
		name, labels, value, ok := parseSeries(lines.Text())
		if !ok || label(labels, "upstream") != s.Upstream {
			continue
		}
		r := byEndpoint[label(labels, "endpoint")]
		if r == nil {
			continue
		}
		switch name {
		case "steelyard_requests_total": // one series for each class of codes
			r.requests += value
		case "steelyard_response_time_seconds_count":
			r.responses = value
		case "steelyard_response_time_seconds_sum":
			r.responseSeconds = value
		case "steelyard_endpoint_busy": // only the prober knows it, so it is not in the snapshot
			if value == 1 && !r.out {
				r.health += ", busy"
			}
		}
	}
	return readings, lines.Err()
}

// scaleReading is what the gateway says of the number of servers.
type scaleReading struct{ wanted, current, starting, draining float64 }

func readScale(registry *metrics.Registry) (r scaleReading) {
	for lines := bufio.NewScanner(registry.Page()); lines.Scan(); {
		name, labels, value, ok := parseSeries(lines.Text())
		if !ok || label(labels, "upstream") != upstreamName {
			continue
		}
		switch name {
		case "steelyard_autoscale_wanted_endpoints":
			r.wanted = value
		case "steelyard_autoscale_current_endpoints":
			r.current = value
		case "steelyard_autoscale_coming_endpoints":
			r.starting = value
		case "steelyard_autoscale_draining_endpoints":
			r.draining = value
		}
	}
	return r
}

// healthOf is the last column: up, or every reason why not and for how long. An endpoint that
// cannot be reached is passed over for a while, but is out only once its probes fail too.
func healthOf(e balancer.EndpointState, now time.Time) string {
	unreachable := e.Endpoint.Unreachable()
	switch {
	case len(e.Reasons) == 0 && unreachable:
		return "unreachable"
	case len(e.Reasons) == 0:
		return "up"
	}
	var parts []string
	for _, r := range e.Reasons {
		text := fmt.Sprintf("%s %.0f s", r.Condition, now.Sub(r.Since).Seconds())
		if r.Text != "" {
			text += ": " + r.Text
		}
		parts = append(parts, text)
	}
	if unreachable {
		parts = append(parts, "unreachable")
	}
	state := "OUT, "
	if e.Eligible {
		state = "used all the same, "
	}
	return state + strings.Join(parts, "; ")
}

// parseSeries splits a line of the text exposition format: name{labels} value.
func parseSeries(line string) (name, labels string, value float64, ok bool) {
	name, rest, ok := strings.Cut(line, "{")
	if !ok || strings.HasPrefix(line, "#") {
		return "", "", 0, false
	}
	end := strings.LastIndex(rest, "} ")
	if end < 0 {
		return "", "", 0, false
	}
	value, err := strconv.ParseFloat(rest[end+2:], 64)
	return name, rest[:end], value, err == nil
}

// label is the value of one label; the demo's own names need no unescaping.
func label(labels, name string) string {
	for _, pair := range strings.Split(labels, ",") {
		if value, ok := strings.CutPrefix(pair, name+`="`); ok {
			return strings.TrimSuffix(value, `"`)
		}
	}
	return ""
}
