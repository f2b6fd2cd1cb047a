// What the rooms behind alerts, usage, faults, forecast and advice tell the page.

package admin

import (
	"fmt"
	"time"
)

// mostAlerts is how many alerts a snapshot has.
const mostAlerts = 50

// withAlerts adds the alerts that fire to what is not well. One about a place of which something is said already makes
// that graver, and is not said again.
func (s *Server) withAlerts(list []reason) []reason {
	if s.alerts == nil {
		return list
	}
	known := map[[2]string]int{}
	for i, r := range list {
		known[[2]string{r.Upstream, r.Endpoint}] = i
	}
	for _, a := range s.alerts().Alerts {
		level, grave := map[string]string{"page": trouble, "ticket": watch}[a.Severity]
		if a.State != "firing" || a.SilencedBy != "" || !grave {
			continue
		}
		if i, said := known[[2]string{a.Upstream, a.Endpoint}]; said && a.Upstream != "" {
			if rank(level) > rank(list[i].Level) {
				list[i].Level = level
			}
			continue
		}
		since := a.Since
		list = append(list, reason{Level: level, Upstream: a.Upstream, Endpoint: a.Endpoint, Text: a.Summary, Why: "alert " + a.Name, Since: &since})
	}
	return list
}

func (s *Server) alert() station {
	st := station{Name: "alert", State: off, Now: "no rules"}
	if s.alerts == nil {
		return st
	}
	firing, pending, failing := 0, 0, 0
	all := s.alerts()
	for _, a := range all.Alerts {
		switch a.State {
		case "firing":
			firing++
		case "pending":
			pending++
		}
	}
	for _, r := range all.Receivers {
		if r.FailingSince != nil {
			failing++
		}
	}
	st.State, st.Now = works, "no alert fires"
	if firing > 0 {
		st.State, st.Now = acts, plural(firing, "alert fires", "alerts fire")
	}
	if pending > 0 {
		st.Now += fmt.Sprintf(", %d pending", pending)
	}
	if failing > 0 {
		st.Now += ", " + plural(failing, "receiver fails", "receivers fail")
	}
	return st
}

func (s *Server) analyse() station {
	st := station{Name: "analyse", State: off, Now: "nothing is analysed"}
	if s.usage != nil {
		st.State, st.Now = works, "counts who asks, and how it fares"
	}
	if s.anomalies == nil {
		return st
	}
	found := s.anomalies.Faults()
	st.State = works
	going := 0
	for _, f := range found.Faults {
		if f.Until == nil {
			going++
		}
	}
	switch {
	case going > 0:
		st.State, st.Now = acts, "sees "+count(going, "fault")
	case len(found.Trends) > 0:
		st.Now = "sees " + count(len(found.Trends), "trend")
	default:
		st.Now = "finds nothing out of the usual"
	}
	return st
}

// nextHour is what the page shows of a forecast: of arrivals, an hour back and a little more than one ahead, of ten upstreams. All
// of it is a day, which is too much for every viewer each second.
func nextHour(all Forecasts, now time.Time) Forecasts {
	const most = 10
	shown := Forecasts{Upstreams: []Forecast{}}
	for _, f := range all.Upstreams {
		if f.Series != "arrivals" || len(shown.Upstreams) == most {
			continue
		}
		points := f.Points
		f.Points = []ForecastPoint{}
		for _, p := range points {
			if ahead := p.At.Sub(now); ahead > -70*time.Minute && ahead < 75*time.Minute {
				f.Points = append(f.Points, p)
			}
		}
		shown.Upstreams = append(shown.Upstreams, f)
	}
	return shown
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// sectionsOf are the parts of the snapshot that other routes answer.
func sectionsOf(o *Options) map[string]section {
	all := map[string]section{}
	if o.Alerts != nil {
		all["alerts"] = section{most: 64 << 10, get: func() any {
			told := o.Alerts()
			told.Alerts, told.Receivers = append([]Alert{}, told.Alerts[:min(len(told.Alerts), mostAlerts)]...), append([]Receiver{}, told.Receivers...)
			return told
		}}
	}
	if o.Silences != nil {
		all["silences"] = section{most: 32 << 10, get: func() any { return silencesAnswer{append([]Silence{}, o.Silences.Silences()...)} }}
	}
	if o.Usage != nil {
		all["usage"] = section{every: 10 * time.Second, most: 64 << 10, get: func() any { return usageOverview(o.Usage) }}
	}
	if o.Advisor != nil {
		all["advice"] = section{every: 10 * time.Second, most: 64 << 10, get: func() any {
			if given, on := o.Advisor.Advice(); on {
				return adviceAnswer{given}
			}
			return nil
		}}
	}
	if o.Anomalies != nil {
		all["faults"] = section{every: 5 * time.Second, most: 64 << 10, get: func() any { return o.Anomalies.Faults() }}
	}
	if o.Gateways != nil {
		all["gateways"] = section{most: 32 << 10, get: func() any { return o.Gateways() }}
	}
	if o.Forecast != nil {
		all["forecast"] = section{every: time.Minute, most: 64 << 10, get: func() any { return nextHour(o.Forecast(), time.Now()) }}
	}
	return all
}
