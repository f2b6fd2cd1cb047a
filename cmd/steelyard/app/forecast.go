// Forecast: what is foretold of the requests to come.

package app

import (
	"math"
	"time"

	"github.com/steelyard-proxy/steelyard/configs"
	"github.com/steelyard-proxy/steelyard/metrics"
	"github.com/steelyard-proxy/steelyard/metrics/forecast"
	"github.com/steelyard-proxy/steelyard/metrics/usage"
	"github.com/steelyard-proxy/steelyard/proxy/admin"
)

const (
	forecastStep = 5 * time.Minute
	// rebuilt is how much of the past a start gives to the forecast, where usage has kept it.
	rebuilt = 35 * 24 * time.Hour
	// minutesOf is for how long usage knows minutes; before, it knows hours.
	minutesOf = 48 * time.Hour
)

// newForecast is the forecast of the configuration's upstreams, with what usage has kept of the past.
func newForecast(cfg *configs.Config, book *usage.Book) *forecast.Traffic {
	t := forecast.New(forecast.Options{Step: forecastStep, Lead: cfg.Forecast.LeadTime, Location: zone(cfg)})
	t.Keep(upstreamNames(cfg))
	if book != nil {
		for _, name := range upstreamNames(cfg) {
			rebuild(t, name, book, time.Now())
		}
	}
	return t
}

// zone is the time zone in which days and weeks are told apart.
func zone(cfg *configs.Config) *time.Location {
	location, err := cfg.Forecast.Location()
	if err != nil { // the configuration was checked; the zone has gone since
		return time.Local
	}
	return location
}

func upstreamNames(cfg *configs.Config) (names []string) {
	for i := range cfg.Upstreams {
		names = append(names, cfg.Upstreams[i].Name)
	}
	return names
}

// rebuild gives the forecast of an upstream its past: hours, and minutes of the last two days.
func rebuild(t *forecast.Traffic, upstream string, book *usage.Book, now time.Time) {
	turn := now.Add(-minutesOf).Truncate(time.Hour)
	for _, span := range book.Hourly(upstream, now.Add(-rebuilt), turn) {
		give(t, upstream, span.Time(), time.Hour, []usage.Span{span})
	}
	minutes := book.Minutes(upstream, turn, now.Truncate(forecastStep))
	for at := 0; at < len(minutes); {
		hour := minutes[at].Time().Truncate(time.Hour)
		end := at
		for end < len(minutes) && minutes[end].Time().Before(hour.Add(time.Hour)) {
			end++
		}
		give(t, upstream, hour, forecastStep, minutes[at:end])
		at = end
	}
}

// give shares the spans of an hour out to its steps. An hour without any is a gap, and one with some had requests at
// no other time.
func give(t *forecast.Traffic, upstream string, hour time.Time, size time.Duration, spans []usage.Span) {
	steps := int(time.Hour / forecastStep)
	arrivals, work := make([]float64, steps), make([]float64, steps)
	for i := range spans {
		s := &spans[i]
		if s.Errors > s.Requests/2 {
			continue
		}
		first, part := 0, float64(steps)
		if size < time.Hour {
			first, part = int(s.Time().Sub(hour)/forecastStep), 1
		}
		for j := range int(part) {
			arrivals[first+j] += float64(s.Requests-min(s.Retries, s.Requests)) / part / forecastStep.Seconds()
			work[first+j] += s.Work / part / forecastStep.Seconds()
		}
	}
	for i := range steps {
		t.Past(upstream, hour.Add(time.Duration(i)*forecastStep), arrivals[i], work[i])
	}
}

// shownForecast is what the admin API shows.
func shownForecast(t *forecast.Traffic) admin.Forecasts {
	shown := admin.Forecasts{Upstreams: []admin.Forecast{}}
	for _, u := range t.Outlooks() {
		shown.Upstreams = append(shown.Upstreams, outlook(u.Upstream, "arrivals", u.Arrivals), outlook(u.Upstream, "work", u.Work))
	}
	return shown
}

func outlook(upstream, series string, o forecast.Outlook) admin.Forecast {
	f := admin.Forecast{
		Upstream: upstream, Series: series, Method: o.Method, Enough: o.Known, StepSeconds: o.Step.Seconds(),
		Mase: figure(o.Mase), Coverage: figure(o.Coverage), Points: []admin.ForecastPoint{}, Peaks: append([]string{}, o.Peaks...),
	}
	for _, p := range o.Points {
		f.Points = append(f.Points, admin.ForecastPoint{At: p.At.UTC(), P05: p.P05, P50: p.P50, P95: p.P95})
	}
	return f
}

// forecastStates are what a scrape shows.
func forecastStates(t *forecast.Traffic, to *metrics.Analysis) {
	for _, upstream := range t.Upstreams() {
		for i, horizon := range []string{forecast.Lead: "lead", forecast.Hour: "hour", forecast.Day: "day"} {
			arrivals, work := t.Ahead(upstream, i)
			for _, series := range []struct {
				name string
				r    forecast.Range
			}{{"arrivals", arrivals}, {"work", work}} {
				if math.IsNaN(series.r.P50) {
					continue
				}
				to.Forecasts = append(to.Forecasts,
					metrics.ForecastValue{Upstream: upstream, Series: series.name, Horizon: horizon, Bound: "p05", Rate: series.r.P05},
					metrics.ForecastValue{Upstream: upstream, Series: series.name, Horizon: horizon, Bound: "p50", Rate: series.r.P50},
					metrics.ForecastValue{Upstream: upstream, Series: series.name, Horizon: horizon, Bound: "p95", Rate: series.r.P95})
			}
		}
	}
}
