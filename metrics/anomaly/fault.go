// A fault: what is odd, where, since when, by what figures.

package anomaly

import (
	"fmt"
	"time"
)

// Symptom is what is odd.
type Symptom uint8

// The symptoms.
const (
	Slow      Symptom = iota // requests take longer for their work
	Errors                   // requests fail
	Truncated                // answers are cut short
	Stalls                   // requests take many times as long as they should, or nothing comes
	Apart                    // an endpoint is outside of the fleet's largest cluster
	Demand                   // more work is asked for than usual
	Overhead                 // the gateway itself takes longer
	Outage                   // most requests find no endpoint that takes them
	symptoms
)

var symptomNames = [symptoms]string{"slow", "errors", "truncated", "stalls", "apart", "demand", "overhead", "outage"}

func (s Symptom) String() string { return symptomNames[s] }

// Cause is whose fault it is.
type Cause string

// The causes.
const (
	OfEndpoint Cause = "endpoint"
	OfModel    Cause = "model"
	OfUser     Cause = "user"
	OfNetwork  Cause = "network"
	OfUpstream Cause = "upstream" // all its endpoints alike
	OfDemand   Cause = "demand"
	OfGateway  Cause = "gateway"
)

// Place is where a fault is. What is empty is not part of it.
type Place struct{ Upstream, Endpoint, Model, User, Phase string }

// Fault is one thing that is odd.
type Fault struct {
	ID       string
	Symptom  Symptom
	Cause    Cause
	Place    Place
	Since    time.Time
	Found    time.Time
	Until    time.Time // zero: it goes on
	Ratio    float64   // times the usual; of errors, truncated and stalls the part of the requests
	Share    float64   // the part of the excess that its place has, 0 to 1
	Others   []Share   // along the dimension of its place, or that of endpoints
	Text     string
	WhatToDo string
	Evidence map[string]any

	normal bool // it goes on, and has been taken for normal
}

// Over says that it has ended.
func (f *Fault) Over() bool { return !f.Until.IsZero() }

// sign is what one judge says.
type sign struct {
	symptom  Symptom
	endpoint string // the one it accuses; "": the upstream or one of its models
	model    string
	since    time.Time
	ratio    float64
	part     bool // ratio is a part of the requests
	evidence map[string]any
}

// key is by what a sign is known again at the next look.
func (s *sign) key() string { return fmt.Sprint(s.symptom, "\x00", s.endpoint, "\x00", s.model) }
