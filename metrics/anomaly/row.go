// What a row says of its request.

package anomaly

import (
	"math"

	"github.com/steelyard-proxy/steelyard/metrics/usage"
)

// kind is how a request ended, as far as its endpoint is concerned.
type kind uint8

const (
	answered  kind = iota
	failed         // by the endpoint's doing, or on the way to it
	left           // its client left while the endpoint had it
	notTheirs      // anything else: the client's doing, or ours
)

// verdict is what a row comes to.
type verdict struct {
	kind    kind
	symptom Symptom // of one that failed
	time    float64 // for a unit of its work, as a logarithm
	work    float64
}

// endpoints' failures, by the codes of proxy/ERRORS.md. Those that are not here are the client's or ours.
var endpointFailures = map[string]Symptom{
	"connect_failed": Errors, "connect_timeout": Errors, "closed_before_answer": Errors, "bad_answer": Errors, "probes_failed": Errors,
	"answered_5xx": Errors, "truncated_answer": Truncated, "first_byte_timeout": Stalls, "idle_timeout": Stalls,
}

func read(r *usage.Row) (v verdict) {
	v.work = r.Work
	if !(v.work > 0) || math.IsInf(v.work, 0) {
		v.work = 1
	}
	v.kind = notTheirs
	s, theirs := Errors, false
	if r.Failure != "" {
		s, theirs = endpointFailures[r.Failure]
	}
	switch {
	case theirs:
		v.kind, v.symptom = failed, s
	case r.Failure == "" && r.Status >= 500 && r.Status != 501 && r.Status != 505:
		v.kind, v.symptom = failed, Errors
	case r.Service <= 0:
	case r.Failure == "" && r.Status >= 200 && r.Status < 400:
		v.kind = answered
	case r.Failure == "client_gone" || r.Status == 499 && r.Failure == "":
		v.kind = left
	}
	if r.Service > 0 {
		v.time = math.Log(r.Service.Seconds() / v.work)
	}
	return v
}
