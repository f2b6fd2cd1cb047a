// What a listener is told: options, its target and its sink.

package load

import (
	"crypto/tls"
	"net"
	"time"

	"github.com/steelyard-proxy/steelyard/health/names"
)

// Options say how the endpoints of one upstream are asked; Configure changes them. A value that is
// empty or not positive stands for the default.
type Options struct {
	Engine   string        // one of Engines; default Auto
	Path     string        // it may have a query; default the engine's
	Port     string        // default the engine's, or else the target's
	Interval time.Duration // from one question to the next; default 1s
	Memory   time.Duration // over which foreign requests are smoothed; default 1s
	Sink     Sink          // never nil
	// InFlight is how many requests we have at the endpoint's server; nil: 0.
	InFlight func() int64
}

// Target is one endpoint and how to reach it.
type Target struct {
	Name    string      // the endpoint's
	Network string      // as for net.Dial; default "tcp"
	Address string      // host:port
	Where   *names.Name // the name in Address, run by its maker; nil: it has none
	Host    string      // the Host header; default Address
	TLS     *tls.Config // nil: plain

	dial func() net.Conn // in place of the network, in tests
}

// Sink is told what an engine says. Its methods are never called twice at once.
type Sink interface {
	// Foreign tells how many requests others have at the server; zeros where that is not known.
	Foreign(waiting, running float64)
	// CacheTokens tells for how many tokens its cache has room, when it has said so.
	CacheTokens(n int64)
	// Restarted tells that what it had in its cache is gone.
	Restarted(why string)
	// Lost tells once that nothing was heard for three intervals, and Heard that there is something again.
	Lost(why string)
	Heard(engine string)
}

// withDefaults fills in what was left out.
func (o Options) withDefaults() Options {
	if o.Engine == "" {
		o.Engine = Auto
	}
	if e := find(o.Engine); e != nil {
		if o.Path == "" {
			o.Path = e.path
		}
		if o.Port == "" {
			o.Port = e.port
		}
	}
	if o.Path == "" {
		o.Path = "/metrics"
	}
	if o.Interval <= 0 {
		o.Interval = time.Second
	}
	if o.Memory <= 0 {
		// In simulations of several gateways 10 s made all of them avoid one engine at a time: with four, the mean
		// response time was a tenth above what half a second gave.
		o.Memory = time.Second
	}
	if o.InFlight == nil {
		o.InFlight = func() int64 { return 0 }
	}
	return o
}

// patience is how long an answer may take.
func (o *Options) patience() time.Duration { return max(o.Interval, time.Second) }

// fresh is how long what was said counts.
func (o *Options) fresh() time.Duration { return 3 * o.patience() }

// byHeader says whether the engine is not asked, but says its load with its answers.
func (o *Options) byHeader() bool {
	e := find(o.Engine)
	return e != nil && e.header
}
