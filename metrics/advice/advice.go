// One recommendation, as it is told.

package advice

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
	"time"
)

// Kind is which of the recommendations it is.
type Kind string

// The closed list.
const (
	Capacity     Kind = "capacity"
	Replicas     Kind = "replicas"
	Patience     Kind = "patience"
	RetryStorm   Kind = "retry_storm"
	PromptGrowth Kind = "prompt_growth"
	Limits       Kind = "limits"
	Policy       Kind = "policy"
)

// Kinds are all of them, in the order in which they are told.
var Kinds = []Kind{Capacity, Replicas, Patience, RetryStorm, PromptGrowth, Limits, Policy}

// Status is what came of looking.
type Status string

const (
	Advised       Status = "advised"         // something should be changed
	NotEnoughData Status = "not_enough_data" // nothing can be said yet; the text says what it takes
	NoChange      Status = "no_change"       // all is well there
)

// Advice is one recommendation, or why there is none.
type Advice struct {
	ID       string         `json:"id"` // of the change: another value is another advice
	Kind     Kind           `json:"kind"`
	Upstream string         `json:"upstream"`
	Endpoint string         `json:"endpoint"` // "": it is not about one
	Status   Status         `json:"status"`
	Text     string         `json:"text"`
	Evidence map[string]any `json:"evidence"` // figures and short texts
	N        int            `json:"n"`        // requests that it is from
	// Interval holds the figure that the advice goes by in nine cases of ten; nil where there is none.
	Interval *[2]float64 `json:"interval,omitempty"`
	Effect   *Effect     `json:"effect,omitempty"` // nil: not known, or none
	Since    time.Time   `json:"since"`            // it is told
	Expires  time.Time   `json:"expires_at"`       // unless it is found again until then
	Diff     string      `json:"diff,omitempty"`   // of the configuration; written by whoever has its text

	Changes []Change `json:"-"` // of the configuration; none: it is not done there
	what    string   // is advised, where no change says it
}

// Effect is what the change would do to the mean response time.
type Effect struct {
	Ratio    float64     `json:"r_ratio"`            // R with the change, as a part of R without
	Interval *[2]float64 `json:"interval,omitempty"` // holds the ratio in nine cases of ten
	By       string      `json:"by"`                 // ByReplay or ByEstimate
	// Of a replay, in seconds: R as it was measured, and as it was simulated without the change and with it.
	Measured float64 `json:"r_measured_s,omitempty"`
	Before   float64 `json:"r_simulated_s,omitempty"`
	After    float64 `json:"r_changed_s,omitempty"`
}

// How an effect is known.
const (
	ByReplay   = "replay"
	ByEstimate = "estimate"
)

// Change is one key of the configuration with the value that it should have.
type Change struct {
	Upstream, Endpoint string // Endpoint "": the key is the upstream's
	Key                string // "capacity", "slots", "queue.order", "queue.max_requests"
	Value              string // as it stands in the file
}

// identify sets the ID: the same change of the same place is the same advice.
func (a *Advice) identify() {
	text := fmt.Sprintf("%s\x00%s\x00%s\x00%s\x00%s", a.Kind, a.Upstream, a.Endpoint, a.Status, a.what)
	for _, c := range a.Changes {
		text += "\x00" + c.Endpoint + "\x00" + c.Key + "\x00" + c.Value
	}
	sum := sha256.Sum256([]byte(text))
	a.ID = hex.EncodeToString(sum[:4])
}

// number writes a value of the configuration with so many digits as can be known.
func number(x float64) string {
	const digits = 2
	if x <= 0 {
		return "0"
	}
	unit := math.Pow(10, math.Floor(math.Log10(x))-digits+1)
	return strconv.FormatFloat(math.Round(x/unit)*unit, 'g', 12, 64)
}

func percent(ratio float64) string { return fmt.Sprintf("%.0f %%", 100*ratio) }

// brief writes a time with as many digits as a person reads.
func brief(seconds float64) string {
	switch {
	case seconds < 0.9995:
		return fmt.Sprintf("%.0f ms", 1e3*seconds)
	case seconds < 100:
		return fmt.Sprintf("%.1f s", seconds)
	}
	return (time.Duration(seconds) * time.Second).String()
}
