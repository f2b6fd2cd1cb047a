// Anomalies and forecast: what is looked for in requests, and what is foretold of them.

package configs

import (
	"time"
)

// Anomalies says how faults are found in the requests that have ended.
type Anomalies struct {
	Enabled bool `yaml:"enabled"`
	// Enforce makes each an event, of which webhooks and the log hear; else they are shown by the admin API alone.
	Enforce   bool    `yaml:"enforce"`
	SlowRatio float64 `yaml:"slow_ratio"` // how many times as long as its peers an endpoint may take
}

// Forecast says what is foretold of the requests to come.
type Forecast struct {
	Enabled  bool          `yaml:"enabled"`
	LeadTime time.Duration `yaml:"lead_time"`           // that it takes to get another server ready
	TimeZone string        `yaml:"time_zone,omitempty"` // whose days and weeks are the seasons, such as Europe/Berlin; "": the machine's
}

const leastLead, mostLead = 5 * time.Minute, 24 * time.Hour

func anomaliesDefaults() Anomalies { return Anomalies{Enabled: true, SlowRatio: 1.5} }

func forecastDefaults() Forecast { return Forecast{Enabled: true, LeadTime: 10 * time.Minute} }

func (r *report) validateAnomalies(a *Anomalies) {
	const remedy = "give how many times as long as its peers a server may take, such as 1.5"
	if r.finite("anomalies.slow_ratio", a.SlowRatio, remedy) {
		between(r, "anomalies.slow_ratio", a.SlowRatio, 1.2, 100, remedy)
	}
}

func (r *report) validateForecast(f *Forecast) {
	between(r, "forecast.lead_time", f.LeadTime, leastLead, mostLead, "give how long it takes to get another server ready")
	if _, err := f.Location(); err != nil {
		r.add("forecast.time_zone", "give a name like Europe/Berlin or UTC, or leave it out for the machine's own", "is no time zone that this machine knows: %s", quote(f.TimeZone))
	}
}

// Location is the time zone.
func (f *Forecast) Location() (*time.Location, error) {
	if f.TimeZone == "" {
		return time.Local, nil
	}
	return time.LoadLocation(f.TimeZone)
}

// reviewAnomalies notes what has no effect.
func (r *report) reviewAnomalies(c *Config) {
	const remedy = "remove it, or the line that says off"
	if a, usual := &c.Anomalies, anomaliesDefaults(); !a.Enabled {
		if a.Enforce {
			r.note("anomalies.enforce", remedy, "has no effect: anomalies are off")
		}
		if a.SlowRatio != usual.SlowRatio {
			r.note("anomalies.slow_ratio", remedy, "has no effect: anomalies are off")
		}
	}
	if f, usual := &c.Forecast, forecastDefaults(); !f.Enabled && f.LeadTime != usual.LeadTime {
		r.note("forecast.lead_time", remedy, "has no effect: forecast is off")
	}
}
