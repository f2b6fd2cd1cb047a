// Keeping up with one kind of objects: list them, then watch from there.

package kubernetes

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/steelyard-proxy/steelyard/balancer/discovery"
	"github.com/steelyard-proxy/steelyard/balancer/discovery/kubernetes/api"
)

// usefulWatch is how long a watch must last, so that the pauses after failures begin anew.
const usefulWatch = 10 * time.Second

// mostAsked is the longest pause that a server may ask for.
const mostAsked = time.Minute

// mirror keeps up with the objects of one kind, as T.
type mirror[T any] struct {
	client   *api.Client
	resource api.Resource
	query    api.Query

	hears   hearer[T]
	version string // from which to watch; "": everything must be listed
}

// hearer is who wants to know. Calls are serial.
type hearer[T any] interface {
	replace(items []T)           // with all there are now; never with a part of them
	change(item T, deleted bool) // by one
	current()                    // nothing has changed, by the server's word
	failed(error)                // the server is away, or refuses; what was known stays
}

// run goes on until ctx ends.
func (m *mirror[T]) run(ctx context.Context) {
	var pauses discovery.Backoff
	for ctx.Err() == nil {
		began := time.Now()
		err := m.once(ctx)
		if ctx.Err() != nil {
			return
		}
		if time.Since(began) > usefulWatch {
			pauses.Reset()
		} else if err == nil {
			err = errShort
		}
		if forgotten(err) && m.version != "" {
			m.version = "" // nothing is cleared: the new list takes the old one's place
			continue
		}
		if err == nil {
			continue
		}
		if !errors.Is(err, errShort) {
			m.hears.failed(err)
		}
		if !discovery.Sleep(ctx, max(pauses.Next(), asked(err))) {
			return
		}
	}
}

// errShort is no failure; but a server that ends each watch at once is not asked again at once.
var errShort = errors.New("the API server ended the watch at once")

// once lists if it must, and watches until the watch ends.
func (m *mirror[T]) once(ctx context.Context) error {
	if m.version == "" {
		if err := m.list(ctx); err != nil {
			return err
		}
	}
	q := m.query
	q.Version = m.version
	return m.client.Watch(ctx, m.resource, q, m.hear)
}

func (m *mirror[T]) list(ctx context.Context) error {
	var items []T
	version, err := m.client.List(ctx, m.resource, m.query, func(raw json.RawMessage) error {
		var item T
		err := json.Unmarshal(raw, &item)
		items = append(items, item)
		return err
	})
	if err != nil {
		return err
	}
	if version == "" {
		return errors.New("the API server sent a list without a version")
	}
	m.hears.replace(items)
	m.version = version
	return nil
}

// versioned is what is read of every object.
type versioned struct {
	Metadata struct {
		ResourceVersion string `json:"resourceVersion"`
	} `json:"metadata"`
}

// hear takes one event. A bookmark's object is of the right kind and empty: it must never be taken for a change.
func (m *mirror[T]) hear(e api.Event) error {
	if e.Type == api.Opened {
		m.hears.current()
		return nil
	}
	var v versioned
	if err := json.Unmarshal(e.Object, &v); err != nil {
		return err
	}
	switch e.Type {
	case api.Bookmark:
		m.hears.current()
	case api.Added, api.Modified, api.Deleted:
		var item T
		if err := json.Unmarshal(e.Object, &item); err != nil {
			return err
		}
		m.hears.change(item, e.Type == api.Deleted)
	default:
		return nil // of a later Kubernetes
	}
	if v.Metadata.ResourceVersion != "" {
		m.version = v.Metadata.ResourceVersion
	}
	return nil
}

// forgotten says whether the server no longer knows the version from which we watch. Some say so with a 410 as the answer,
// most with an event of that code inside a 200.
func forgotten(err error) bool { return api.Is(err, http.StatusGone) }

// asked is how long the server asks us to wait.
func asked(err error) time.Duration {
	if refused, is := errors.AsType[*api.Error](err); is {
		return min(refused.After, mostAsked)
	}
	return 0
}
