package metrics

import (
	"io"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// scrape returns the exposition of this moment.
func scrape(t *testing.T, r *Registry) string {
	t.Helper()
	page, err := io.ReadAll(r.Page())
	require.NoError(t, err)
	return string(page)
}

// full returns a registry in which every family has samples.
func full() *Registry {
	r := New(Build{Version: "1.2.3", Revision: "abc"})
	e, u := r.Endpoint("chat", "small"), r.Upstream("chat")
	e.Answered(200, 1500*time.Millisecond, 200*time.Millisecond, 40*time.Microsecond)
	e.AddBytes(ToClient, 300)
	e.Truncated()
	e.PromptSent(9000, 4096)
	e.PromptRead(2000, 1008)
	e.Repeated(RepeatStale)
	e.ConnectionOpened()
	e.ConnectionReused()
	e.ConnectionReused()
	e.ConnectionStale()
	e.Probed(ProbeBusy, 250*time.Millisecond)
	e.LookedUp(LookupNotFound)
	e.Ejected(EjectionEnforced, DetectorRatio)
	e.Slowing()
	u.Answered(503)
	u.Cancelled(PhaseFirstByte)
	u.AddBytes(FromClient, 7)
	u.Queued(30 * time.Millisecond)
	u.Unqueued(QueueFull)
	u.Failed(Failure{"queue_full", "steelyard"})
	r.Upstream("").Answered(400)
	r.Reloaded(true)
	r.CertificateExpires("/etc/steelyard/chat.pem", time.Unix(1800000000, 0))
	r.Observe(func() []EndpointState {
		return []EndpointState{{
			Upstream: "chat", Endpoint: "small", InFlight: 3, BaseCapacity: 100, EffectiveCapacity: 50, OnTrial: true, Cooling: true, Slots: 8,
			ShareRatio: 0.25, Eligible: true, Busy: true, Unreachable: true, Draining: true, IdleConnections: 4, ActiveConnections: 5,
		}}
	})
	r.ObserveAnalysis(func() Analysis {
		return Analysis{
			Faults: []FaultCount{{Upstream: "chat", Kind: "slow", Up: 1, Found: 2}}, Trends: []TrendCount{{"chat", 1}},
			Forecasts: []ForecastValue{{"chat", "arrivals", "lead", "p95", 7.5}},
		}
	})
	r.ObserveQueues(func() []QueueState { return []QueueState{{Upstream: "chat", Waiting: 6, Unavailable: true}} })
	r.ObservePredictors(func() []PredictorState {
		return []PredictorState{{Upstream: "chat", Dropped: 4, Ready: true, Known: 2, Learning: 3, Evicted: 5, Models: []PredictedModel{{Rows: map[string]uint64{"kept": 12}}, {
			Model: "m", Rule: "regression", Rows: map[string]uint64{"kept": 9, "aborted": 2},
			Scores: []PredictionScore{{"hints", 0.25, 3.5}, {"regression", 0.75, 1.5}},
		}}}}
	})
	r.ObserveEvents(func() []EventCount { return []EventCount{{Kind: "ejected", Count: 3}} })
	r.ObserveUsage(func() Usage { return Usage{Requests: 2, Memory: 3} })
	r.ObserveWebhooks(func() []WebhookState {
		return []WebhookState{{Webhook: "pager", Attempts: 9, Failed: 2, Delivered: 7, Refused: 1, Outdated: 3, Dropped: 4, Waiting: 5}}
	})
	r.ObserveNotify(func() []NotifyState {
		return []NotifyState{{Receiver: "chat", Attempts: 9, Failed: 2, Delivered: 7, Refused: 1, Outdated: 3, Dropped: 4, Waiting: 5, Failing: true}}
	})
	r.ObserveAlerts(func() ([]AlertState, AlertWork) {
		return []AlertState{{Name: "queue-long", Severity: "ticket", State: "firing", Alerts: 2}}, AlertWork{Evaluations: 7, Took: 1500 * time.Millisecond}
	})
	r.ObserveScales(func() []ScaleState {
		return []ScaleState{{Upstream: "chat", Wanted: 4, Now: 3, Coming: 1, Draining: 2, Need: 3.6, Arriving: 2.5, WaitingSeconds: 38, Out: 5, In: 6, Acting: true}}
	})
	r.ObserveDrift(func() int64 { return -2 })
	r.ObserveGateways(func() Gateways {
		return Gateways{Count: 3, Reached: true, Elsewhere: 12, Others: []OtherGateway{{Name: "gw-2", Age: 0.25}}, Leases: []Lease{{Name: "scale", Ours: true}}}
	})
	r.ObserveSignals(func() []SignalState {
		s := SignalState{
			Upstream: "chat", Endpoint: "small", Age: 1500 * time.Millisecond, Stale: true, Running: 7, Waiting: 2,
			CacheUsedRatio: 0.5, CacheTokens: 412000, Foreign: 2.5, Restarts: 1,
		}
		return []SignalState{s, s, {Upstream: "chat", Endpoint: "large", Running: -1, Waiting: -1, CacheUsedRatio: -1, CacheTokens: -1}}
	})
	r.ObserveDiscovery(func() []DiscoveryState {
		return []DiscoveryState{{Upstream: "chat", Source: "discovery", Endpoints: 9, Faults: 2, Stale: 1500 * time.Millisecond, Away: true, Reads: 5, Failures: 3}}
	})
	r.ObserveResources(func() []ResourceState {
		none := math.NaN()
		s := ResourceState{
			Upstream: "chat", Endpoint: "small", Age: 20 * time.Second, Ratios: []ResourceRatio{{"cpu", 0.25}, {"disk", 0.5}}, ReadOnly: true,
			OOMKills: 3, Temperature: 71, Power: 300.5, GPUError: 79,
		}
		return []ResourceState{s, s, {Upstream: "chat", Endpoint: "large", Age: time.Minute, Stale: true, OOMKills: none, Temperature: none, Power: none, GPUError: none}}
	})
	r.ObserveClients(func() ClientConnections { return ClientConnections{Idle: 1, Active: 2, Tunnel: 3} })
	return r
}

func TestEverySampleIsExposed(t *testing.T) {
	text := scrape(t, full())
	for _, line := range []string{
		`steelyard_endpoint_resource_ratio{endpoint="small",resource="cpu",upstream="chat"} 0.25`,
		`steelyard_endpoint_resource_stale{endpoint="large",upstream="chat"} 1`,
		`steelyard_endpoint_oom_kills_total{endpoint="small",upstream="chat"} 3`,
		`steelyard_requests_total{code="2xx",endpoint="small",upstream="chat"} 1`,
		`steelyard_requests_total{code="5xx",endpoint="small",upstream="chat"} 0`,
		`steelyard_requests_total{code="5xx",endpoint="",upstream="chat"} 1`,
		`steelyard_requests_total{code="4xx",endpoint="",upstream=""} 1`,
		`steelyard_events_total{kind="ejected"} 3`,
		`steelyard_gateways 3`,
		`steelyard_gateways_reached 1`,
		`steelyard_gateway_page_age_seconds{gateway="gw-2"} 0.25`,
		`steelyard_gateway_elsewhere_requests 12`,
		`steelyard_gateway_leads{lease="scale"} 1`,
		`steelyard_slowing_warnings_total{endpoint="small",upstream="chat"} 1`,
		`steelyard_ejections_total{detector="ratio",endpoint="small",mode="enforced",upstream="chat"} 1`,
		`steelyard_webhook_messages_total{result="dropped",webhook="pager"} 4`,
		`steelyard_webhook_attempts_total{result="taken",webhook="pager"} 7`,
		`steelyard_webhook_messages_waiting{webhook="pager"} 5`,
		`steelyard_notify_messages_total{receiver="chat",result="outdated"} 3`,
		`steelyard_notify_attempts_total{receiver="chat",result="taken"} 7`,
		`steelyard_notify_messages_waiting{receiver="chat"} 5`,
		`steelyard_notify_failing{receiver="chat"} 1`,
		`steelyard_queue_requests{upstream="chat"} 6`,
		`steelyard_upstream_unavailable{upstream="chat"} 1`,
		`steelyard_discovery_stale_seconds{source="discovery",upstream="chat"} 1.5`,
		`steelyard_discovery_trouble{source="discovery",trouble="away",upstream="chat"} 1`,
		`steelyard_discovery_reads_total{result="failed",source="discovery",upstream="chat"} 3`,
		`steelyard_queue_wait_time_seconds_sum{upstream="chat"} 0.03`,
		`steelyard_queue_refused_total{reason="full",upstream="chat"} 1`,
		`steelyard_queue_refused_total{reason="timeout",upstream="chat"} 0`,
		`steelyard_predictor_rows_dropped_total{upstream="chat"} 4`,
		`steelyard_predictor_ready{upstream="chat"} 1`,
		`steelyard_predictor_models{state="ready",upstream="chat"} 2`,
		`steelyard_predictor_models{state="learning",upstream="chat"} 3`,
		`steelyard_predictor_models_evicted_total{upstream="chat"} 5`,
		`steelyard_predictor_rows_total{reason="kept",upstream="chat"} 12`,
		`steelyard_predictor_model_rows_total{model="m",reason="aborted",upstream="chat"} 2`,
		`steelyard_predictor_rule_in_use{model="m",rule="hints",upstream="chat"} 0`,
		`steelyard_predictor_rule_in_use{model="m",rule="regression",upstream="chat"} 1`,
		`steelyard_predictor_r2_ratio{model="m",rule="regression",upstream="chat"} 0.75`,
		`steelyard_predictor_mean_absolute_error{model="m",rule="hints",upstream="chat"} 3.5`,
		`steelyard_endpoint_slots{endpoint="small",upstream="chat"} 8`,
		`steelyard_response_time_seconds_bucket{endpoint="small",upstream="chat",le="1"} 0`,
		`steelyard_response_time_seconds_bucket{endpoint="small",upstream="chat",le="2"} 1`,
		`steelyard_response_time_seconds_sum{endpoint="small",upstream="chat"} 1.5`,
		`steelyard_first_byte_time_seconds_bucket{endpoint="small",upstream="chat",le="0.25"} 1`,
		`steelyard_overhead_time_seconds_bucket{upstream="chat",le="3e-05"} 0`,
		`steelyard_overhead_time_seconds_bucket{upstream="chat",le="5e-05"} 1`,
		`steelyard_failures_total{code="queue_full",source="steelyard",upstream="chat"} 1`,
		`steelyard_bytes_total{direction="sent",endpoint="small",peer="client",upstream="chat"} 300`,
		`steelyard_bytes_total{direction="received",endpoint="",peer="client",upstream="chat"} 7`,
		`steelyard_truncated_answers_total{endpoint="small",upstream="chat"} 1`,
		`steelyard_prompt_bytes_total{endpoint="small",upstream="chat"} 9000`,
		`steelyard_prompt_expected_cached_bytes_total{endpoint="small",upstream="chat"} 4096`,
		`steelyard_prompt_tokens_total{endpoint="small",upstream="chat"} 2000`,
		`steelyard_prompt_cached_tokens_total{endpoint="small",upstream="chat"} 1008`,
		`steelyard_repeats_total{endpoint="small",reason="stale",upstream="chat"} 1`,
		`steelyard_cancellations_total{phase="first_byte",upstream="chat"} 1`,
		`steelyard_upstream_connections_opened_total{endpoint="small",upstream="chat"} 1`,
		`steelyard_upstream_connections_reused_total{endpoint="small",upstream="chat"} 2`,
		`steelyard_upstream_connections_stale_total{endpoint="small",upstream="chat"} 1`,
		`steelyard_upstream_connections{endpoint="small",state="idle",upstream="chat"} 4`,
		`steelyard_upstream_connections{endpoint="small",state="active",upstream="chat"} 5`,
		`steelyard_probes_total{endpoint="small",result="busy",upstream="chat"} 1`,
		`steelyard_probe_time_seconds_total{endpoint="small",upstream="chat"} 0.25`,
		`steelyard_name_lookups_total{endpoint="small",result="not_found",upstream="chat"} 1`,
		`steelyard_requests_in_flight{endpoint="small",upstream="chat"} 3`,
		`steelyard_endpoint_base_capacity{endpoint="small",upstream="chat"} 100`,
		`steelyard_endpoint_effective_capacity{endpoint="small",upstream="chat"} 50`,
		`steelyard_endpoint_cooling{endpoint="small",upstream="chat"} 1`,
		`steelyard_in_flight_drift -2`,
		`steelyard_endpoint_signal_age_seconds{endpoint="small",upstream="chat"} 1.5`,
		`steelyard_endpoint_signal_stale{endpoint="small",upstream="chat"} 1`,
		`steelyard_endpoint_engine_requests{endpoint="small",state="waiting",upstream="chat"} 2`,
		`steelyard_endpoint_foreign_requests{endpoint="small",upstream="chat"} 2.5`,
		`steelyard_endpoint_cache_used_ratio{endpoint="small",upstream="chat"} 0.5`,
		`steelyard_endpoint_cache_tokens{endpoint="small",upstream="chat"} 412000`,
		`steelyard_endpoint_restarts_total{endpoint="small",upstream="chat"} 1`,
		`steelyard_endpoint_on_trial{endpoint="small",upstream="chat"} 1`,
		`steelyard_endpoint_expected_share_ratio{endpoint="small",upstream="chat"} 0.25`,
		`steelyard_endpoint_eligible{endpoint="small",upstream="chat"} 1`,
		`steelyard_endpoint_busy{endpoint="small",upstream="chat"} 1`,
		`steelyard_endpoint_unreachable{endpoint="small",upstream="chat"} 1`,
		`steelyard_endpoint_condition{condition="draining",endpoint="small",upstream="chat"} 1`,
		`steelyard_endpoint_condition{condition="ejected",endpoint="small",upstream="chat"} 0`,
		`steelyard_client_connections{state="tunnel"} 3`,
		`steelyard_config_last_reload_successful 1`,
		`steelyard_config_reloads_total{result="success"} 1`,
	} {
		assert.Contains(t, text, line+"\n")
	}
	assert.NotContains(t, text, `steelyard_endpoint_cache_tokens{endpoint="large"`, "it is not known")
	assert.Contains(t, text, `revision="abc",version="1.2.3"} 1`)
	assert.Contains(t, text, "\ngo_goroutines ")
	assert.Contains(t, text, "\nprocess_start_time_seconds ")
}

func TestProcessCounters(t *testing.T) {
	r := New(Build{})
	r.ConnectionAccepted()
	r.ConnectionRefused()
	r.AcceptFailed()
	r.Panicked()
	r.LogLinesDropped(2)
	r.AccessLogLinesDropped(1)
	r.Reloaded(true)
	r.Reloaded(false)
	text := scrape(t, r)
	for _, line := range []string{
		"steelyard_client_connections_accepted_total 1",
		"steelyard_client_connections_refused_total 1",
		"steelyard_accept_failures_total 1",
		"steelyard_panics_total 1",
		"steelyard_access_log_lines_dropped_total 1",
		`steelyard_config_reloads_total{result="failure"} 1`,
		"steelyard_config_last_reload_successful 0",
	} {
		assert.Contains(t, text, line+"\n")
	}
	assert.NotContains(t, text, "steelyard_config_last_reload_success_timestamp_seconds 0\n")
}

func TestForgetRemovesLabelSets(t *testing.T) {
	r := New(Build{})
	small := r.Endpoint("chat", "small")
	r.Endpoint("chat", "large")
	r.Endpoint("embed", "small")
	r.Upstream("chat")
	assert.Same(t, small, r.Endpoint("chat", "small"))

	r.Forget("chat", "small")
	text := scrape(t, r)
	assert.NotContains(t, text, `endpoint="small",upstream="chat"`)
	assert.Contains(t, text, `endpoint="large",upstream="chat"`)
	assert.Contains(t, text, `endpoint="small",upstream="embed"`)

	assert.NotContains(t, text, "steelyard_prompt_bytes_total", "only where somebody goes by prompts")

	small.Truncated() // a late request
	assert.NotContains(t, scrape(t, r), `endpoint="small",upstream="chat"`)
	r.Endpoint("chat", "small")
	assert.Contains(t, scrape(t, r), `steelyard_truncated_answers_total{endpoint="small",upstream="chat"} 0`)

	// What is added up by upstream does not fall when an endpoint goes.
	large := r.Endpoint("chat", "large")
	large.Answered(200, time.Second, time.Second, time.Millisecond)
	r.Forget("chat", "large")
	assert.Contains(t, scrape(t, r), `steelyard_overhead_time_seconds_count{upstream="chat"} 1`)

	r.ForgetUpstream("chat")
	text = scrape(t, r)
	assert.NotContains(t, text, `upstream="chat"`)
	assert.Contains(t, text, `upstream="embed"`)
}

func TestClass(t *testing.T) {
	for code, want := range map[int]string{
		101: "1xx", 199: "1xx", 200: "2xx", 304: "3xx", 499: "4xx", 500: "5xx", 599: "5xx",
		0: "5xx", -1: "5xx", 99: "5xx", 600: "5xx", 999: "5xx",
	} {
		assert.Equal(t, want, classLabels[class(code)], "status %d", code)
	}
}

// TestOneBadStateCostsOnlyItself: a label that is not UTF-8, or a pair named
// twice, must not empty the scrape.
func TestOneBadStateCostsOnlyItself(t *testing.T) {
	r := New(Build{})
	r.Observe(func() []EndpointState {
		return []EndpointState{
			{Upstream: "a\xff", Endpoint: "x"},
			{Upstream: "chat", Endpoint: "twice", InFlight: 1}, {Upstream: "chat", Endpoint: "twice", InFlight: 2},
			{Upstream: "chat", Endpoint: "good", InFlight: 7},
		}
	})
	text := scrape(t, r)
	assert.Contains(t, text, `steelyard_requests_in_flight{endpoint="good",upstream="chat"} 7`)
	assert.Equal(t, 1, strings.Count(text, `steelyard_requests_in_flight{endpoint="twice"`))
	assert.Contains(t, text, "steelyard_requests_in_flight{endpoint=\"x\",upstream=\"a\uFFFD\"} 0")
}

// TestScrapeDuringTraffic lets the race detector see every instrument written
// while it is read and while endpoints come and go.
func TestScrapeDuringTraffic(t *testing.T) {
	r := full()
	e, u := r.Endpoint("chat", "small"), r.Upstream("chat")
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 2000 {
				e.Answered(200, time.Second, time.Second, time.Microsecond)
				e.AddBytes(FromUpstream, 1)
				e.Probed(ProbeUp, time.Millisecond)
				u.Cancelled(PhaseStream)
				r.Endpoint("chat", "passing").ConnectionOpened()
				r.Forget("chat", "passing")
			}
		})
	}
	for range 10 {
		scrape(t, r)
	}
	wg.Wait()
	text := scrape(t, r)
	assert.Contains(t, text, `steelyard_requests_total{code="2xx",endpoint="small",upstream="chat"} 8001`)
	assert.Contains(t, text, `steelyard_cancellations_total{phase="stream",upstream="chat"} 8000`)
}
