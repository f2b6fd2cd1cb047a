// The Docker Engine's API, as far as it is needed.

package docker

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	// newest is the API that this package was written for, oldest what it can do with: what it asks for is the same in all between.
	newestMinor, oldestMinor = 51, 25
	mostAnswer               = 16 << 20
	callTime                 = time.Minute // of a call that does not say how long it takes
)

// engine speaks to one.
type engine struct {
	socket string
	http   *http.Client

	mu      sync.Mutex
	version string // such as "/v1.44"; "": not negotiated yet; guarded by mu
}

func newEngine(socket string) *engine {
	return &engine{socket: socket, http: &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", socket)
		},
		MaxIdleConns: 2, IdleConnTimeout: 30 * time.Second,
	}}}
}

// problem is an answer that says no.
type problem struct {
	status  int
	message string
}

func (p *problem) Error() string {
	return fmt.Sprintf("the Docker Engine answered %d: %s", p.status, strings.TrimSpace(p.message))
}

// is says whether an error is an answer of that status.
func is(err error, status int) bool {
	p, found := errors.AsType[*problem](err)
	return found && p.status == status
}

// call makes one call, and reads the answer into into, where that is not nil.
func (e *engine) call(ctx context.Context, method, path string, query url.Values, body, into any) error {
	if _, bounded := ctx.Deadline(); !bounded {
		limited, cancel := context.WithTimeout(ctx, callTime)
		defer cancel()
		ctx = limited
	}
	answer, err := e.open(ctx, method, path, query, body)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, mostAnswer))
	if err != nil {
		return e.explain(err)
	}
	if into == nil {
		return nil
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("read the Docker Engine's answer to %s: %w", path, err)
	}
	return nil
}

// open makes a call and leaves the answer to be read.
func (e *engine) open(ctx context.Context, method, path string, query url.Values, body any) (*http.Response, error) {
	version, err := e.negotiate(ctx)
	if err != nil {
		return nil, err
	}
	answer, err := e.send(ctx, method, version+path, query, body)
	if tooOld(err) { // the engine was replaced by a newer one
		e.forget()
		if version, err = e.negotiate(ctx); err != nil {
			return nil, err
		}
		return e.send(ctx, method, version+path, query, body)
	}
	return answer, err
}

func (e *engine) send(ctx context.Context, method, path string, query url.Values, body any) (*http.Response, error) {
	var content io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		content = bytes.NewReader(text)
	}
	u := url.URL{Scheme: "http", Host: "docker", Path: path, RawQuery: query.Encode()}
	request, err := http.NewRequestWithContext(ctx, method, u.String(), content)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "steelyard")
	answer, err := e.http.Do(request)
	if err != nil {
		return nil, e.explain(err)
	}
	if answer.StatusCode < 400 {
		return answer, nil
	}
	defer answer.Body.Close()
	var said struct {
		Message string `json:"message"`
	}
	text, _ := io.ReadAll(io.LimitReader(answer.Body, 64<<10))
	if json.Unmarshal(text, &said) != nil || said.Message == "" {
		said.Message = string(text[:min(len(text), 200)])
	}
	return nil, &problem{answer.StatusCode, said.Message}
}

// explain says what can be done about a socket that cannot be used.
func (e *engine) explain(err error) error {
	if wrapped, is := errors.AsType[*url.Error](err); is {
		err = wrapped.Err
	}
	remedy := ""
	switch {
	case errors.Is(err, syscall.ENOENT), errors.Is(err, syscall.ECONNREFUSED):
		remedy = ": start Docker, or give its socket in scale.actuator.socket"
	case errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EPERM):
		remedy = ": let the user that steelyard runs as into the group docker"
	}
	return fmt.Errorf("speak to the Docker Engine at %s: %w%s", e.socket, err, remedy)
}

// negotiate finds the version that both know.
func (e *engine) negotiate(ctx context.Context) (string, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.version != "" {
		return e.version, nil
	}
	answer, err := e.send(ctx, http.MethodGet, "/_ping", nil, nil)
	if err != nil {
		return "", err
	}
	_ = answer.Body.Close()
	said := answer.Header.Get("Api-Version")
	minor, ok := minorOf(said)
	switch {
	case !ok:
		return "", fmt.Errorf("the Docker Engine at %s says its API is of version %q, which is none", e.socket, said)
	case minor < oldestMinor:
		return "", fmt.Errorf("the Docker Engine at %s knows its API up to version %s, and 1.%d is needed: install a newer one", e.socket, said, oldestMinor)
	}
	e.version = "/v1." + strconv.Itoa(min(minor, newestMinor))
	return e.version, nil
}

func (e *engine) forget() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.version = ""
}

// minorOf reads a version such as 1.44.
func minorOf(version string) (minor int, ok bool) {
	major, rest, found := strings.Cut(version, ".")
	minor, err := strconv.Atoi(rest)
	return minor, found && err == nil && major == "1" && minor >= 0
}

// tooOld says whether the engine refuses the version that was negotiated.
func tooOld(err error) bool {
	p, found := errors.AsType[*problem](err)
	return found && p.status == http.StatusBadRequest && strings.Contains(p.message, "client version")
}
