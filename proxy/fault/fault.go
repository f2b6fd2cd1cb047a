// Every way in which a request can fail, with its status and code.

package fault

import (
	"cmp"
	"errors"
	"strings"
	"time"
)

// Source is who failed.
type Source uint8

// The sources.
const (
	Steelyard Source = iota
	Client
	Upstream
)

func (s Source) String() string { return [...]string{"steelyard", "client", "upstream"}[s] }

// Kind is how an exchange failed. Each kind has one source, one status for an
// answer that has not begun, and one code in that answer.
type Kind uint8

// The kinds. TotalTimeout and TotalInBody have one code, since the limit is the same and so
// is what a client can do.
const (
	Internal         Kind = iota // a broken invariant of ours
	NoRoute                      // no route leads anywhere
	NoEndpoint                   // no eligible endpoint
	QueueFull                    // every endpoint is full, and so is the queue for them
	QueueTimeout                 // no endpoint had a slot free within queue.max_wait
	Connect                      // the endpoint could not be reached
	ConnectTimeout               // not reached within timeouts.connect
	Closed                       // the endpoint closed before it answered
	BadAnswer                    // its answer is not valid HTTP
	FirstByteTimeout             // no answer within timeouts.first_byte
	IdleTimeout                  // silent for longer than timeouts.idle
	TotalTimeout                 // the exchange took longer than timeouts.total
	TotalInQueue                 // timeouts.total was over before an endpoint had a slot free
	TotalInBody                  // timeouts.total was over before the client had sent its body
	Truncated                    // the answer ended before its end
	ClientGone                   // the client left
	ClientStalled                // the client took nothing for timeouts.client_stall
	ClientSlow                   // the client took less than clients.min_read_rate
	ClientRequests               // the client's address has clients.max_requests under way
	ClientWaiting                // clients.max_waiting requests of its address wait for a slot
	ClientMemory                 // bodies from its address take clients.max_body_memory
	Overloaded                   // as many requests are under way as limits.requests allows
	Shed                         // an action of alerts turns requests of its priority away
	MemoryLimit                  // as much memory is in use as limits.memory allows
	Displaced                    // the queue was full, and a request of a higher priority came
	Shutdown                     // steelyard ended before the exchange did
	Forsaken                     // the endpoint failed its probes before it answered
	Shortage                     // steelyard lacks descriptors, ports or memory to reach the endpoint
	Loop                         // the request has been here before
	Poisoned                     // endpoints broke off over the same request
	Refused                      // what the client sent is not served: see Refuse
)

var kinds = [...]struct {
	source   Source
	status   int
	code     string
	sentence string
}{
	Internal:         {Steelyard, 500, "internal_error", "internal error"},
	NoRoute:          {Client, 404, "no_route", "no route leads to this host and path"},
	NoEndpoint:       {Upstream, 503, "no_endpoint", "no endpoint is eligible"},
	QueueFull:        {Steelyard, 429, "queue_full", "every endpoint is busy and the queue for them is full"},
	QueueTimeout:     {Steelyard, 503, "queue_timeout", "no endpoint had a slot free within queue.max_wait"},
	Connect:          {Upstream, 502, "connect_failed", "could not connect"},
	ConnectTimeout:   {Upstream, 504, "connect_timeout", "not connected within timeouts.connect"},
	Closed:           {Upstream, 502, "closed_before_answer", "closed the connection before it answered"},
	BadAnswer:        {Upstream, 502, "bad_answer", "answered with invalid HTTP"},
	FirstByteTimeout: {Upstream, 504, "first_byte_timeout", "no answer within timeouts.first_byte"},
	IdleTimeout:      {Upstream, 504, "idle_timeout", "silent for longer than timeouts.idle"},
	TotalTimeout:     {Upstream, 504, "total_timeout", "not finished within timeouts.total"},
	TotalInQueue:     {Steelyard, 504, "total_timeout_in_queue", "waited in the queue until timeouts.total was over; no endpoint got the request"},
	TotalInBody:      {Steelyard, 504, "total_timeout", "not finished within timeouts.total; the request's body had not come to its end"},
	Truncated:        {Upstream, 502, "truncated_answer", "the answer was cut short"},
	ClientGone:       {Client, 499, "client_gone", "the client left"},
	ClientStalled:    {Client, 499, "client_stalled", "the client took nothing for timeouts.client_stall"},
	ClientSlow:       {Client, 499, "client_too_slow", "the client took its answer more slowly than clients.min_read_rate"},
	ClientRequests:   {Steelyard, 429, "client_requests", "as many requests of this address are under way as clients.max_requests allows"},
	ClientWaiting:    {Steelyard, 429, "client_waiting", "as many requests of this address wait for a slot as clients.max_waiting allows"},
	ClientMemory:     {Steelyard, 429, "client_body_memory", "bodies from this address take as much memory as clients.max_body_memory allows"},
	Overloaded:       {Steelyard, 503, "overloaded", "as many requests are under way as limits.requests allows for this priority"},
	Shed:             {Steelyard, 503, "shed", "requests of this priority are turned away while an alert fires"},
	MemoryLimit:      {Steelyard, 503, "memory_limit", "as much memory is in use as limits.memory allows for this priority"},
	Displaced:        {Steelyard, 503, "displaced", "every endpoint is busy, the queue for them is full, and a request of a higher priority came"},
	Shutdown:         {Steelyard, 503, "shutting_down", "steelyard is shutting down"},
	Forsaken:         {Upstream, 504, "probes_failed", "gave no answer, and fails its probes"},
	Shortage:         {Steelyard, 503, "out_of_resources", "steelyard has no file descriptor, port or memory left for another connection"},
	Loop:             {Steelyard, 508, "loop_detected", "the request has come through this steelyard before: one of its endpoints leads back to it"},
	Poisoned:         {Client, 502, "poisoned", "two endpoints broke off over this same request, which is refused for a while"},
	Refused:          {source: Client}, // Refuse says the rest
}

