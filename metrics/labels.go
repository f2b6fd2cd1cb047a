// The closed lists that labels take their values from.

package metrics

// Phase is where in its life a request was when its client left it.
type Phase uint8

// The phases of a request that can be cancelled.
const (
	PhaseRead      Phase = iota // reading the request's body, as far as it is held
	PhaseQueue                  // waiting for an endpoint
	PhaseConnect                // dialling the endpoint, TLS included
	PhaseUpload                 // sending the request to the endpoint
	PhaseFirstByte              // waiting for the endpoint's answer
	PhaseStream                 // carrying the answer to the client
	PhaseTunnel                 // carrying an upgraded connection
	phases
)

var phaseLabels = [phases]string{"read", "queue", "connect", "upload", "first_byte", "stream", "tunnel"}

// String is the phase as labels have it.
func (p Phase) String() string { return phaseLabels[p] }

// RepeatReason is why a request was tried again.
type RepeatReason uint8

// The reasons to repeat a request.
const (
	RepeatConnect  RepeatReason = iota // the endpoint could not be connected to
	RepeatStale                        // a reused connection had died while idle
	RepeatBroken                       // the endpoint broke off after it may have read the request, which may be done twice
	RepeatSilent                       // it gave no answer in time to such a request
	RepeatStatus                       // it answered with a status that upstreams[].retry.statuses has
	RepeatPushBack                     // it answered that it cannot take the request now: 429, or 503 with Retry-After
	RepeatCut                          // it cut a stream short, whose rest another endpoint gave
	repeatReasons
)

var repeatLabels = [repeatReasons]string{"connect", "stale", "broken", "silent", "status", "push_back", "cut"}

// HedgeResult is what came of a second attempt beside the first.
type HedgeResult uint8

// The results of a hedge.
const (
	HedgeWon    HedgeResult = iota // it answered first
	HedgeLost                      // the first attempt did
	HedgeFailed                    // neither did
	hedgeResults
)

var hedgeLabels = [hedgeResults]string{"won", "lost", "failed"}

// UnqueuedReason is why a request did not get a slot.
type UnqueuedReason uint8

// The reasons to refuse a request for want of a slot.
const (
	QueueFull      UnqueuedReason = iota // as many waited as are allowed: answered 429
	QueueTimeout                         // it waited as long as is allowed: answered 503, or 504 by timeouts.total
	QueueDisplaced                       // the queue was full and a request of a higher priority came: answered 503
	unqueuedReasons
)

var unqueuedLabels = [unqueuedReasons]string{"full", "timeout", "displaced"}

// ClientLimit is a bound on what a client may do.
type ClientLimit uint8

// The bounds on clients; NoLimit is none of them.
const (
	NoLimit          ClientLimit = iota
	LimitSendRate                // its body came too slowly: cut, answered 408
	LimitReadRate                // it took its answer too slowly: cut
	LimitConnections             // its address had too many connections: answered 429, or closed
	LimitRequests                // its address had too many requests under way: answered 429
	LimitWaiting                 // too many requests of its address waited for a slot: answered 429
	LimitBodyMemory              // bodies from its address took too much memory: answered 429
	clientLimits
)

var clientLimitLabels = [clientLimits]string{"", "send_rate", "read_rate", "connections", "requests", "waiting", "body_memory"}

// HandshakeFailure is why a client's TLS handshake failed.
type HandshakeFailure uint8

// The ways in which a TLS handshake fails.
const (
	HandshakePlainHTTP HandshakeFailure = iota // plain HTTP on a TLS port: answered 400
	HandshakeNotTLS                            // the bytes were not TLS
	HandshakeTimeout                           // not done within timeouts.header
	HandshakeClosed                            // the client left before its end
	HandshakeVersion                           // no TLS version in common
	HandshakeRefused                           // the client ended it with an alert: most often it does not trust the certificate
	HandshakeOther                             // something else, such as no cipher in common
	handshakeFailures
)

var handshakeLabels = [handshakeFailures]string{"plain_http", "not_tls", "timeout", "closed", "version", "refused", "other"}

func (f HandshakeFailure) String() string { return handshakeLabels[f] }

// ProbeResult is what one probe found.
type ProbeResult uint8

// The results of a probe.
const (
	ProbeUp   ProbeResult = iota // healthy
	ProbeBusy                    // alive and full: stays eligible
	ProbeDown                    // failed
	probeResults
)

var probeLabels = [probeResults]string{"up", "busy", "down"}

// LookupResult is what one look-up of an endpoint's name found.
type LookupResult uint8

// The results of a look-up.
const (
	LookupFound    LookupResult = iota
	LookupNotFound              // there is no such name, or it has no address
	LookupFailed                // name servers said nothing of it
	lookupResults
)

var lookupLabels = [lookupResults]string{"found", "not_found", "failed"}

// Detector is what found that something is wrong with an endpoint's real traffic.
type Detector uint8

// The detectors that eject endpoints, in the order of package health/outlier.
const (
	DetectorConsecutive Detector = iota // failures in a row
	DetectorRatio                       // too large a part of its requests failed
	DetectorSlow                        // it became slow where its peers did not
	DetectorStall                       // requests waited, and not a byte came
	DetectorCluster                     // it stood apart from a large fleet
	detectors
)

var detectorLabels = [detectors]string{"consecutive", "ratio", "slow", "stall", "cluster"}

// EjectionMode says whether an ejection took place.
type EjectionMode uint8

// The modes of an ejection.
const (
	EjectionEnforced EjectionMode = iota // it did
	EjectionShadow                       // it would have, if the detector ejected
	ejectionModes
)

var ejectionModeLabels = [ejectionModes]string{"enforced", "shadow"}

// Traffic says between whom bytes went, and which way.
type Traffic uint8

// The four flows of bytes through the gateway.
const (
	FromClient Traffic = iota
	ToUpstream
	FromUpstream
	ToClient
	flows
)

// trafficLabels are the values of the labels peer and direction.
var trafficLabels = [flows][2]string{
	FromClient:   {"client", "received"},
	ToUpstream:   {"upstream", "sent"},
	FromUpstream: {"upstream", "received"},
	ToClient:     {"client", "sent"},
}

// classLabels are the code classes; class maps a status to its index.
var classLabels = [...]string{"1xx", "2xx", "3xx", "4xx", "5xx"}

// class returns the index of a status' class. A status outside 100 to 599,
// which HTTP does not know, counts as 5xx.
func class(code int) int {
	if code < 100 || code > 599 {
		return len(classLabels) - 1
	}
	return code/100 - 1
}
