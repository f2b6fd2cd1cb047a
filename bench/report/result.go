// The result of a run, as result.json has it.

package report

import (
	"encoding/json"
	"math"
	"time"
)

// Schema is the version of result.json.
const Schema = 1

// Result is everything about one run.
type Result struct {
	Schema   int      `json:"schema"`
	Scenario string   `json:"scenario"`
	Title    string   `json:"title"`
	About    string   `json:"about"`
	Command  []string `json:"command"` // as it was given

	Started        time.Time         `json:"started"`
	ElapsedSeconds float64           `json:"elapsed_seconds"`
	Machine        Machine           `json:"machine"`
	Versions       map[string]string `json:"versions"` // of each program that took part

	Seeds     []uint64   `json:"seeds"`
	Requests  int        `json:"requests"` // of each trace
	Rate      float64    `json:"rate"`     // T, per second
	Endpoints []Endpoint `json:"endpoints"`
	Balancers int        `json:"balancers"` // of cases that do not say it
	Measured  bool       `json:"measured"`  // through sockets, not only in virtual time

	Notes    []string  `json:"notes,omitempty"` // what somebody has to know who reads the figures
	Formulas []Formula `json:"formulas,omitempty"`
	Cases    []Case    `json:"cases,omitempty"`
	Fleets   []Fleet   `json:"fleets,omitempty"` // of a scenario of sizes
	Trials   []Trial   `json:"trials,omitempty"` // of the scenario of faults

	Offers  []Offer  `json:"offers,omitempty"`  // of the scenario of inference work
	Against string   `json:"against,omitempty"` // the contender of Offers that all are compared with
	Shown   []string `json:"shown,omitempty"`   // contenders that have curves, a few
	Goals   []Goal   `json:"goals,omitempty"`
	Tables  []Sheet  `json:"tables,omitempty"`
}

// Machine is where it ran.
type Machine struct {
	OS     string `json:"os"`
	Arch   string `json:"arch"`
	Kernel string `json:"kernel,omitempty"`
	CPU    string `json:"cpu,omitempty"`
	Cores  int    `json:"cores"`
	Go     string `json:"go"`
}

// Endpoint is one simulated server of the run.
type Endpoint struct {
	Name     string  `json:"name"`
	Capacity float64 `json:"capacity"` // C_i
	Share    float64 `json:"share"`    // C_i / ΣC, 0 to 1
	Slots    int     `json:"slots"`
}

// Formula is one line of the worked example.
type Formula struct {
	Name        string   `json:"name"`
	Expression  string   `json:"expression"`
	Values      []Number `json:"values"`      // what it yields
	Utilisation []Number `json:"utilisation"` // of each endpoint, where it is a split of T
	Response    Number   `json:"response_seconds"`
	Verdict     string   `json:"verdict"`
	Wrong       bool     `json:"wrong"` // it does not hold
}

// Case is one kind of work offered to all contenders.
type Case struct {
	Name      string   `json:"name"`
	Work      string   `json:"work"`
	Balancers int      `json:"balancers"` // that share the endpoints, none of which sees the others' traffic
	Theory    []Line   `json:"theory"`
	Rows      []Row    `json:"rows"`
	Sweep     []Curve  `json:"sweep,omitempty"`  // simulated mean response over T/ΣC
	Target    *Verdict `json:"target,omitempty"` // what was to be reached
}

// Line is a figure from theory, or from the idealised simulation on the same traces.
type Line struct {
	Name     string `json:"name"`
	Response Number `json:"response_seconds"` // mean
	Source   string `json:"source"`
}

// The kinds of a Row.
const (
	Ours      = "steelyard" // measured
	Peer      = "peer"      // measured
	Simulated = "simulated"
)

// Row is how one contender did.
type Row struct {
	Contender string `json:"contender"`
	Kind      string `json:"kind"`
	Settings  string `json:"settings"`           // in words
	Unstable  bool   `json:"unstable,omitempty"` // meant to overload an endpoint: figures tell how long the run was

	Stats
	BySeed      []Stats          `json:"by_seed"`
	Shares      []float64        `json:"shares"` // by endpoint, 0 to 1
	Failures    map[string]int64 `json:"failures,omitempty"`
	RatioToPeer Number           `json:"ratio_to_best_peer"`   // mean over the best peer's, median over seeds
	Way         Number           `json:"way_seconds"`          // what a request takes beside its service where none waits, measured apart; 0 simulated
	Simulation  *Stats           `json:"simulation,omitempty"` // of the same policy on the same traces, with the way added

	Quantiles []Point `json:"quantiles"` // of all requests of all seeds: X the part that is done by Y seconds
	Queue     []Point `json:"queue"`     // requests in the system, waiting or served, over the first trace
}

// Stats are figures of response time, from the intended start to the last byte: of one trace, or medians over traces.
type Stats struct {
	Mean    Number `json:"mean_seconds"`
	P50     Number `json:"p50_seconds"`
	P90     Number `json:"p90_seconds"`
	P99     Number `json:"p99_seconds"`
	LongP99 Number `json:"long_p99_seconds"` // p99 of the tenth of the requests that have the most work
}

// Verdict says whether a target was met.
type Verdict struct {
	Contender string `json:"contender"` // the best of ours
	Peer      string `json:"peer"`      // the best of theirs
	Ratio     Number `json:"ratio"`
	Most      Number `json:"most"`
	Met       bool   `json:"met"`
}

// Curve is one contender's line in a plot.
type Curve struct {
	Name   string  `json:"name"`
	Theory bool    `json:"theory,omitempty"` // a formula, not a contender
	Points []Point `json:"points"`
}

// Point is one of a curve.
type Point struct {
	X float64 `json:"x"`
	Y Number  `json:"y"`
}

// Fleet is one policy on one size of fleet.
type Fleet struct {
	Policy    string  `json:"policy"`
	Endpoints int     `json:"endpoints"`
	PickNanos float64 `json:"pick_nanoseconds"`  // to place one request and end another
	Misplaced float64 `json:"misplaced_ratio"`   // the part of the requests that went elsewhere than shares by capacity say
	Farthest  float64 `json:"farthest_requests"` // the largest difference of one endpoint from its due
}

// Number is a figure that may not exist: infinite ones and NaN are null in JSON, and read back as NaN.
type Number float64

// None is the figure that does not exist.
func None() Number { return Number(math.NaN()) }

// Exists says whether it is a finite figure.
func (n Number) Exists() bool { return !math.IsNaN(float64(n)) && !math.IsInf(float64(n), 0) }

// MarshalJSON writes null where there is no figure.
func (n Number) MarshalJSON() ([]byte, error) {
	if !n.Exists() {
		return []byte("null"), nil
	}
	return json.Marshal(float64(n))
}

// UnmarshalJSON reads null as a figure that does not exist.
func (n *Number) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		*n = None()
		return nil
	}
	return json.Unmarshal(data, (*float64)(n))
}
