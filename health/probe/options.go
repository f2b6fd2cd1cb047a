// What a prober is told: options, its target and its sink.

package probe

import (
	"crypto/tls"
	"time"

	"go.uber.org/zap"

	"github.com/steelyard-proxy/steelyard/health/names"
)

// Options describe how the endpoints of one upstream are probed; Configure changes them. A
// value that is nil or not positive stands for the default.
type Options struct {
	Upstream string // for the log
	// Path is asked for with GET; it begins with a slash and may have a query. When it is
	// empty a connect (and TLS handshake) is the whole probe.
	Path               string
	Host               string        // the Host header of targets that have none of their own; default their address
	Interval           time.Duration // from one probe of a target to the next; default 2s
	Timeout            time.Duration // for one probe, connect included; default 1s
	UnhealthyThreshold int           // failures in a row that make an endpoint Down; default 3
	HealthyThreshold   int           // successes in a row that bring it back; default 2
	// Release is called when an endpoint has been Down for ReleaseAfter, and at each failure
	// after that: requests need not wait for it any more. 0 or nil: it is not called.
	ReleaseAfter time.Duration
	Release      func()
	// Healthy and Busy judge the status of a GET. A status that is neither is a failure. By
	// default 200 to 299 is healthy, and none is busy.
	Healthy, Busy func(status int) bool
	Sink          Sink // never nil
	// Observe is told of every probe, with the time it took; nil: nobody is.
	Observe func(result Result, took time.Duration)
	// Starting says whether the endpoint is only about to come, so that it is no news if it is Down; nil: never.
	Starting func() bool
	Log      *zap.Logger // nil: no log
}

// Target is one endpoint and how to reach it.
type Target struct {
	Name    string      // the endpoint's, for the log
	Network string      // as for net.Dial: "tcp" or "unix"
	Address string      // host:port, or a socket's path
	Where   *names.Name // the name in Address, run by its maker; nil: it has none
	Host    string      // the Host header of a GET; default Options.Host
	TLS     *tls.Config // nil: plain
	// Place is where in its interval the target is probed, from 0 to below 1; see Places.
	Place float64
}

// Sink is told the state of one endpoint: once when it is first known, and then on every
// change. It is never called twice at once.
type Sink interface {
	SetProbe(state State, reason string)
}

// State is what probes say of an endpoint.
type State uint8

const (
	// Unknown is an endpoint that has not been probed yet.
	Unknown State = iota
	// Up is an endpoint that answers as it should.
	Up
	// Busy is an endpoint that is well and says that it is full.
	Busy
	// Down is an endpoint that must not be used.
	Down
)

var stateNames = [...]string{"unknown", "up", "busy", "down"}

// String returns the state in lower case.
func (s State) String() string { return stateNames[s] }

// withDefaults fills in what was left out.
func (o Options) withDefaults() Options {
	if o.Interval <= 0 {
		o.Interval = 2 * time.Second
	}
	if o.Timeout <= 0 {
		o.Timeout = time.Second
	}
	if o.UnhealthyThreshold <= 0 {
		o.UnhealthyThreshold = 3
	}
	if o.HealthyThreshold <= 0 {
		o.HealthyThreshold = 2
	}
	if o.Healthy == nil {
		o.Healthy = func(status int) bool { return status >= 200 && status <= 299 }
	}
	if o.Busy == nil {
		o.Busy = func(int) bool { return false }
	}
	if o.Observe == nil {
		o.Observe = func(Result, time.Duration) {}
	}
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	return o
}
