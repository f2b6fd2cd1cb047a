// The schema: every key of the configuration, in order.

package configs

import (
	"net/netip"
	"time"
)

// Config is a whole configuration: defaults laid under it, names and files resolved, validated. Treat it as constant.
// The order of fields is the order in which [Config.YAML] prints them.
type Config struct {
	Listen    []Listen   `yaml:"listen"`
	Admin     Admin      `yaml:"admin"`
	Log       Log        `yaml:"log"`
	Reload    Reload     `yaml:"reload"`
	Limits    Limits     `yaml:"limits"`
	Clients   Clients    `yaml:"clients"`
	Timeouts  Timeouts   `yaml:"timeouts"`
	Forwarded Forwarded  `yaml:"forwarded"`
	HalfClose string     `yaml:"half_close"` // "gone": a half-closed client has left; "wait": it may still read
	Webhooks  []Webhook  `yaml:"webhooks,omitempty"`
	Notify    []Notify   `yaml:"notify,omitempty"`
	Usage     Usage      `yaml:"usage"`
	Alerts    Alerts     `yaml:"alerts"`
	Optimise  string     `yaml:"optimise"` // what becomes of recommendations: OptimiseOff, OptimiseShow or OptimiseApply
	Anomalies Anomalies  `yaml:"anomalies"`
	Forecast  Forecast   `yaml:"forecast"`
	Shared    Shared     `yaml:"shared"`
	Resources Resources  `yaml:"resources"`
	Scaler    Scaler     `yaml:"scaler,omitempty"`
	Upstreams []Upstream `yaml:"upstreams"`
	Routes    []Route    `yaml:"routes"`
}

// Listen is one address on which clients are served.
type Listen struct {
	Address string     `yaml:"address"`        // "host:port", or "unix:" and an absolute path
	Mode    Mode       `yaml:"mode,omitempty"` // of the socket's file; 0: as the umask says
	Owner   Account    `yaml:"owner,omitempty"`
	Group   Account    `yaml:"group,omitempty"`
	TLS     *ServerTLS `yaml:"tls"` // nil: plain HTTP
}

// ServerTLS names the PEM files of a listener's certificate chain and key, both absolute.
type ServerTLS struct {
	CertFile string `yaml:"cert_file"`
	KeyFile  string `yaml:"key_file"`
}

// Admin is the listener of operators: metrics, readiness, the admin API.
type Admin struct {
	Address string  `yaml:"address"` // as in Listen, like the fields below; "": no admin listener
	Mode    Mode    `yaml:"mode,omitempty"`
	Owner   Account `yaml:"owner,omitempty"`
	Group   Account `yaml:"group,omitempty"`
	// Hosts are names that operators may use in Host, besides IP addresses, localhost and the host of Address.
	Hosts []string `yaml:"hosts,omitempty"`
	// TokenFile is a file with a token, absolute: only who shows it is let in. "": everybody is, so that Address must be
	// out of reach for other machines.
	TokenFile string `yaml:"token_file,omitempty"`
}

// Log says what is written to standard error.
type Log struct {
	Level  string `yaml:"level"`  // debug, info, warn or error
	Format string `yaml:"format"` // json or console
	Access bool   `yaml:"access"` // one line for each request
	// Requests is the file that gets one CSV row for each request that reached an endpoint, absolute; "": none.
	Requests string `yaml:"requests,omitempty"`
}

// Reload says what makes the program read its configuration again, besides SIGHUP and the admin listener.
type Reload struct {
	Watch bool `yaml:"watch"` // a change of the file, or of a file that it names
}

// Limits bound what clients may make the gateway hold.
type Limits struct {
	HeaderBytes Bytes `yaml:"header_bytes"` // request line and header fields together
	BodyBytes   Bytes `yaml:"body_bytes"`   // the largest request body that is accepted
	ReplayBytes Bytes `yaml:"replay_bytes"` // the largest body that is held, so that it can be sent again; 0: none
	BodyMemory  Bytes `yaml:"body_memory"`  // all held bodies together
	Connections int   `yaml:"connections"`  // client connections open at once
	Requests    int   `yaml:"requests"`     // under way at once; 0: no limit but that of connections
	Memory      Bytes `yaml:"memory"`       // of the whole process; 0: by what the container or the machine has
}

