// Why no endpoint of an upstream could be picked, in words.

package proxy

import (
	"fmt"
	"strings"

	"github.com/steelyard-proxy/steelyard/balancer"
)

// ineligible is why no endpoint of an upstream could be picked.
type ineligible struct {
	upstream  string
	endpoints []balancer.EndpointState
}

// mostNamed bounds how many endpoints a message names.
const mostNamed = 8

// Error has the words of whoever took each endpoint out, for the log.
func (i *ineligible) Error() string { return i.tell(true) }

// Plain has the conditions alone: the words may be those of an operator or of a server.
func (i *ineligible) Plain() string { return i.tell(false) }

func (i *ineligible) tell(words bool) string {
	if len(i.endpoints) == 0 {
		return "upstream " + i.upstream + " has none"
	}
	named := make([]string, 0, min(len(i.endpoints), mostNamed)+1)
	for n := range i.endpoints {
		if n == mostNamed {
			named = append(named, fmt.Sprintf("and %d more", len(i.endpoints)-mostNamed))
			break
		}
		e := &i.endpoints[n]
		named = append(named, e.Endpoint.Name()+" ("+why(e, words)+")")
	}
	return "upstream " + i.upstream + ": " + strings.Join(named, ", ")
}

// why is what keeps requests from an endpoint.
func why(e *balancer.EndpointState, words bool) string {
	switch {
	case !words && e.Conditions != 0:
		return e.Conditions.String()
	case len(e.Reasons) > 0:
		reasons := make([]string, len(e.Reasons))
		for n, r := range e.Reasons {
			if reasons[n] = r.Condition.String(); r.Text != "" {
				reasons[n] += ": " + r.Text
			}
		}
		return strings.Join(reasons, "; ")
	case e.Standby:
		return "on standby"
	case e.Endpoint.Unreachable():
		return "unreachable"
	}
	return "passed over"
}
