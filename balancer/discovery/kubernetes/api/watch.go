// What happens to the objects of a kind, as it happens.

package api

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"
)

// Types of events.
const (
	Added    = "ADDED"
	Modified = "MODIFIED"
	Deleted  = "DELETED"
	Bookmark = "BOOKMARK" // its object has a version, and nothing else that means anything
	Opened   = "OPENED"   // ours, the first of each watch: the server has begun to answer; it has no object
	failed   = "ERROR"
)

const (
	watchTime = 300 * time.Second // after which the server ends it, more or less a tenth
	// mostSilence is without any line. A server sends a bookmark about once a minute, so that a longer silence means
	// that nobody is there any more.
	mostSilence = 3 * time.Minute
	mostLine    = 16 << 20 // bytes; an object in the store has 1.5 MiB at most
)

// ErrSilent says that a watch was given up because it had become silent.
var ErrSilent = errors.New("the API server was silent for 3 minutes")

// Event is one line of a watch.
type Event struct {
	Type   string          `json:"type"`
	Object json.RawMessage `json:"object"`
}

// Watch gives hear what happens after q.Version, until the server ends the watch, as it does after about five minutes: nil.
// A version that the server has forgotten comes back as an *Error with the status 410, and so does whatever else the
// server says within an answer that began as a success.
func (c *Client) Watch(ctx context.Context, r Resource, q Query, hear func(Event) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	values := q.values()
	values.Set("watch", "1")
	values.Set("allowWatchBookmarks", "true")
	values.Set("resourceVersion", q.Version)
	seconds := int((watchTime - watchTime/10 + rand.N(watchTime/5)) / time.Second)
	values.Set("timeoutSeconds", strconv.Itoa(seconds))

	var silent atomic.Bool
	alarm := time.AfterFunc(mostSilence, func() { silent.Store(true); cancel() })
	defer alarm.Stop()
	answer, err := c.ask(ctx, request{verb: "watch", method: http.MethodGet, resource: r, query: values, accept: q.accept("PartialObjectMetadata")})
	if err == nil {
		defer answer.Body.Close()
		if err = hear(Event{Type: Opened}); err == nil {
			err = c.lines(answer.Body, r, func(e Event) error {
				alarm.Reset(mostSilence)
				return hear(e)
			})
		}
	}
	if silent.Load() {
		c.Forget()
		return fmt.Errorf("watch %s: %w", r, ErrSilent)
	}
	return err
}

// lines reads events, one a line, to the end of the body.
func (c *Client) lines(body io.Reader, r Resource, hear func(Event) error) error {
	lines := bufio.NewScanner(body)
	lines.Buffer(make([]byte, 0, 64<<10), mostLine)
	for lines.Scan() {
		if len(lines.Bytes()) == 0 {
			continue
		}
		var e Event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return fmt.Errorf("watch %s: a line is not what Kubernetes sends: %w", r, err)
		}
		if e.Type == failed {
			return c.told(e.Object, r)
		}
		if err := hear(e); err != nil {
			return fmt.Errorf("watch %s: %w", r, err)
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("watch %s: %w", r, plain(err))
	}
	return nil
}

// told is the error that a server sends as an event.
func (c *Client) told(object json.RawMessage, r Resource) error {
	var s status
	if err := json.Unmarshal(object, &s); err != nil || s.Code == 0 {
		return fmt.Errorf("watch %s: the API server sent an error without a code", r)
	}
	e := &Error{Status: s.Code, Verb: "watch", Resource: r, source: c.source()}
	e.read(&s)
	return e
}
