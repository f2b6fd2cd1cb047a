// The state of upstreams and endpoints, as the API shows it.

package admin

import "time"

// Fleet is all that the admin listener can see of the pools and do to them. Its
// methods are called from many goroutines at once and must not block.
type Fleet interface {
	// Upstreams returns the state of every upstream and endpoint now, in
	// configured order. The caller does not write to it.
	Upstreams() []Upstream
	// Drain sets or lifts the draining condition of an endpoint and reports
	// whether that changed anything. An error means that it did nothing, most
	// often because the endpoint has gone.
	Drain(upstream, endpoint string, on bool, reason string) (changed bool, err error)
}

// Upstream is the state of one upstream, as the API shows it.
type Upstream struct {
	Name   string `json:"name"`
	Policy string `json:"policy"`
	// Note is a remark of the policy on how it shares at present; mostly empty.
	Note string `json:"note,omitempty"`
	// Panicking: panic mode, in which too few endpoints are eligible and ejections are ignored.
	Panicking bool `json:"panicking"`
	// Spilled: the first tier falls short, so that others are used as well.
	Spilled bool `json:"spilled"`
	// Holding: nobody is eligible, and requests wait for endpoints that have still to come.
	Holding bool `json:"holding,omitempty"`
	// Fallback gets its requests while no endpoint is eligible; empty: none does.
	Fallback  string     `json:"fallback,omitempty"`
	Queue     Queue      `json:"queue"`
	Endpoints []Endpoint `json:"endpoints"`
	// Sources name endpoints besides those of the configuration.
	Sources []Source `json:"sources,omitempty"`
}

// Source is how a source of endpoints fares, as the API shows it.
type Source struct {
	Name         string   `json:"name"`           // unique in its upstream
	Kind         string   `json:"kind,omitempty"` // as configured
	Known        bool     `json:"known"`          // it has said something
	Endpoints    int      `json:"endpoints"`      // in force
	Version      string   `json:"version,omitempty"`
	Trouble      string   `json:"trouble"` // none, away, empty or held
	Why          string   `json:"why,omitempty"`
	StaleSeconds float64  `json:"stale_seconds"` // for how long what is in force is not what it says
	Faults       []string `json:"faults"`        // endpoints that cannot be used, and why
}

// Queue is the requests that wait for a slot, as the API shows them.
type Queue struct {
	Waiting       int     `json:"waiting"`        // requests
	OldestSeconds float64 `json:"oldest_seconds"` // how long the oldest has waited
	DrainRate     float64 `json:"drain_rate"`     // requests/s that left it lately
}

// Endpoint is the state of one endpoint, as the API shows it.
type Endpoint struct {
	Name     string  `json:"name"`
	URL      string  `json:"url"`
	ID       string  `json:"id,omitempty"`     // who it is beyond its address, where a source says so
	Source   string  `json:"source,omitempty"` // who names it; empty: the configuration
	Capacity float64 `json:"capacity"`         // configured or learned, in the upstream's unit
	// ConfiguredCapacity is the one of the file; 0 where it gives none. CapacityAuto: it is where learning begins.
	ConfiguredCapacity float64 `json:"configured_capacity"`
	CapacityAuto       bool    `json:"capacity_auto"`
	EffectiveCapacity  float64 `json:"effective_capacity"`
	Tier               int     `json:"tier"`      // 0 is used first
	Standby            bool    `json:"standby"`   // it is well, but the tiers before its own suffice
	Comeback           string  `json:"comeback"`  // how far it is on its way back: settled, away, on_trial or ramping
	RampRatio          float64 `json:"ramp"`      // the part of its capacity and slots in force, above 0 to 1
	TrialRequests      int     `json:"trial"`     // requests at once that may try it; 0: no limit
	Slots              int     `json:"slots"`     // requests it works on at once; 0: no limit
	ShareRatio         float64 `json:"share"`     // expected, of the upstream's requests: 0 to 1
	InFlight           int64   `json:"in_flight"` // requests, to the end of their streams
	Eligible           bool    `json:"eligible"`
	Busy               bool    `json:"busy"`        // the last probes said full; still eligible
	Cooling            bool    `json:"cooling"`     // it asked to be left alone for a while, which is not over; still eligible
	Unreachable        bool    `json:"unreachable"` // connections for requests fail, so it is passed over for a while; still eligible

	// Drained: draining, and nothing is in flight on its server any more, to which no other upstream
	// sends either: it may be switched off.
	Drained bool `json:"drained"`

	Conditions  []Condition `json:"conditions"`      // why it may not be picked; empty when it may
	Probe       *Probe      `json:"probe,omitempty"` // the last one; nil before the first
	Connections Connections `json:"connections"`
	Signal      *Signal     `json:"signal,omitempty"`    // nil: its engine is not asked
	Resources   *Resources  `json:"resources,omitempty"` // nil: nobody tells of its machine
	Cost        *Cost       `json:"cost,omitempty"`      // nil: the policy does not go by cost
}