// Clients bound how slow a client may be, and what one client address may hold at once; 0: no bound.
type Clients struct {
	MinSendRate    Bytes `yaml:"min_send_rate"`   // bytes/s at which a body must come
	MinReadRate    Bytes `yaml:"min_read_rate"`   // bytes/s at which an answer must be taken
	MaxConnections int   `yaml:"max_connections"` // open at once
	MaxRequests    int   `yaml:"max_requests"`    // under way at once
	MaxWaiting     int   `yaml:"max_waiting"`     // that wait for a slot
	MaxBodyMemory  Bytes `yaml:"max_body_memory"` // of its held bodies together
}

// Timeouts are the deadlines on the client's side.
type Timeouts struct {
	Header        time.Duration `yaml:"header"`         // to send the request line and header
	Body          time.Duration `yaml:"body"`           // to send the body
	IdleClient    time.Duration `yaml:"idle_client"`    // between requests of one connection
	ClientStall   time.Duration `yaml:"client_stall"`   // without the client taking a byte of its answer
	UpgradeIdle   time.Duration `yaml:"upgrade_idle"`   // without a byte in either direction of a tunnel
	ShutdownDelay time.Duration `yaml:"shutdown_delay"` // from "not ready" to the closed listener
	Shutdown      time.Duration `yaml:"shutdown"`       // for requests under way to finish after that
	UpgradeDrain  time.Duration `yaml:"upgrade_drain"`  // for those of a process that a new one has replaced; 0: no limit
}

// Forwarded says whose X-Forwarded-* fields are believed; those of others are replaced.
type Forwarded struct {
	Trust []netip.Prefix `yaml:"trust"` // a plain address in the file is a prefix of full length here
}

// Upstream is a named group of endpoints that serve the same thing.
type Upstream struct {
	Name   string `yaml:"name"`
	Policy string `yaml:"policy"`
	// CapacityScale is how many requests/s one unit of capacity sustains, for policies that need to know; 0: unknown.
	CapacityScale float64    `yaml:"capacity_scale,omitempty"`
	Gateways      int        `yaml:"gateways"`             // that send to the endpoints, this one included; for least_cost
	TimeScale     float64    `yaml:"time_scale,omitempty"` // how many times as fast as the clock the engines' time runs, as that of a bench does; 0: as fast
	PickHeader    bool       `yaml:"pick_header"`          // answers say in X-Steelyard-Pick which endpoint was chosen, and why
	Host          string     `yaml:"host"`                 // "pass": the client's Host goes out; "endpoint": the endpoint's own
	Endpoints     []Endpoint `yaml:"endpoints,omitempty"`
	Discovery     *Discovery `yaml:"discovery"` // nil: Endpoints are all
	Affinity      Affinity   `yaml:"affinity"`
	Queue         Queue      `yaml:"queue"`
	Predict       Predict    `yaml:"predict,omitempty"`
	Health        Health     `yaml:"health"`
	Signals       Signals    `yaml:"signals"`
	Resources     *Exporters `yaml:"resources,omitempty"` // of endpoints that have none of their own; nil: nobody is asked
	Outlier       Outlier    `yaml:"outlier"`
	Fallback      string     `yaml:"fallback,omitempty"` // the upstream that gets its requests while no endpoint is eligible; "": none
	// TierSpillRatio is the part of the tiers' capacity below which the next one is used as well.
	TierSpillRatio float64          `yaml:"tier_spill_ratio"`
	SlowStart      time.Duration    `yaml:"slow_start"` // how long one that comes back takes to get its whole share; 0: it gets it at once
	Timeouts       UpstreamTimeouts `yaml:"timeouts"`
	Retry          Retry            `yaml:"retry"`
	Hedge          Hedge            `yaml:"hedge"`
	Resume         bool             `yaml:"resume"` // a stream of text that breaks off is taken up by another endpoint
	Connections    Connections      `yaml:"connections"`
	Recovery       *Recovery        `yaml:"recovery"` // nil: nothing is done for endpoints that stay out
	Scale          *Scale           `yaml:"scale"`    // nil: there are as many servers as there are
}

