// The Service itself, and what its absence means.

package kubernetes

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/steelyard-proxy/steelyard/balancer/discovery/kubernetes/api"
)

// standing is what is known of the Service.
type standing struct {
	known    bool // it exists, by the server's own word
	strength strength
	selector string // of its pods, "": it has none
}

// lookUp reads the Service. The error says that it does not exist, or that this cannot be known.
func (s *Source) lookUp(ctx context.Context) (standing, error) {
	var is service
	err := s.options.Client.Get(ctx, api.Resource{Version: "v1", Kind: "services", Namespace: s.options.Namespace, Name: s.options.Service}, &is)
	switch {
	case api.Is(err, http.StatusNotFound):
		return standing{}, fmt.Errorf("the namespace %q has no Service %q: is it there, and is its name right?", s.options.Namespace, s.options.Service)
	case err != nil:
		return standing{}, err
	case is.Spec.Type == "ExternalName":
		return standing{}, fmt.Errorf("the Service %q is an ExternalName, which has no endpoints: use discovery of the kind dns", s.options.Service)
	}
	st, problem := is.Metadata.strength()
	s.note(problem)
	return standing{known: true, strength: st, selector: selector(is.Spec.Selector)}, nil
}

// selector is a Service's selector as a query has it.
func selector(labels map[string]string) string {
	var terms []string
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		terms = append(terms, key+"="+labels[key])
	}
	return strings.Join(terms, ",")
}
