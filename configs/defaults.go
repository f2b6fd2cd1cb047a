// The default of every key.

package configs

import (
	"net/netip"
	"reflect"
	"time"
)

// DefaultConnections is the default of limits.connections. Whoever has it asked for no number: where the limit of open
// files leaves room for fewer, the others wait to be accepted.
const DefaultConnections = 20000

// DefaultPriority is the default of routes[].priority.
const DefaultPriority = 5

const (
	defaultListen   = "127.0.0.1:8080"
	defaultUpstream = "default" // the name of an upstream that is alone and unnamed
	defaultReplay   = 4 * mib
	defaultProbe    = time.Second
)

// defaults is what an empty file asks for, except what depends on other keys (see resolve.go).
func defaults() *Config {
	return &Config{
		Admin:  Admin{Address: "127.0.0.1:9090"},
		Log:    Log{Level: "info", Format: "json"},
		Reload: Reload{Watch: true},
		Limits: Limits{
			HeaderBytes: 32 * kib, // tokens and cookies of 9 to 13 KiB are common; nginx takes as much
			BodyBytes:   64 * mib,
			ReplayBytes: defaultReplay,
			BodyMemory:  1 * gib,
			Connections: DefaultConnections,
		},
		// Slower than any link that a person would use; see REFERENCE.md.
		Clients: Clients{MinSendRate: 1 * kib, MinReadRate: 1 * kib},
		Timeouts: Timeouts{
			Header:      10 * time.Second,
			Body:        60 * time.Second,
			IdleClient:  75 * time.Second,
			ClientStall: 30 * time.Second,
			UpgradeIdle: 10 * time.Minute,
			Shutdown:    30 * time.Second,
		},
		// A proxy on the same machine is believed, by either protocol.
		Forwarded: Forwarded{Trust: []netip.Prefix{
			netip.MustParsePrefix("127.0.0.0/8"),
			netip.MustParsePrefix("::1/128"),
		}},
		HalfClose: "gone",
		Usage:     usageDefaults(),
		Alerts:    alertDefaults(),
		Optimise:  OptimiseShow,
		Anomalies: anomaliesDefaults(),
		Forecast:  forecastDefaults(),
		Shared:    sharedDefaults(),
		Resources: resourcesDefaults(),
	}
}

// layDefaults is a DecodeHookFuncValue of mapstructure: the decoder calls it before it fills a value. The items of lists
// get their defaults here, because only the decoder knows how many there are.
func layDefaults(from, to reflect.Value) (any, error) {
	if to.CanAddr() {
		switch item := to.Addr().Interface().(type) {
		case *Listen:
			item.Address = defaultListen
		case *Upstream:
			*item = upstreamDefaults()
		case *Webhook:
			item.Severity, item.Timeout = "info", 10*time.Second
		case *Notify:
			*item = notifyDefaults()
		case *Objective:
			*item = objectiveDefaults()
		case *AlertRule:
			*item = ruleDefaults()
		case *AlertAction:
			*item = actionDefaults()
		case *Discovery:
			*item = discoveryDefaults()
		case *Recovery:
			*item = recoveryDefaults()
		case *Scale:
			*item = scaleDefaults()
		case *Threshold:
			*item = thresholdDefaults()
		case *Endpoint:
			item.Capacity.Value = defaultCapacity
			item.PrefixCache.Auto = true
		case *Route:
			item.Path, item.Priority = "/", DefaultPriority
		}
	}
	return from.Interface(), nil
}

func upstreamDefaults() Upstream {
	return Upstream{
		Policy:   "capacity",
		Gateways: 1,
		Host:     "pass",
		Affinity: Affinity{Body: offWord},
		Queue:    Queue{Order: "fifo", MaxRequests: 1000, MaxWait: 30 * time.Second, HoldBack: true},
		Health: Health{
			Interval:           2 * time.Second,
			Timeout:            defaultProbe,
			UnhealthyThreshold: 3,
			HealthyThreshold:   2,
			ReleaseAfter:       30 * time.Second,
			Statuses:           []StatusRange{{200, 299}},
			BusyStatuses:       []StatusRange{{429, 429}},
		},
		Signals:   Signals{Engine: offWord, Interval: time.Second},
		Outlier:   outlierDefaults(),
		SlowStart: 30 * time.Second,
		// Envoy goes to the next priority below 71 %, by its overprovisioning factor of 1.4.
		TierSpillRatio: 0.7,
		Timeouts: UpstreamTimeouts{
			Connect: 2 * time.Second,
			// As long as OpenAI's clients wait by default: an answer that is not streamed begins when
			// all of it has been generated, and after that nobody is there to take it.
			FirstByte: 10 * time.Minute,
			Idle:      120 * time.Second,
		},
		Retry: retryDefaults(),
		Hedge: Hedge{BudgetRatio: 0.05},
		// uvicorn closes an idle connection after 5 s: let it go before that.
		Connections: Connections{MaxIdle: 512, IdleTimeout: 4 * time.Second, MaxAge: 5 * time.Minute},
	}
}
