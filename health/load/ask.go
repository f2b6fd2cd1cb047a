// Asking an engine: one GET over a connection that is kept.

package load

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/steelyard-proxy/steelyard/health/failure"
)

// asker asks one engine, in the way that one set of options wants.
type asker struct {
	kind    *engine // nil: any
	request *http.Request
	client  http.Transport
	page    *page
	err     error // why it cannot be asked
}

// newAsker returns an asker. It keeps one connection open from one question to the next.
func newAsker(o *Options, t Target) *asker {
	address := t.Address
	if host, _, err := net.SplitHostPort(address); err == nil && o.Port != "" {
		address = net.JoinHostPort(host, o.Port)
	}
	a := &asker{kind: find(o.Engine)}
	network := t.Network
	if network == "" {
		network = "tcp"
	}
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		ctx, cancel := context.WithTimeout(ctx, o.patience()) // the client's own may outlive the question
		defer cancel()
		return t.Where.Dial(ctx, &net.Dialer{}, network, address)
	}
	if t.dial != nil {
		dial = func(context.Context, string, string) (net.Conn, error) { return t.dial(), nil }
	}
	a.client = http.Transport{
		DialContext: dial, TLSClientConfig: t.tls(), TLSHandshakeTimeout: o.patience(),
		DisableCompression: true, MaxIdleConnsPerHost: 1, MaxConnsPerHost: 1,
		IdleConnTimeout:        4 * time.Second, // uvicorn closes after 5
		MaxResponseHeaderBytes: 64 << 10,
	}
	if o.Interval >= a.client.IdleConnTimeout {
		a.client.DisableKeepAlives = true
	}
	target, err := url.ParseRequestURI(o.Path)
	if err != nil {
		a.err = err
		return a
	}
	target.Scheme, target.Host = "http", address
	if t.TLS != nil {
		target.Scheme = "https"
	}
	host := t.Host
	if host == "" {
		host = address
	}
	a.request = &http.Request{
		Method: http.MethodGet, URL: target, Host: host, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"User-Agent": {"steelyard-signals"}, "Accept": {"text/plain;version=0.0.4, application/json;q=0.5, */*;q=0.1"}},
	}
	if a.kind == nil || !a.kind.json {
		a.page = newPage(a.kind)
	}
	return a
}

// tls is the target's, for HTTP/1.1 alone, with the name in its address.
func (t *Target) tls() *tls.Config {
	if t.TLS == nil {
		return nil
	}
	c := t.TLS.Clone()
	c.NextProtos = []string{"http/1.1"}
	if host, _, err := net.SplitHostPort(t.Address); err == nil && c.ServerName == "" {
		c.ServerName = host
	}
	return c
}

// ask returns what the engine says now, within the time that ctx has.
func (a *asker) ask(ctx context.Context) (Reading, error) {
	if a.err != nil {
		return nothing(), a.err
	}
	response, err := a.client.RoundTrip(a.request.WithContext(ctx))
	if err != nil {
		return nothing(), err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		_, _ = io.CopyN(io.Discard, response.Body, 64<<10) // so that the connection may be used again
		return nothing(), fmt.Errorf("status %d%s", response.StatusCode, a.remedy())
	}
	if form := response.Header.Get("Content-Encoding"); form != "" && form != "identity" {
		return nothing(), fmt.Errorf("the answer is compressed (%s), which was not asked for", failure.Short(form))
	}
	reading, err := a.read(response.Body)
	switch {
	case err != nil:
		return nothing(), err
	case reading.Engine == "":
		return nothing(), errors.New("the answer has no metrics of " + a.called() + a.remedy())
	}
	if at, err := strconv.ParseFloat(response.Header.Get("Process-Start-Time-Unix"), 64); err == nil && at > 0 && !reading.started.Known() {
		reading.started = Figure(at) // llama.cpp
	}
	return reading, nil
}

func (a *asker) read(body io.Reader) (Reading, error) {
	if a.page == nil {
		return readModels(body)
	}
	return a.page.read(body)
}

// called is the engine's name, for people.
func (a *asker) called() string {
	if a.kind == nil {
		return "any engine that is known"
	}
	return a.kind.name
}

func (a *asker) remedy() string {
	if a.kind == nil || a.kind.remedy == "" {
		return ""
	}
	return ": " + a.kind.remedy
}

// close lets go of the connection.
func (a *asker) close() { a.client.CloseIdleConnections() }