// Endpoint is one addressable inference server.
type Endpoint struct {
	Name        string      `yaml:"name"` // unique in its upstream; by default host:port of the URL
	URL         string      `yaml:"url"`  // always scheme://host:port, lower-case, the port written out
	Capacity    Capacity    `yaml:"capacity"`
	Slots       Slots       `yaml:"slots"`
	PrefixCache PrefixCache `yaml:"prefix_cache"`
	Tier        int         `yaml:"tier"`                // 0 is used first, the others are backups
	TLS         *ClientTLS  `yaml:"tls"`                 // nil: plain for http; the system's roots for https
	Resources   *Exporters  `yaml:"resources,omitempty"` // nil: the upstream's
}

// ClientTLS says how an https endpoint is verified and how the gateway shows itself to it.
type ClientTLS struct {
	CAFile     string `yaml:"ca_file,omitempty"`     // PEM roots; "": the system's
	ServerName string `yaml:"server_name,omitempty"` // the name in its certificate; "": the URL's host
	CertFile   string `yaml:"cert_file,omitempty"`   // with KeyFile: our own certificate; "": none
	KeyFile    string `yaml:"key_file,omitempty"`
	Insecure   bool   `yaml:"insecure"` // verifies nothing
}

// Queue says how requests wait while every endpoint that has slots is full.
type Queue struct {
	Order       string        `yaml:"order"`        // "fifo", or by predicted work: "shortest_first"
	MaxRequests int           `yaml:"max_requests"` // that wait at once; 0: none waits
	MaxWait     time.Duration `yaml:"max_wait"`
	ReadAhead   time.Duration `yaml:"read_ahead"` // for least_cost: what an endpoint may have to read while requests are sent there; 0: any
	HoldBack    bool          `yaml:"hold_back"`  // a request may wait though a slot is free; false: it takes the slot
	Keepalive   time.Duration `yaml:"keepalive"`  // between two comments to a stream whose request waits; 0: it gets none
	Header      bool          `yaml:"header"`     // answers say in X-Steelyard-Queue-Ms how long the request waited
}

// Predict says where to keep what is learned of the work of an upstream's requests.
type Predict struct {
	File string `yaml:"file,omitempty"` // kept over a restart, absolute; "": none
}

// Health says how the endpoints of an upstream are probed.
type Health struct {
	Path               string        `yaml:"path,omitempty"` // of an HTTP probe; "": a connect is enough
	Interval           time.Duration `yaml:"interval"`
	Timeout            time.Duration `yaml:"timeout"` // <= Interval, so that a probe ends before the next begins
	UnhealthyThreshold int           `yaml:"unhealthy_threshold"`
	HealthyThreshold   int           `yaml:"healthy_threshold"`
	ReleaseAfter       time.Duration `yaml:"release_after"` // how long an endpoint is out before its unanswered requests end; 0: never
	Statuses           []StatusRange `yaml:"statuses"`
	BusyStatuses       []StatusRange `yaml:"busy_statuses"` // looked at before Statuses
}

// UpstreamTimeouts are the deadlines on the endpoint's side; 0 means none.
type UpstreamTimeouts struct {
	Connect   time.Duration `yaml:"connect"`    // dial and TLS handshake
	FirstByte time.Duration `yaml:"first_byte"` // from the end of the request to the first byte of the answer
	Idle      time.Duration `yaml:"idle"`       // between two reads of the answer
	Total     time.Duration `yaml:"total"`      // the whole exchange
}

// Connections bound the idle connections kept to each endpoint.
type Connections struct {
	MaxIdle     int           `yaml:"max_idle"` // 0: none is kept
	IdleTimeout time.Duration `yaml:"idle_timeout"`
	MaxAge      time.Duration `yaml:"max_age"` // 0: no limit
}

// Route sends what it matches to an upstream; the longest path prefix wins.
type Route struct {
	Path     string `yaml:"path"`           // prefix, matched on "/" boundaries
	Host     string `yaml:"host,omitempty"` // lower-case, without a port; "": any
	Upstream string `yaml:"upstream"`
	Priority int    `yaml:"priority"` // 0, the first to be turned away when there is too much to do, to 9
}
