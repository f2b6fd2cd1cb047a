// What is counted about the process as a whole.

package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// gateway holds what is counted about the process as a whole.
type gateway struct {
	accepted, refused, acceptFailed prometheus.Counter
	idleClosed                      prometheus.Counter
	clientLimited                   [clientLimits]prometheus.Counter // by reason; none for NoLimit
	handshakes                      [handshakeFailures]prometheus.Counter
	certificates                    *prometheus.GaugeVec
	panics                          prometheus.Counter
	linesDropped, accessDropped     prometheus.Counter
	rowsDropped, usageDropped       prometheus.Counter
	usageUnwritten                  prometheus.Counter
	reloads                         *prometheus.CounterVec
	reloadSuccessful, reloadedAt    prometheus.Gauge
	replaced, replacedRequests      prometheus.Gauge
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
		accepted:       counter("steelyard_client_connections_accepted_total", "Connections accepted from clients."),
		refused:        counter("steelyard_client_connections_refused_total", "Connections answered 503 and closed because limits.connections was reached."),
		idleClosed:     counter("steelyard_client_connections_idle_closed_total", "Idle connections of clients closed to make room for new ones."),
		acceptFailed:   counter("steelyard_accept_failures_total", "Failed calls of accept, most often because file descriptors ran out."),
		panics:         counter("steelyard_panics_total", "Panics recovered in the request path; each cost one request."),
		linesDropped:   counter("steelyard_log_lines_dropped_total", "Lines of the log, the access log apart, dropped because standard error took them too slowly or not at all."),
		accessDropped:  counter("steelyard_access_log_lines_dropped_total", "Access log lines dropped because standard error took them too slowly or not at all."),
		rowsDropped:    counter("steelyard_request_log_rows_dropped_total", "Request log rows dropped because its file took them too slowly or not at all."),
		usageDropped:   counter("steelyard_usage_rows_dropped_total", "Finished requests that are missing in what is analysed, because too many came at once."),
		usageUnwritten: counter("steelyard_usage_rows_unwritten_total", "Finished requests that are missing in the files of usage.dir, because the disk took them too slowly or not at all; they count in memory."),
		reloads: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "steelyard_config_reloads_total", Help: "Configurations loaded, the first included, by result.",
		}, []string{"result"}),
		reloadSuccessful: gauge("steelyard_config_last_reload_successful", "Whether the last load of the configuration succeeded (1) or failed and left the old one running (0)."),
		replaced:         gauge("steelyard_replaced_processes", "Processes that this one has replaced and that have not ended yet, since streams still run there."),
		replacedRequests: gauge("steelyard_replaced_requests", "Requests in flight in the processes that this one has replaced. They count as in flight at their endpoints."),
		reloadedAt:       gauge("steelyard_config_last_reload_success_timestamp_seconds", "When the running configuration was loaded, in Unix time."),
	}
	limited := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "steelyard_client_limited_total", Help: "Requests and connections refused or cut because a client was too slow or held too much, by the bound.",
	}, []string{"reason"})
	for i := NoLimit + 1; i < clientLimits; i++ {
		g.clientLimited[i] = limited.WithLabelValues(clientLimitLabels[i])
	}
	handshakes := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "steelyard_tls_handshake_failures_total", Help: "TLS handshakes of clients that failed, by why.",
	}, []string{"reason"})
	for i, label := range handshakeLabels {
		g.handshakes[i] = handshakes.WithLabelValues(label)
	}
	g.certificates = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "steelyard_certificate_expiry_timestamp_seconds", Help: "When the certificate that clients are shown ends, in Unix time.",
	}, []string{"file"})
	r.MustRegister(limited, handshakes, g.certificates)
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

// IdleClosed counts one idle connection closed to make room for another.
func (r *Registry) IdleClosed() { r.gateway.idleClosed.Inc() }

// ClientLimited counts what a bound on clients has refused or cut. NoLimit counts nothing.
func (r *Registry) ClientLimited(l ClientLimit) {
	if l != NoLimit {
		r.gateway.clientLimited[l].Inc()
	}
}

// HandshakeFailed counts one TLS handshake of a client that failed.
func (r *Registry) HandshakeFailed(why HandshakeFailure) { r.gateway.handshakes[why].Inc() }

// CertificateExpires says when the certificate in a file ends.
func (r *Registry) CertificateExpires(file string, at time.Time) {
	r.gateway.certificates.WithLabelValues(file).Set(float64(at.Unix()))
}

// Panicked counts one panic recovered in the request path.
func (r *Registry) Panicked() { r.gateway.panics.Inc() }

// LogLinesDropped counts lines of the log, the access log apart, that were dropped.
func (r *Registry) LogLinesDropped(n int) { r.gateway.linesDropped.Add(float64(n)) }

// AccessLogLinesDropped counts access log lines that were dropped.
func (r *Registry) AccessLogLinesDropped(n int) { r.gateway.accessDropped.Add(float64(n)) }

// RequestRowDropped counts one request log row that was dropped.
func (r *Registry) RequestRowDropped() { r.gateway.rowsDropped.Inc() }

// UsageRowDropped counts one finished request that could not be analysed.
func (r *Registry) UsageRowDropped() { r.gateway.usageDropped.Inc() }

// UsageRowsUnwritten counts finished requests that could not be written to usage.dir.
func (r *Registry) UsageRowsUnwritten(n int) { r.gateway.usageUnwritten.Add(float64(n)) }

// Reloaded records how loading a configuration ended. Call it for the first
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

// Replaced records how many processes that this one has replaced have not ended, and how many
// requests they still have in flight.
func (r *Registry) Replaced(processes int, requests int64) {
	r.gateway.replaced.Set(float64(processes))
	r.gateway.replacedRequests.Set(float64(requests))
}
