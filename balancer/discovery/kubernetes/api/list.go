// All objects of a kind, page by page.

package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
)

const (
	pageItems = 500
	mostPages = 2000
)

// Query narrows what is listed or watched.
type Query struct {
	Labels  string // a selector; "": all
	Version string // watch: what happened after it
	// Meta asks for no more than the objects' metadata.
	Meta bool
}

func (q *Query) values() url.Values {
	v := url.Values{}
	if q.Labels != "" {
		v.Set("labelSelector", q.Labels)
	}
	return v
}

func (q *Query) accept(kind string) string {
	if q.Meta {
		return "application/json;as=" + kind + ";g=meta.k8s.io;v=v1"
	}
	return ""
}

// page is what the server sends of a list.
type page struct {
	Metadata struct {
		ResourceVersion string `json:"resourceVersion"`
		Continue        string `json:"continue"`
	} `json:"metadata"`
	Items []json.RawMessage `json:"items"`
}

// List gives each object of a kind to each, and returns the version from which a watch goes on. It is what the store has
// now, not what a cache of the server had. Where it fails some objects may have been given already.
func (c *Client) List(ctx context.Context, r Resource, q Query, each func(json.RawMessage) error) (version string, err error) {
	values := q.values()
	values.Set("limit", strconv.Itoa(pageItems))
	for range mostPages {
		p, err := c.page(ctx, r, q, values)
		if err != nil {
			return "", err
		}
		for _, item := range p.Items {
			if err := each(item); err != nil {
				return "", fmt.Errorf("list %s: an item is not what Kubernetes sends: %w", r, err)
			}
		}
		if p.Metadata.Continue == "" {
			return p.Metadata.ResourceVersion, nil
		}
		values.Set("continue", p.Metadata.Continue)
	}
	return "", fmt.Errorf("list %s: there are more than %d", r, mostPages*pageItems)
}

func (c *Client) page(ctx context.Context, r Resource, q Query, values url.Values) (p page, err error) {
	ctx, cancel := context.WithTimeout(ctx, callWait)
	defer cancel()
	answer, err := c.ask(ctx, request{verb: "list", method: http.MethodGet, resource: r, query: values, accept: q.accept("PartialObjectMetadataList")})
	if err != nil {
		return p, err
	}
	defer answer.Body.Close()
	return p, decode(answer.Body, "list", r, &p)
}
