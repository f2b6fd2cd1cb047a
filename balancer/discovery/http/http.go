// The source: asking, and what the answers mean.

package http

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/steelyard-proxy/steelyard/balancer/discovery"
)

const (
	usualInterval = 30 * time.Second
	usualTimeout  = 10 * time.Second
	mostRedirects = 5
	// longestPause bounds what a server may ask for by Retry-After.
	longestPause = 5 * time.Minute
)

// Options say what is asked.
type Options struct {
	URL       string
	CAFile    string          // PEM roots; "": the system's
	TokenFile string          // of a bearer token; "": none
	Shape     discovery.Shape // of addresses without scheme or port
	Interval  time.Duration   // 0: 30 s
	Timeout   time.Duration   // of one question; 0: 10 s
}

// Source asks a URL.
type Source struct {
	options Options
	host    string // for messages
	client  *http.Client
	roots   []byte // the content of CAFile that client goes by
	etag    string // of list; "": it had none
	list    discovery.List
	read    bool // list is what was last read
}

// New returns a source that has asked nothing. It fails where the URL is none.
func New(o Options) (*Source, error) {
	u, err := url.Parse(o.URL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, errors.New("the url is none: write https://host/path")
	}
	if o.Interval == 0 {
		o.Interval = usualInterval
	}
	if o.Timeout == 0 {
		o.Timeout = usualTimeout
	}
	return &Source{options: o, host: u.Host}, nil
}

// Run implements discovery.Source.
func (s *Source) Run(ctx context.Context, sink discovery.Sink) {
	var failures discovery.Backoff
	defer func() { s.forget() }()
	for {
		pause, err := s.ask(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			sink.Failed(err)
			pause = max(pause, failures.Next())
		default:
			failures.Reset()
			told := s.list
			told.Endpoints = append([]discovery.Endpoint(nil), told.Endpoints...)
			sink.Found(told)
			pause = discovery.Jitter(s.options.Interval)
		}
		if !discovery.Sleep(ctx, pause) {
			return
		}
	}
}

// ask asks once. Pause is for how long the server wants to be left alone.
func (s *Source) ask(ctx context.Context) (pause time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.options.Timeout)
	defer cancel()
	r, err := s.request(ctx)
	if err != nil {
		return 0, err
	}
	answer, err := s.client.Do(r)
	if err != nil {
		return 0, s.failure(err)
	}
	defer func() { _ = answer.Body.Close() }()
	switch {
	case answer.StatusCode == http.StatusNotModified && s.read:
		return 0, nil
	case answer.StatusCode != http.StatusOK:
		return retryAfter(answer), s.refusal(answer)
	}
	text, err := io.ReadAll(io.LimitReader(answer.Body, discovery.MostBytes+1))
	if err != nil {
		return 0, s.failure(err)
	}
	list, err := discovery.Parse(text, s.options.Shape)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", s.host, err)
	}
	s.list, s.etag, s.read = list, answer.Header.Get("ETag"), true
	return 0, nil
}

// request makes the question, with the token and the authorities that stand in the files now.
func (s *Source) request(ctx context.Context) (*http.Request, error) {
	if err := s.trust(); err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.options.URL, nil)
	if err != nil {
		return nil, errors.New("the url is none: write https://host/path")
	}
	r.Header.Set("Accept", "application/json, application/yaml;q=0.9")
	r.Header.Set("User-Agent", "steelyard")
	if s.etag != "" {
		r.Header.Set("If-None-Match", s.etag)
	}
	if s.options.TokenFile != "" {
		token, err := os.ReadFile(s.options.TokenFile)
		if err != nil {
			return nil, fmt.Errorf("read token_file: %w", err)
		}
		r.Header.Set("Authorization", "Bearer "+string(bytes.TrimSpace(token)))
	}
	return r, nil
}

// trust makes the client anew where the authorities have changed.
func (s *Source) trust() error {
	var roots []byte
	if s.options.CAFile != "" {
		var err error
		if roots, err = os.ReadFile(s.options.CAFile); err != nil {
			return fmt.Errorf("read ca_file: %w", err)
		}
	}
	if s.client != nil && bytes.Equal(roots, s.roots) {
		return nil
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if roots != nil {
		if config.RootCAs = x509.NewCertPool(); !config.RootCAs.AppendCertsFromPEM(roots) {
			return fmt.Errorf("read ca_file %s: there is no certificate in it", s.options.CAFile)
		}
	}
	s.forget()
	s.roots = roots
	s.client = &http.Client{
		CheckRedirect: followable,
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, TLSClientConfig: config, ForceAttemptHTTP2: true,
			MaxIdleConns: 1, IdleConnTimeout: 2 * s.options.Interval, MaxResponseHeaderBytes: 64 << 10,
		},
	}
	return nil
}

// forget closes what the client keeps open.
func (s *Source) forget() {
	if s.client != nil {
		s.client.CloseIdleConnections()
	}
}

// followable refuses redirects that go on for long, or lead out of TLS.
func followable(r *http.Request, via []*http.Request) error {
	switch {
	case len(via) > mostRedirects:
		return fmt.Errorf("it redirects more than %d times", mostRedirects)
	case via[0].URL.Scheme == "https" && r.URL.Scheme != "https":
		return errors.New("it redirects from https to http: anybody on the way could change the list")
	}
	return nil
}

// failure is why there was no answer, without the URL.
func (s *Source) failure(err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%s: no whole answer within %v", s.host, s.options.Timeout)
	}
	return fmt.Errorf("%s: %w", s.host, err)
}

// refusal is what an answer without a list means.
func (s *Source) refusal(answer *http.Response) error {
	remedy := ""
	switch answer.StatusCode {
	case http.StatusUnauthorized:
		remedy = ": give token_file, or a token that it takes"
	case http.StatusForbidden:
		remedy = ": let the owner of the token read the list"
	case http.StatusNotFound:
		remedy = ": give the url of the list"
	}
	return fmt.Errorf("%s answers %d %s%s", s.host, answer.StatusCode, strings.ToLower(http.StatusText(answer.StatusCode)), remedy)
}

// retryAfter is for how long a server that is too busy wants to be left alone.
func retryAfter(answer *http.Response) time.Duration {
	seconds, err := strconv.Atoi(answer.Header.Get("Retry-After"))
	if err != nil || seconds < 0 {
		return 0
	}
	return min(time.Duration(min(seconds, 1<<20))*time.Second, longestPause)
}
