// The client: one request, and what may be asked.

package api

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

const (
	callWait = 30 * time.Second // for a whole answer that is no watch
	mostBody = 64 << 20         // bytes of one
)

type dialer = func(ctx context.Context, network, address string) (net.Conn, error)

// Client asks one API server. It may be used from several goroutines.
type Client struct {
	access Access
	server *url.URL

	mu      sync.Mutex // guards the fields below
	secrets secrets
	read    time.Time // when secrets were
	http    *http.Client
}

// New makes a client. It reads the files that the access names, and does not connect.
func New(a Access) (*Client, error) {
	server, err := a.check()
	if err != nil {
		return nil, err
	}
	c := &Client{access: a, server: server}
	if err := c.renew(true); err != nil {
		return nil, err
	}
	return c, nil
}

// Namespace is where to look when nothing else is said.
func (c *Client) Namespace() string {
	if c.access.Namespace == "" {
		return "default"
	}
	return c.access.Namespace
}

// Server is the API server's address, for people.
func (c *Client) Server() string { return c.access.Server }

// Get reads an object.
func (c *Client) Get(ctx context.Context, r Resource, into any) error {
	return c.call(ctx, "get", http.MethodGet, r, "", nil, into)
}

// Put replaces an object. Where from has a resourceVersion that is no longer the server's, it fails with a 409.
func (c *Client) Put(ctx context.Context, r Resource, from, into any) error {
	return c.call(ctx, "update", http.MethodPut, r, "application/json", from, into)
}

// Merge changes the fields of an object that patch names (RFC 7386).
func (c *Client) Merge(ctx context.Context, r Resource, patch, into any) error {
	return c.call(ctx, "patch", http.MethodPatch, r, "application/merge-patch+json", patch, into)
}

// call asks for one answer, and reads it.
func (c *Client) call(ctx context.Context, verb, method string, r Resource, form string, from, into any) error {
	ctx, cancel := context.WithTimeout(ctx, callWait)
	defer cancel()
	var body []byte
	if from != nil {
		var err error
		if body, err = json.Marshal(from); err != nil {
			return fmt.Errorf("%s %s: %w", verb, r, err)
		}
	}
	answer, err := c.ask(ctx, request{verb: verb, method: method, resource: r, form: form, body: body})
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	return decode(answer.Body, verb, r, into)
}

// decode reads one object, which must not be longer than mostBody.
func decode(body io.Reader, verb string, r Resource, into any) error {
	content, err := io.ReadAll(io.LimitReader(body, mostBody+1))
	switch {
	case err != nil:
		return fmt.Errorf("%s %s: the answer broke off: %w", verb, r, plain(err))
	case len(content) > mostBody:
		return fmt.Errorf("%s %s: the answer is longer than %d MiB", verb, r, mostBody>>20)
	case into == nil:
		return nil
	}
	if err := json.Unmarshal(content, into); err != nil {
		return fmt.Errorf("%s %s: the answer is not what Kubernetes sends: %w", verb, r, err)
	}
	return nil
}

// request is one question.
type request struct {
	verb, method string
	resource     Resource
	query        url.Values
	accept, form string
	body         []byte
}

// ask sends a request. A 401 is asked again once if the files say something else by now. The answer is a success.
func (c *Client) ask(ctx context.Context, q request) (*http.Response, error) {
	if err := c.renew(false); err != nil {
		return nil, err
	}
	answer, err := c.once(ctx, q)
	if untrusted(err) || err == nil && answer.StatusCode == http.StatusUnauthorized {
		was := c.current()
		if c.renew(true) == nil && c.current() != was {
			if err == nil {
				_ = answer.Body.Close()
			}
			answer, err = c.once(ctx, q)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%s %s at %s: %w", q.verb, q.resource, c.access.Server, plain(err))
	}
	if answer.StatusCode < 200 || answer.StatusCode > 299 {
		defer answer.Body.Close()
		return nil, c.refused(answer, q.verb, q.resource)
	}
	return answer, nil
}

// once sends a request once.
func (c *Client) once(ctx context.Context, q request) (*http.Response, error) {
	to := *c.server
	to.RawPath = strings.TrimSuffix(c.server.EscapedPath(), "/") + q.resource.path()
	to.Path, _ = url.PathUnescape(to.RawPath)
	to.RawQuery = q.query.Encode()
	r, err := http.NewRequestWithContext(ctx, q.method, to.String(), bytes.NewReader(q.body))
	if err != nil {
		return nil, err
	}
	accept := q.accept
	if accept == "" {
		accept = "application/json"
	}
	r.Header.Set("Accept", accept)
	r.Header.Set("User-Agent", "steelyard")
	if q.form != "" {
		r.Header.Set("Content-Type", q.form)
	}
	c.mu.Lock()
	token, client := c.secrets.token, c.http
	c.mu.Unlock()
	switch {
	case token != "":
		r.Header.Set("Authorization", "Bearer "+token)
	case c.access.User != "":
		r.SetBasicAuth(c.access.User, c.access.Password)
	}
	return client.Do(r)
}

// identity is what tells one set of secrets from another.
type identity struct {
	token string
	http  *http.Client
}

func (c *Client) current() identity {
	c.mu.Lock()
	defer c.mu.Unlock()
	return identity{c.secrets.token, c.http}
}

// renew reads the files again if that was not done lately, or at once if it must. A file that cannot be read now leaves
// what was read before in use.
func (c *Client) renew(now bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !now && time.Since(c.read) < secretKept {
		return nil
	}
	s, err := c.access.read()
	if err == nil && (c.http == nil || !s.sameTLS(&c.secrets)) {
		var t *http.Transport
		if t, err = c.access.transport(&s); err == nil {
			if c.http != nil {
				c.http.CloseIdleConnections()
			}
			c.http = &http.Client{Transport: t, CheckRedirect: stay}
		}
	}
	if err != nil {
		if c.http == nil {
			return err
		}
		return nil
	}
	c.secrets, c.read = s, time.Now()
	return nil
}

// stay follows no redirect: a token must not wander.
func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// Forget closes connections that nobody uses, so that the next request does not go through one that is dead.
func (c *Client) Forget() { c.current().http.CloseIdleConnections() }

// untrusted says whether the server's certificate is of an authority that we do not know.
func untrusted(err error) bool {
	_, is := errors.AsType[x509.UnknownAuthorityError](err)
	return is
}

// plain is an error without the method and address that net/http puts before it.
func plain(err error) error {
	if wrapped, is := errors.AsType[*url.Error](err); is {
		if wrapped.Timeout() {
			return errors.New("no answer in time")
		}
		return wrapped.Err
	}
	return err
}
