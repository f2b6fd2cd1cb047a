// The last minute, as the API shows it.

package admin

import (
	"math"

	"github.com/steelyard-proxy/steelyard/metrics/history"
)

// Recent is the figures of about the last minute. What is not known is left out.
type Recent struct {
	OverSeconds float64  `json:"over_seconds"` // the time that they are of
	Requests    float64  `json:"requests_rate"`
	Tokens      float64  `json:"tokens_rate"`
	Errors      uint64   `json:"errors"`
	ErrorRatio  *float64 `json:"error_ratio,omitempty"`
	ShareRatio  *float64 `json:"share,omitempty"` // measured
	ResponseP50 *float64 `json:"response_p50_s,omitempty"`
	ResponseP95 *float64 `json:"response_p95_s,omitempty"`
	FirstP50    *float64 `json:"first_byte_p50_s,omitempty"`
	FirstP95    *float64 `json:"first_byte_p95_s,omitempty"`
}

func (s *Server) recent(upstream, endpoint string) Recent {
	if s.history == nil {
		return Recent{}
	}
	return shownRecent(s.history.Recent(upstream, endpoint))
}

func shownRecent(r history.Recent) Recent {
	return Recent{
		OverSeconds: rounded(r.Over.Seconds()), Requests: rounded(r.Requests), Tokens: rounded(r.Tokens), Errors: r.Errors,
		ErrorRatio: figure(r.ErrorRatio), ShareRatio: figure(r.ShareRatio),
		ResponseP50: figure(r.ResponseP50), ResponseP95: figure(r.ResponseP95), FirstP50: figure(r.FirstP50), FirstP95: figure(r.FirstP95),
	}
}

// figure is a number as JSON can hold it; nil where it is not known.
func figure(v float64) *float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	v = rounded(v)
	return &v
}

// rounded has four digits: more are noise, and take bytes of every viewer.
func rounded(v float64) float64 {
	if v == 0 || math.IsNaN(v) || math.IsInf(v, 0) {
		return v
	}
	unit := math.Pow(10, 3-math.Floor(math.Log10(math.Abs(v))))
	if math.IsInf(unit, 0) || unit == 0 {
		return v
	}
	return math.Round(v*unit) / unit
}
