// The metrics of alerts.

package metrics

import "time"

var (
	alertsNow        = family("alerts", "Alerts of a rule that are pending, fire, or have no data to judge by.", "name", "severity", "state")
	alertEvaluations = family("alert_evaluations_total", "Evaluations of all rules of alerts.")
	alertTime        = family("alert_evaluation_time_seconds_total", "Time that they took together.")
)

// AlertState is what a scrape shows of one rule: how many of its alerts are in a state. Names come from the
// configuration.
type AlertState struct {
	Name, Severity, State string
	Alerts                int
}

// AlertWork is what a scrape shows of the evaluation of rules.
type AlertWork struct {
	Evaluations uint64
	Took        time.Duration
}

// ObserveAlerts makes source the origin of steelyard_alerts and its neighbours. It is called once per
// scrape, from any goroutine, and should name each rule and state once. A later call replaces it.
func (r *Registry) ObserveAlerts(source func() ([]AlertState, AlertWork)) {
	r.alertSource.Store(&source)
}

// collectAlerts puts the alerts on a page.
func (r *Registry) collectAlerts(s *page) {
	source := r.alertSource.Load()
	if source == nil {
		return
	}
	states, work := (*source)()
	for _, a := range states {
		s.gauge(alertsNow, float64(a.Alerts), a.Name, a.Severity, a.State)
	}
	s.counter(alertEvaluations, work.Evaluations)
	s.gauge(alertTime, work.Took.Seconds())
}
