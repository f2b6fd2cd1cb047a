package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// gateway holds what is counted about the process as a whole.
type gateway struct {
	accepted, refused, acceptFailed prometheus.Counter
	panics                          prometheus.Counter
	linesDropped, accessDropped     prometheus.Counter
	rowsDropped                     prometheus.Counter
	reloads                         *prometheus.CounterVec
	reloadSuccessful, reloadedAt    prometheus.Gauge
}

func newGateway(r prometheus.Registerer) gateway {
	counter := func(name, help string) prometheus.Counter {
		c := prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
		r.MustRegister(c)
		return c
	}
	gauge := func(name, help string) prometheus.Gauge {
		g := prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: help})
		r.MustRegister(g)
		return g
	}
	g := gateway{
		accepted:      counter("steelyard_client_connections_accepted_total", "Connections accepted from clients."),
		refused:       counter("steelyard_client_connections_refused_total", "Connections answered 503 and closed because limits.connections was reached."),
		acceptFailed:  counter("steelyard_accept_failures_total", "Failed calls of accept, most often because file descriptors ran out."),
		panics:        counter("steelyard_panics_total", "Panics recovered in the request path; each cost one request."),
		linesDropped:  counter("steelyard_log_lines_dropped_total", "Lines of the log, the access log apart, dropped because standard error took them too slowly or not at all."),
		accessDropped: counter("steelyard_access_log_lines_dropped_total", "Access log lines dropped because standard error took them too slowly or not at all."),
		rowsDropped:   counter("steelyard_request_log_rows_dropped_total", "Request log rows dropped because its file took them too slowly or not at all."),
		reloads: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "steelyard_config_reloads_total", Help: "Configurations loaded, the first included, by result.",
		}, []string{"result"}),
		reloadSuccessful: gauge("steelyard_config_last_reload_successful", "Whether the last load of the configuration succeeded (1) or failed and left the old one running (0)."),
		reloadedAt:       gauge("steelyard_config_last_reload_success_timestamp_seconds", "When the running configuration was loaded, in Unix time."),
	}
	r.MustRegister(g.reloads)
	g.reloads.WithLabelValues("success")
	g.reloads.WithLabelValues("failure")
	return g
}

// ConnectionAccepted counts one connection accepted from a client.
func (r *Registry) ConnectionAccepted() { r.gateway.accepted.Inc() }

// ConnectionRefused counts one connection turned away at the connection limit.
func (r *Registry) ConnectionRefused() { r.gateway.refused.Inc() }

// AcceptFailed counts one failed accept.
func (r *Registry) AcceptFailed() { r.gateway.acceptFailed.Inc() }

// Panicked counts one panic recovered in the request path.
func (r *Registry) Panicked() { r.gateway.panics.Inc() }

// LogLinesDropped counts lines of the log, the access log apart, that were dropped.
func (r *Registry) LogLinesDropped(n int) { r.gateway.linesDropped.Add(float64(n)) }

// AccessLogLinesDropped counts access log lines that were dropped.
func (r *Registry) AccessLogLinesDropped(n int) { r.gateway.accessDropped.Add(float64(n)) }

// RequestRowDropped counts one request log row that was dropped.
func (r *Registry) RequestRowDropped() { r.gateway.rowsDropped.Inc() }

// Reloaded tells how loading a configuration ended. Call it for the first
// load too, so that the gauges are right from the start.
func (r *Registry) Reloaded(successful bool) {
	if !successful {
		r.gateway.reloads.WithLabelValues("failure").Inc()
		r.gateway.reloadSuccessful.Set(0)
		return
	}
	r.gateway.reloads.WithLabelValues("success").Inc()
	r.gateway.reloadSuccessful.Set(1)
	r.gateway.reloadedAt.Set(float64(time.Now().UnixMilli()) / 1e3)
}