// Kinds returns all kinds but Refused, whose errors have codes of their own.
func Kinds() []Kind {
	list := make([]Kind, Refused)
	for i := range list {
		list[i] = Kind(i)
	}
	return list
}

// Source is who failed.
func (k Kind) Source() Source { return kinds[k].source }

// Status is the HTTP status of an answer that reports k.
func (k Kind) Status() int { return kinds[k].status }

// Code is k as the answer's JSON and the metrics name it.
func (k Kind) Code() string { return kinds[k].code }

// Error is one failure. Values are immutable once returned.
type Error struct {
	Kind     Kind
	Endpoint string // its name; empty when none was involved
	Err      error  // the cause; may be nil
	// Sent says that bytes of the request may have reached the endpoint.
	Sent bool
	// RetryAfter is the time after which another try may succeed; 0: not known.
	RetryAfter time.Duration
	// Ended says that a reused connection ended before any byte of an answer: it may
	// have died while idle.
	Ended bool

	refusal *refusal // of a Refused one
}

// New makes an error of kind k, of a request that may have been sent.
func New(k Kind, cause error) *Error { return &Error{Kind: k, Err: cause, Sent: true} }

// refusal has the status, code and text of a Refused error, which its kind does not have.
type refusal struct {
	source       Source
	status       int
	code, reason string
}

// Refuse makes the error of a request that is not served, with its own code and sentence. Its
// status decides whose fault that is.
func Refuse(status int, code, reason string) *Error {
	e := New(Refused, nil)
	e.refusal = &refusal{Client, status, code, reason}
	if status == unavailable {
		e.refusal.source = Steelyard
	}
	return e
}

// unavailable is the status of a refusal for want of room, not for what was sent.
const unavailable = 503

// Source is who failed.
func (e *Error) Source() Source {
	if e.refusal != nil {
		return e.refusal.source
	}
	return e.Kind.Source()
}

// Status is the HTTP status of an answer that reports e.
func (e *Error) Status() int {
	if e.refusal != nil {
		return e.refusal.status
	}
	return e.Kind.Status()
}

// Code is e as the answer's JSON and the metrics name it.
func (e *Error) Code() string {
	if e.refusal != nil {
		return e.refusal.code
	}
	return e.Kind.Code()
}

// Unsent records that not one byte of the request has left.
func (e *Error) Unsent() *Error { e.Sent = false; return e }

// Retry sets the time after which another try may succeed.
func (e *Error) Retry(after time.Duration) *Error { e.RetryAfter = after; return e }

// At sets the endpoint, unless one is set already.
func (e *Error) At(endpoint string) *Error {
	if e.Endpoint == "" {
		e.Endpoint = endpoint
	}
	return e
}

func (e *Error) Error() string {
	if e.refusal != nil {
		return e.refusal.reason
	}
	return e.tell(e.Code())
}

// Plain is the whole error: it is in our own words.
func (e *Error) Plain() string { return e.Error() }

func (e *Error) Unwrap() error { return e.Err }

// As is the fault in err's chain, or an Internal one that wraps err.
func As(err error) *Error {
	if f, ok := errors.AsType[*Error](err); ok {
		return f
	}
	return New(Internal, err)
}

// Sentence is the error as clients may read it.
func (e *Error) Sentence() string {
	if e.refusal != nil {
		return e.refusal.reason
	}
	return e.tell(kinds[e.Kind].sentence)
}

// tell puts the endpoint before what happened and the cause behind it. Only the log gets
// the cause of a broken invariant.
func (e *Error) tell(what string) string {
	if e.Endpoint != "" {
		what = "endpoint " + e.Endpoint + ": " + what
	}
	if e.Err != nil && e.Kind != Internal {
		if cause := Cause(e.Err); cause != "" {
			what += ": " + cause
		}
	}
	return Shorten(what)
}

// Why is the cause in words that anybody may see; where it is not known, what happened.
func (e *Error) Why() string {
	return Shorten(cmp.Or(Cause(e.Err), kinds[e.Kind].sentence))
}

// longest is how many bytes of foreign text are kept.
const longest = 1 << 10

// Shorten bounds the length of a text that somebody else may have chosen.
func Shorten(s string) string {
	if len(s) <= longest {
		return s
	}
	return strings.ToValidUTF8(s[:longest], "") + "..."
}

// ErrorType is the source in the words of OpenAI's API for types of errors.
func (s Source) ErrorType() string {
	return [...]string{"server_error", "invalid_request_error", "upstream_error"}[s]
}
