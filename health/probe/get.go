// The check by an HTTP GET.

package probe

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"syscall"
	"time"

	"github.com/steelyard-proxy/steelyard/health/failure"
	"github.com/steelyard-proxy/steelyard/health/shortage"
)

// answerLimit bounds in bytes what is read of an answer, header and body. The body is read
// only so that the server can finish writing before the connection closes.
const answerLimit = 64 << 10

// get is the check by HTTP: one GET on a new connection. It does not use http.Client, whose
// dialling goes on after the deadline: the reason could not say whether the connection, the
// handshake or the answer came too late.
type get struct {
	Options
	dialer *dialer
	host   string // Host header, never ""
}

// ask sends the GET and judges the status. Redirects are not followed, and the body does not
// matter.
func (g *get) ask(ctx context.Context) *verdict {
	request, err := g.request()
	if err != nil {
		return g.unanswered(err)
	}
	conn, failure := g.dialer.dial(ctx)
	if failure != nil {
		return failure
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) }) // ends a read or write under way
	defer stop()

	if err := request.Write(conn); err != nil {
		return g.unanswered(err)
	}
	limited := &io.LimitedReader{R: conn, N: answerLimit}
	response, err := readResponse(bufio.NewReader(limited), request)
	if err != nil {
		if limited.N == 0 {
			err = fmt.Errorf("the answer's header is over %d KiB", answerLimit>>10)
		}
		return g.unanswered(err)
	}
	// An error in the body does not matter: the status has come.
	_, _ = io.Copy(io.Discard, response.Body)
	response.Body.Close()
	return g.judge(response.StatusCode)
}

// readResponse returns the final answer, after any informational ones.
func readResponse(r *bufio.Reader, request *http.Request) (*http.Response, error) {
	for {
		response, err := http.ReadResponse(r, request)
		if err != nil || response.StatusCode >= 200 || response.StatusCode == http.StatusSwitchingProtocols {
			return response, err
		}
	}
}

func (g *get) judge(status int) *verdict {
	v := &verdict{FailedStatus, fmt.Sprintf("GET %s: status %d", g.Path, status)}
	switch {
	case g.Healthy(status):
		v.result = Passed
	case g.Busy(status):
		v.result = PassedBusy
	}
	return v
}

func (g *get) request() (*http.Request, error) {
	target, err := url.ParseRequestURI(g.Path)
	if err != nil {
		return nil, err
	}
	return &http.Request{
		Method: http.MethodGet,
		URL:    target,
		Host:   g.host,
		Header: http.Header{"User-Agent": {"steelyard-probe"}, "Accept": {"*/*"}},
		Close:  true,
	}, nil
}

// unanswered says why a GET got no status.
func (g *get) unanswered(err error) *verdict {
	what := "GET " + g.Path
	switch {
	case shortage.Is(err):
		return &verdict{Unasked, failure.Short(what + ": " + err.Error())}
	case failure.TimedOut(err):
		return &verdict{FailedTimeout, fmt.Sprintf("%s: no answer within %v", what, g.Timeout)}
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return &verdict{FailedProtocol, what + ": connection closed before an answer"}
	}
	return &verdict{FailedProtocol, failure.Short(what + ": " + err.Error())}
}
