// The metrics by endpoint, by upstream and of clients' connections.

package metrics

// The families by endpoint, by upstream and of clients' connections.
var (
	requests      = family("requests_total", "Requests ended, by class of the status the client got (499 when it left); without an endpoint where none took part.", "upstream", "endpoint", "code")
	cancellations = family("cancellations_total", "Requests whose client left before the end of the answer, by where they were.", "upstream", "phase")
	bytesTotal    = family("bytes_total", "Bytes of messages, headers included and TLS not.", "upstream", "endpoint", "peer", "direction")

	responseTime  = histogramFamily("response_time_seconds", "From the first byte of the request to the last byte of the answer.", "upstream", "endpoint")
	firstByteTime = histogramFamily("first_byte_time_seconds", "From the first byte of the request to the first byte of the endpoint's answer.", "upstream", "endpoint")
	overheadTime  = histogramFamily("overhead_time_seconds", "Time a request spent in steelyard itself, without its waits for the endpoint and the client.", "upstream")

	truncated = family("truncated_answers_total", "Answers that the endpoint cut short after the client had got the beginning.", "upstream", "endpoint")
	repeats   = family("repeats_total", "Requests tried again, by the endpoint that failed and how.", "upstream", "endpoint", "reason")
	probes    = family("probes_total", "Probes, by what they found.", "upstream", "endpoint", "result")
	lookups   = family("name_lookups_total", "Look-ups of the endpoint's name, by what they found; none where its URL has an address.", "upstream", "endpoint", "result")
	probeTime = family("probe_time_seconds_total", "Time that all probes took together.", "upstream", "endpoint")

	opened      = family("upstream_connections_opened_total", "Connections made to the endpoint for requests.", "upstream", "endpoint")
	reused      = family("upstream_connections_reused_total", "Requests sent on a connection that was idle.", "upstream", "endpoint")
	stale       = family("upstream_connections_stale_total", "Idle connections found dead when they were wanted.", "upstream", "endpoint")
	connections = family("upstream_connections", "Connections to the endpoint open now.", "upstream", "endpoint", "state")

	inFlight          = family("requests_in_flight", "Requests that hold the endpoint now, to the end of their streams.", "upstream", "endpoint")
	baseCapacity      = family("endpoint_base_capacity", "The endpoint's rate of work as configured or learned, in the upstream's own unit.", "upstream", "endpoint")
	effectiveCapacity = family("endpoint_effective_capacity", "The capacity that counts now: base times ramp, which grows after the endpoint has come back.", "upstream", "endpoint")
	endpointCooling   = family("endpoint_cooling", "Whether the endpoint has asked, by 429 or by 503 with Retry-After, to be left alone for a while.", "upstream", "endpoint")
	endpointOnTrial   = family("endpoint_on_trial", "Whether the endpoint has come back and a few requests at once find out whether it serves well.", "upstream", "endpoint")
	endpointSlots     = family("endpoint_slots", "Requests that the endpoint works on at once, configured or learned; 0: no limit.", "upstream", "endpoint")
	expectedShare     = family("endpoint_expected_share_ratio", "The part of the upstream's requests that the endpoint should get now.", "upstream", "endpoint")
	eligible          = family("endpoint_eligible", "Whether the endpoint may be picked.", "upstream", "endpoint")
	busy              = family("endpoint_busy", "Whether the last probes found the endpoint alive and full.", "upstream", "endpoint")
	unreachable       = family("endpoint_unreachable", "Whether a request could not connect and nothing has shown since that one can, so that the endpoint is passed over for a while.", "upstream", "endpoint")
	condition         = family("endpoint_condition", "Whether the condition, a reason not to be picked, is set.", "upstream", "endpoint", "condition")

	prompts = [promptCounts]*aFamily{
		promptBytes:   family("prompt_bytes_total", "Bytes of prompts sent to the endpoint, as they stand in requests; where the policy goes by prompts.", "upstream", "endpoint"),
		expectedBytes: family("prompt_expected_cached_bytes_total", "Bytes of steelyard_prompt_bytes_total that the engine was expected to have in its cache.", "upstream", "endpoint"),
		promptTokens:  family("prompt_tokens_total", "Tokens of the same prompts, by what the engine says with its answers; where it does.", "upstream", "endpoint"),
		cachedTokens:  family("prompt_cached_tokens_total", "Tokens of steelyard_prompt_tokens_total that were in its cache.", "upstream", "endpoint"),
	}

	slowing   = family("slowing_warnings_total", "Warnings that the endpoint becomes slower than its peers, and would be ejected if that went on.", "upstream", "endpoint")
	ejections = family("ejections_total", "Ejections of the endpoint for how its requests went, by what was found, and those that a detector in shadow would have made.", "upstream", "endpoint", "detector", "mode")

	queueRequests = family("queue_requests", "Requests that wait for a slot now.", "upstream")
	unavailable   = family("upstream_unavailable", "Whether no endpoint of the upstream is eligible, and requests are refused or go to its fallback: 0 also while they are held for an endpoint that has still to come.", "upstream")
	queueWaitTime = histogramFamily("queue_wait_time_seconds", "Time that requests waited for a slot which then got one; those that found one free do not count.", "upstream")
	queueBegun    = family("queue_streams_begun_total", "Streams that were begun with comments while their requests waited for a slot.", "upstream")
	queueRefused  = family("queue_refused_total", "Requests refused for want of a slot: the queue was full (429), the wait too long (503, 504), or one of a higher priority took the place (503).", "upstream", "reason")

	fallbacks      = family("fallbacks_total", "Requests that went to the upstream's fallback, as no endpoint was eligible.", "upstream")
	hedges         = family("hedges_total", "Requests sent to a second endpoint beside a first that was slow to answer, by what came of that.", "upstream", "result")
	retriesRefused = family("retries_refused_total", "Requests that were not tried again because the budget of retries was spent.", "upstream")

	failures = family("failures_total", "Requests that failed, by the code of proxy/ERRORS.md, and whose fault it was; answered_5xx is a failure that the endpoint itself answered with.", "upstream", "code", "source")

	requestsUnderWay = family("requests_under_way", "Requests that limits.requests counts now: those that have a route, to the end of their answers.")
	memoryInUse      = family("memory_in_use_bytes", "Memory that limits.memory counts: of the heap what is alive, stacks, and held bodies.")

	inFlightDrift    = family("in_flight_drift", "Requests that servers are counted to have, less those that hold one. Other than 0 for moments, as requests come and go, it is a fault of steelyard.")
	gateways         = family("gateways", "Gateways that share the servers, this one included; while the others cannot be reached, as many as there were last.")
	gatewaysReached  = family("gateways_reached", "Whether the other gateways can be reached (1), or this one goes on alone (0). 1 where there is nobody to reach.")
	gatewayPageAge   = family("gateway_page_age_seconds", "How old what another gateway has told is.", "gateway")
	gatewayElsewhere = family("gateway_elsewhere_requests", "Requests that other gateways have in flight at our servers, as they count here.")
	gatewayLeads     = family("gateway_leads", "Whether this gateway acts for all (1) in what the lease is about.", "lease")

	clientConnections = family("client_connections", "Connections from clients open now.", "state")
)
