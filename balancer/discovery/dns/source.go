// The source: when it looks, and what it tells.

package dns

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/steelyard-proxy/steelyard/balancer/discovery"
)

// Record says what is looked up.
type Record string

// What may be looked up.
const (
	Auto Record = "auto" // SRV for names that begin with an underscore; else A, and AAAA where there is none
	A    Record = "a"
	AAAA Record = "aaaa"
	Both Record = "both" // A and AAAA: a server that has one of each is two endpoints
	SRV  Record = "srv"  // and the addresses of its targets, as Auto finds them
)

const (
	usualInterval = 30 * time.Second
	leastPause    = time.Second      // records may end at once
	longestLook   = 30 * time.Second // all questions of one look together
)

// Options say what is looked up, and where.
type Options struct {
	Name       string
	Record     Record        // "": Auto
	Scheme     string        // of the endpoints; "": http
	Port       int           // of the endpoints; SRV says its own
	Servers    []string      // host:port of name servers; none: those of ResolvConf
	ResolvConf string        // "": /etc/resolv.conf
	Interval   time.Duration // the longest pause, however long records hold; 0: 30 s
	Exchange   Exchange      // nil: by sockets
}

// Source looks a name up.
type Source struct {
	options  Options
	resolver resolver
	last     map[string][]netip.Addr // by the name of an SRV's target: where it was
}

// New returns a source that has looked nothing up.
func New(o Options) (*Source, error) {
	if o.Scheme == "" {
		o.Scheme = "http"
	}
	if o.Interval == 0 {
		o.Interval = usualInterval
	}
	if o.ResolvConf == "" {
		o.ResolvConf = "/etc/resolv.conf"
	}
	if o.Exchange == nil {
		o.Exchange = exchange
	}
	if o.Record == "" || o.Record == Auto {
		o.Record = Auto
		if strings.HasPrefix(o.Name, "_") {
			o.Record = SRV
		}
	}
	if err := CheckName(o.Name); err != nil {
		return nil, err
	}
	switch {
	case o.Record == SRV && o.Port != 0:
		return nil, errors.New("an SRV record says the port: leave port out")
	case o.Record != SRV && (o.Port < 1 || o.Port > 65535):
		return nil, errors.New("addresses have no port: give port, from 1 to 65535")
	}
	return &Source{options: o, resolver: resolver{exchange: o.Exchange}, last: map[string][]netip.Addr{}}, nil
}

// CheckName says what is wrong with a name that is to be looked up.
func CheckName(name string) error {
	labels, ok := dns.IsDomainName(name)
	switch {
	case name == "" || name == ".":
		return errors.New("no name is given: write the name that leads to the servers, such as engines.example.com")
	case !ok || labels == 0 || strings.ContainsAny(name, " \t\r\n/:@\\\"'"):
		return fmt.Errorf("%q is no name that DNS knows: write letters, digits, -, _ and ., without scheme and port", name)
	}
	return nil
}

// Run implements discovery.Source.
func (s *Source) Run(ctx context.Context, sink discovery.Sink) {
	var backoff discovery.Backoff
	for {
		pause := s.look(ctx, sink, &backoff)
		if !discovery.Sleep(ctx, pause) {
			return
		}
	}
}

// look looks once, tells what came of it, and returns for how long to wait.
func (s *Source) look(ctx context.Context, sink discovery.Sink, backoff *discovery.Backoff) time.Duration {
	limited, cancel := context.WithTimeout(ctx, longestLook)
	defer cancel()
	endpoints, holds, err := s.find(limited)
	switch {
	case ctx.Err() != nil:
		return 0
	case err != nil:
		sink.Failed(err)
		return backoff.Next()
	}
	backoff.Reset()
	sink.Found(discovery.List{Endpoints: endpoints, Version: fmt.Sprintf("holds for %v", holds)})
	pause := min(max(holds, leastPause), s.options.Interval)
	return pause + rand.N(pause/10+1) // later than the end, so that the answer is a new one
}

// find asks, by the resolv.conf of now.
func (s *Source) find(ctx context.Context) (endpoints []discovery.Endpoint, holds time.Duration, err error) {
	if err := s.resolver.configure(s.options.ResolvConf, s.options.Servers); err != nil {
		return nil, 0, err
	}
	if s.options.Record == SRV {
		return s.findServices(ctx)
	}
	found, err := s.resolver.search(s.options.Name, func(name string) (addresses, error) {
		return s.resolver.addresses(ctx, name, s.options.Record)
	})
	if err != nil {
		return nil, 0, err
	}
	for _, ip := range found.list {
		endpoints = append(endpoints, discovery.Endpoint{URL: serverURL(s.options.Scheme, ip.String(), s.options.Port)})
	}
	return endpoints, found.holds, nil
}
