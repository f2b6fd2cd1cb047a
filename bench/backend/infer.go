// One inference request, from its body to its count.

package backend

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
)

// How a request may end other than answered or refused.
var (
	errCut    = errors.New("answer cut short by a fault")
	errReset  = errors.New("connection reset by a fault")
	errInBand = errors.New("answered with an error event by a fault")
	errUpload = errors.New("request broke off")
)

// infer is the handler of one inference API. It counts each request exactly
// once under how it ended.
func (s *Server) infer(a *api) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.tally.requests.Add(1)
		s.tally.inFlight.Add(1)
		defer s.tally.inFlight.Add(-1)
		ended := s.options.Visited(r)
		w.Header().Set("X-Served-By", s.options.Name)

		err := s.serve(w, r, a)
		var refused *refusal
		switch {
		case err == nil:
			s.tally.completed.Add(1)
			ended(Completed)
		case errors.As(err, &refused):
			s.tally.failed.Add(1)
			ended(Failed)
			writeRefusal(w, refused)
		case errors.Is(err, errInBand):
			s.tally.failed.Add(1)
			ended(Failed)
		case clientLeft(r.Context(), err):
			s.tally.aborted.Add(1)
			ended(Aborted)
			breakOff(r, err)
		default:
			s.tally.failed.Add(1)
			ended(Failed)
			breakOff(r, err)
		}
	}
}

// serve reads, waits for a slot, works and answers.
func (s *Server) serve(w http.ResponseWriter, r *http.Request, a *api) error {
	q, err := s.readRequest(w, r, a)
	if err != nil {
		return err
	}
	ctx := r.Context()
	kind, err := s.bear(ctx)
	if err != nil {
		return err
	}
	if err := refuseBy(kind, q); err != nil {
		return err
	}
	if kind == ErrorEvent {
		return s.answerErrorEvent(w)
	}
	p := s.read(a.input(q))
	j := s.work.job(q.units, q.limit, p)
	if q.Stream {
		j.stream()
	}
	s.clock.enter(j, q.arrived)
	defer s.clock.leave(j)

	answer := s.newAnswer(a, q, p.tokens, j.tokens)
	if err := s.begin(ctx, j, answer); err != nil {
		return err
	}
	if q.Stream {
		return s.stream(ctx, w, j, answer)
	}
	return s.respond(ctx, w, j, answer)
}

// begin waits for the start of service, from when on it is known what the engine remembered of the prompt.
func (s *Server) begin(ctx context.Context, j *job, a *answer) error {
	err := j.await(ctx, 0)
	switch {
	case errors.Is(err, errRefused):
		return badRequest(a.api.inputName, fmt.Sprintf("This model's maximum context length is %d tokens. However, you requested %d tokens "+
			"(%d in the %s, %d in the completion). Please reduce the length of the messages or completion.",
			s.clock.signals().TotalTokens, a.usage.TotalTokens, a.usage.PromptTokens, a.api.inputName, a.usage.CompletionTokens))
	case err == nil && s.options.Engine.Kind != "":
		a.usage.Details = &promptDetails{CachedTokens: j.cached}
	}
	return err
}

// token waits until so many tokens of a job are made, and says what the server
// then suffers from. Its error is that of bear.
func (s *Server) token(ctx context.Context, j *job, tokens int) (Fault, error) {
	if err := j.await(ctx, tokens); err != nil {
		return None, err
	}
	return s.bear(ctx)
}

// refuseBy is the error that a fault puts in place of an answer.
func refuseBy(kind Fault, q *request) error {
	switch {
	case kind == Busy:
		return &refusal{status: http.StatusTooManyRequests, kind: "rate_limit_error", message: "the engine is full (simulated)"}
	case kind == Error500, kind == ErrorEvent && !q.Stream:
		return engineFailure()
	}
	return nil
}

func engineFailure() *refusal {
	return &refusal{status: http.StatusInternalServerError, kind: "server_error", message: "the engine failed (simulated)"}
}

// brokenHalfWay is the end of an answer that a fault breaks off; nil: it is not broken.
func brokenHalfWay(kind Fault) error {
	switch kind {
	case CutStream:
		return errCut
	case ResetHalf:
		return errReset
	}
	return nil
}

// bear suffers the faults that hold for the whole process: it waits while the
// server hangs, and says what else is wrong with it. Its error is errReset or
// the end of ctx.
func (s *Server) bear(ctx context.Context) (Fault, error) {
	for {
		now := s.condition.Load()
		switch now.kind {
		case Reset:
			return now.kind, errReset
		case Hang:
			select {
			case <-now.over:
				continue
			case <-ctx.Done():
				return now.kind, context.Cause(ctx)
			}
		}
		return now.kind, nil
	}
}

// clientLeft tells a client's leaving from the server's own end. While a body
// is read nothing watches the connection, so there only err shows it.
func clientLeft(ctx context.Context, err error) bool {
	if errors.Is(context.Cause(ctx), errGone) {
		return false
	}
	return ctx.Err() != nil || errors.Is(err, errUpload)
}

type connectionKey struct{}

func withConnection(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connectionKey{}, c)
}

// breakOff ends the connection without ending the answer, by a reset where the
// fault asks for one. It does not return.
func breakOff(r *http.Request, err error) {
	if c, ok := r.Context().Value(connectionKey{}).(*net.TCPConn); ok && errors.Is(err, errReset) {
		_ = c.SetLinger(0) // makes the close below a reset; failing that it is a plain close
	}
	panic(http.ErrAbortHandler)
}
