// The source: blocking queries, one after the other.

package consul

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/steelyard-proxy/steelyard/balancer/discovery"
)

const (
	usualWait = 5 * time.Minute
	// leastPause keeps a Consul that answers each query at once, or a service that changes all the time, from being asked
	// more often than this.
	leastPause = time.Second
	// patience is how long an answer may take beyond the time that a query blocks for.
	patience = 15 * time.Second
)

// Options say what is asked, and whom.
type Options struct {
	URL        string // of the agent: http://host:8500, or https
	Service    string
	Tag        string // only instances that have it; "": all
	Datacenter string // "": the agent's own
	Namespace  string // "": the default one, of those who have namespaces
	TokenFile  string // a file with an ACL token, read at each query; "": none
	Scheme     string // of the endpoints; "": http, or what an instance's meta says
	Port       int    // of instances that have none; 0: they must have one
	TLS        *tls.Config
	Wait       time.Duration     // for which a query blocks; 0: 5 minutes
	Transport  http.RoundTripper // nil: one of its own, by TLS
}

// Source asks one Consul.
type Source struct {
	options Options
	client  *http.Client
	base    string // of the queries, without index and wait
	index   uint64 // of the last answer; 0: the next query does not block
}

// New returns a source that has asked nothing.
func New(o Options) (*Source, error) {
	if err := CheckURL(o.URL); err != nil {
		return nil, err
	}
	if err := CheckService(o.Service); err != nil {
		return nil, err
	}
	if o.Scheme == "" {
		o.Scheme = "http"
	}
	if o.Wait <= 0 {
		o.Wait = usualWait
	}
	if o.Transport == nil {
		o.Transport = &http.Transport{
			DialContext:         (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
			TLSClientConfig:     o.TLS,
			TLSHandshakeTimeout: 5 * time.Second,
			MaxIdleConns:        1, IdleConnTimeout: time.Minute,
		}
	}
	query := url.Values{"passing": {"1"}}
	for key, value := range map[string]string{"tag": o.Tag, "dc": o.Datacenter, "ns": o.Namespace} {
		if value != "" {
			query.Set(key, value)
		}
	}
	return &Source{
		options: o,
		client: &http.Client{
			Transport: o.Transport,
			// Go would send the token to whoever is named.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		base: strings.TrimSuffix(o.URL, "/") + "/v1/health/service/" + url.PathEscape(o.Service) + "?" + query.Encode(),
	}, nil
}

// CheckURL says what is wrong with an agent's URL. It never repeats it, since it may have a password.
func CheckURL(text string) error {
	u, err := url.Parse(text)
	const remedy = "write http://host:8500 or https://host:8501"
	switch {
	case err != nil || strings.ContainsAny(text, " \t\r\n"):
		return errors.New("is not a URL: " + remedy)
	case u.Scheme != "http" && u.Scheme != "https", u.Hostname() == "":
		return errors.New("is not the URL of a Consul agent: " + remedy)
	case u.User != nil:
		return errors.New("has a user or password in it: remove it, and give an ACL token by token_file")
	case u.Path != "" && u.Path != "/", u.RawQuery != "", u.Fragment != "", strings.HasSuffix(u.Host, ":"):
		return errors.New("has more than a host and a port: " + remedy)
	}
	return nil
}

// CheckService says what is wrong with a service's name.
func CheckService(name string) error {
	switch {
	case name == "":
		return errors.New("no name is given: write the name of the service in Consul")
	case strings.ContainsAny(name, " \t\r\n/?#"), len(name) > 128:
		return fmt.Errorf("%q is no name of a service: write it as Consul has it, without / and spaces", name)
	}
	return nil
}

// Run implements discovery.Source.
func (s *Source) Run(ctx context.Context, sink discovery.Sink) {
	defer s.client.CloseIdleConnections()
	var backoff discovery.Backoff
	for {
		began := time.Now()
		list, err := s.ask(ctx)
		pause := leastPause - time.Since(began)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			s.index = 0 // it may have come back with other numbers
			sink.Failed(err)
			pause = backoff.Next()
		default:
			backoff.Reset()
			sink.Found(list)
		}
		if !discovery.Sleep(ctx, max(pause, 0)) {
			return
		}
	}
}