// Probe is how one probe ended.
type Probe struct {
	At          time.Time `json:"at"`
	Result      string    `json:"result"` // passed, busy, or why it failed
	TookSeconds float64   `json:"took_s"`
}

// Cost is what a policy that goes by cost knows of a server. What was not measured yet is left out.
type Cost struct {
	Reading       int      `json:"reading"`                    // requests without a first token
	ReadingTokens int64    `json:"reading_tokens"`             // of their prompts
	Writing       int      `json:"writing"`                    // requests with a first token
	ContextTokens int64    `json:"context_tokens"`             // of all in flight
	CachedBlocks  int      `json:"cached_blocks"`              // of prompts, that are taken to be in its cache
	ReadRate      *float64 `json:"read_tokens_rate,omitempty"` // tokens of prompt a second
	TokenSeconds  *float64 `json:"token_seconds,omitempty"`    // that one more token takes, without any context
	ContextSlope  *float64 `json:"context_seconds,omitempty"`  // that each token of context adds to that
}

// Signal is what an endpoint's engine has said of itself. A figure that it has not is left out.
type Signal struct {
	Engine         string   `json:"engine"`            // by name; empty while nothing was heard
	AgeSeconds     float64  `json:"age_seconds"`       // of what it said last; since asking began where it never did
	Stale          bool     `json:"stale"`             // it counts no more
	Failure        string   `json:"failure,omitempty"` // why there is nothing newer
	Running        *float64 `json:"running,omitempty"` // requests, whoever sent them
	Waiting        *float64 `json:"waiting,omitempty"` // likewise
	CacheUsedRatio *float64 `json:"cache_used,omitempty"`
	CacheTokens    *float64 `json:"cache_tokens,omitempty"`
	ForeignWaiting float64  `json:"foreign_waiting"` // requests of others, as policies count them
	ForeignRunning float64  `json:"foreign_running"` // likewise
	Restarts       uint64   `json:"restarts"`
}

// Resources is what an endpoint's machine says of itself. A figure that it has not said is left out.
type Resources struct {
	Ratios      map[string]float64 `json:"ratios"`      // by resource, 0 to 1
	AgeSeconds  float64            `json:"age_seconds"` // of the oldest source
	Stale       bool               `json:"stale"`       // one source's figures count no more
	FullestDisk string             `json:"fullest_disk,omitempty"`
	ReadOnly    string             `json:"read_only,omitempty"` // a mount point that could be written to before
	OOMKills    *float64           `json:"oom_kills,omitempty"`
	Temperature *float64           `json:"gpu_temperature_celsius,omitempty"`
	Power       *float64           `json:"gpu_power_watts,omitempty"`
	GPUError    *float64           `json:"gpu_xid_error,omitempty"` // 0: none
	Sources     []ResourceSource   `json:"sources"`
}

// ResourceSource is one exporter of a machine.
type ResourceSource struct {
	URL        string  `json:"url"`
	AgeSeconds float64 `json:"age_seconds"` // of what it said last; since asking began where it never did
	Stale      bool    `json:"stale"`
	Failure    string  `json:"failure,omitempty"` // why there is nothing newer
}

// Condition is one reason not to pick an endpoint.
type Condition struct {
	Name   ConditionName `json:"name"`
	Reason string        `json:"reason"` // in its writer's words
	Since  time.Time     `json:"since"`
	Until  *time.Time    `json:"until,omitempty"` // when an ejection ends; it may end sooner
}

// ConditionName says which condition, in the API's spelling.
type ConditionName string

// The conditions an endpoint may have.
const (
	Draining    ConditionName = "draining"     // set by the operator
	Departing   ConditionName = "departing"    // set by discovery, and by whoever stops servers
	Arriving    ConditionName = "arriving"     // set by discovery, until a probe passes
	ProbeFailed ConditionName = "probe_failed" // set by the active probe
	Ejected     ConditionName = "ejected"      // set by passive judgement
)

// Connections are the connections to an endpoint open now.
type Connections struct {
	Idle   int `json:"idle"`
	Active int `json:"active"`
}

// eligible returns how many endpoints may be picked.
func (u *Upstream) eligible() int {
	n := 0
	for i := range u.Endpoints {
		if u.Endpoints[i].Eligible {
			n++
		}
	}
	return n
}

// find returns the upstream of that name, or nil and all names.
func find(upstreams []Upstream, name string) (*Upstream, []string) {
	known := make([]string, len(upstreams))
	for i := range upstreams {
		if upstreams[i].Name == name {
			return &upstreams[i], nil
		}
		known[i] = upstreams[i].Name
	}
	return nil, known
}

// find returns the endpoint of that name, or nil and all names.
func (u *Upstream) find(name string) (*Endpoint, []string) {
	known := make([]string, len(u.Endpoints))
	for i := range u.Endpoints {
		if u.Endpoints[i].Name == name {
			return &u.Endpoints[i], nil
		}
		known[i] = u.Endpoints[i].Name
	}
	return nil, known
}
