// Posting one message, with as many attempts as it may have.

package notify

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/hashicorp/go-retryablehttp"

	"github.com/steelyard-proxy/steelyard/metrics/again"
)

// Pauses between two attempts.
const (
	leastPause      = time.Second
	mostPause       = time.Minute
	mostRetryAfter  = 5 * time.Minute // of what a receiver asks for
	mostAnswerBytes = 64 << 10        // of an answer's head
	mostAnswerText  = 4 << 10         // of its body
)

// Target is where messages go.
type Target struct {
	URL     Secret
	Keys    []Secret      // a signature by each; none: messages are not signed
	Timeout time.Duration // of one attempt
}

// Refused is an answer that no further attempt would change.
type Refused struct{ Status int }

func (r *Refused) Error() string {
	if r.Status >= 300 && r.Status < 400 {
		return fmt.Sprintf("answered %d, and redirects are not followed: give the address they lead to", r.Status)
	}
	return fmt.Sprintf("answered %d", r.Status)
}

// Later is an answer after which the same message may be taken later.
type Later struct {
	Status int
	After  time.Duration // what the receiver asks for, within bounds; 0: nothing
}

func (l *Later) Error() string { return fmt.Sprintf("answered %d", l.Status) }

// Poster posts to one target. It is for one goroutine.
type Poster struct {
	target Target
	http   *http.Client
}

// NewPoster makes a Poster. It connects when it has something to post.
func NewPoster(t Target) *Poster {
	return &Poster{target: t, http: &http.Client{
		Timeout: t.Timeout,
		Transport: stayer{&http.Transport{
			Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true,
			MaxIdleConns: 1, IdleConnTimeout: 30 * time.Second, MaxResponseHeaderBytes: mostAnswerBytes,
		}},
	}}
}

// stayer hides where an answer leads to, so that nobody goes there, or tells of it.
type stayer struct{ next http.RoundTripper }

// CloseIdleConnections is what http.Client looks for.
func (s stayer) CloseIdleConnections() {
	if t, is := s.next.(*http.Transport); is {
		t.CloseIdleConnections()
	}
}

func (s stayer) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := s.next.RoundTrip(r)
	if err == nil {
		answer.Header.Del("Location")
	}
	return answer, err
}

// Close lets the connection go. The Poster may be used again.
func (p *Poster) Close() { p.http.CloseIdleConnections() }

// Sending is a message to post, and how often and how patiently that is tried.
type Sending struct {
	ID       string // the same for each attempt
	Body     []byte // JSON
	Attempts int
	// Patience is the longest pause that a receiver may ask for; if it asks for more the message comes back as
	// *Later. 0: any pause.
	Patience  time.Duration
	Wanted    func() bool         // asked before each further attempt; nil: it is wanted to the end
	Attempted func(problem error) // called after each attempt; nil problem: it was taken
}

// Post sends a message until it is taken, refused for good (*Refused), ctx ends, or it was tried
// that often. The error never has the address in it.
func (p *Poster) Post(ctx context.Context, s Sending) error {
	request, err := retryablehttp.NewRequestWithContext(ctx, http.MethodPost, p.target.URL.Reveal(), s.Body)
	if err != nil {
		return errors.New("the address is no URL")
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "steelyard")
	sign(request.Header, s.ID, time.Now(), s.Body, p.target.Keys)
	var last error
	client := &retryablehttp.Client{
		HTTPClient: p.http, RetryMax: s.Attempts - 1,
		CheckRetry: func(ctx context.Context, answer *http.Response, err error) (bool, error) {
			last = problemOf(answer, err)
			if ctx.Err() != nil { // it was we who cut it short
				return false, ctx.Err()
			}
			if s.Attempted != nil {
				s.Attempted(last)
			}
			return s.again(last), nil
		},
		Backoff: func(_, _ time.Duration, attempt int, answer *http.Response) time.Duration {
			return pause(attempt, answer)
		},
		PrepareRetry: func(r *http.Request) error {
			if s.Wanted != nil && !s.Wanted() {
				return errNotWanted
			}
			r.Header = r.Header.Clone() // the attempt before may still be written
			sign(r.Header, s.ID, time.Now(), s.Body, p.target.Keys)
			return nil
		},
		ErrorHandler: retryablehttp.PassthroughErrorHandler,
	}
	answer, err := client.Do(request)
	if answer != nil {
		_, _ = io.CopyN(io.Discard, answer.Body, mostAnswerText) // so that the connection is used again
		_ = answer.Body.Close()
	}
	if ctx.Err() != nil && err != nil {
		return ctx.Err()
	}
	return last
}

// errNotWanted ends the attempts. Nobody sees it: Post returns what was wrong with the last one.
var errNotWanted = errors.New("no longer wanted")

// again says whether a problem is worth another attempt now.
func (s *Sending) again(problem error) bool {
	if _, final := errors.AsType[*Refused](problem); problem == nil || final {
		return false
	}
	later, is := errors.AsType[*Later](problem)
	return !is || s.Patience == 0 || later.After <= s.Patience
}

// problemOf is what is wrong with an attempt, nil if the message was taken.
func problemOf(answer *http.Response, err error) error {
	if wrapped, is := errors.AsType[*url.Error](err); is {
		if wrapped.Timeout() {
			return errors.New("no answer in time")
		}
		err = wrapped.Err // its text has the address, which may be secret
	}
	switch {
	case err != nil:
		return plain(err)
	case answer.StatusCode >= 200 && answer.StatusCode < 300:
		return nil
	case mayPass(answer.StatusCode):
		after, _ := asked(answer)
		return &Later{answer.StatusCode, after}
	}
	return &Refused{answer.StatusCode}
}

// plain is an error of a connection without the host or address that it was to go to: those may be secret too.
func plain(err error) error {
	if lookup, is := errors.AsType[*net.DNSError](err); is {
		return errors.New("its name could not be looked up: " + lookup.Err)
	}
	if _, is := errors.AsType[x509.HostnameError](err); is {
		return errors.New("its certificate is for another name")
	}
	for op, is := errors.AsType[*net.OpError](err); is; op, is = errors.AsType[*net.OpError](err) {
		err = op.Err
	}
	return err
}

// mayPass says whether the same message may be taken later.
func mayPass(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	}
	return status >= 500 && status != http.StatusNotImplemented
}

// pause is how long to wait after an attempt, the first of which is 0.
func pause(attempt int, answer *http.Response) time.Duration {
	if wanted, given := asked(answer); given {
		return wanted
	}
	return again.After(attempt, leastPause, mostPause)
}

// asked is the pause that the receiver asks for, within our bounds.
func asked(answer *http.Response) (time.Duration, bool) {
	wanted, given := retryAfter(answer)
	if !given {
		return 0, false
	}
	return min(max(wanted, leastPause), mostRetryAfter), true
}

// retryAfter is what the receiver asks for, in seconds or as a date.
func retryAfter(answer *http.Response) (time.Duration, bool) {
	if answer == nil {
		return 0, false
	}
	text := answer.Header.Get("Retry-After")
	if seconds, err := strconv.ParseUint(text, 10, 32); err == nil {
		return time.Duration(seconds) * time.Second, true
	}
	if at, err := http.ParseTime(text); err == nil {
		return time.Until(at), true
	}
	return 0, false
}

// Post sends one message, and tries again up to that many times in all while ctx lasts.
func Post(ctx context.Context, t Target, m Message, attempts int) error {
	body, err := m.body()
	if err != nil {
		return err
	}
	p := NewPoster(t)
	defer p.Close()
	return p.Post(ctx, Sending{ID: m.ID, Body: body, Attempts: attempts})
}
