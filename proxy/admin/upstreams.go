// The routes that show upstreams.

package admin

import "net/http"

type upstreamsAnswer struct {
	Upstreams []Upstream `json:"upstreams"`
}

func (s *Server) getUpstreams(w http.ResponseWriter, _ *http.Request) {
	upstreams := append([]Upstream{}, s.fleet.Upstreams()...)
	for i := range upstreams {
		upstreams[i] = upstreams[i].withLists()
	}
	answer(w, http.StatusOK, upstreamsAnswer{upstreams})
}

func (s *Server) getUpstream(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("upstream")
	u, known := find(s.fleet.Upstreams(), name)
	if u == nil {
		failUnknownUpstream(w, name, known)
		return
	}
	answer(w, http.StatusOK, u.withLists())
}

// withLists returns a copy whose lists are empty rather than null, for clients
// that count conditions.
func (u *Upstream) withLists() Upstream {
	c := *u
	c.Endpoints = append([]Endpoint{}, u.Endpoints...)
	for i := range c.Endpoints {
		if c.Endpoints[i].Conditions == nil {
			c.Endpoints[i].Conditions = []Condition{}
		}
	}
	return c
}

func failUnknownUpstream(w http.ResponseWriter, name string, known []string) {
	fail(w, http.StatusNotFound, "no upstream is named "+name, known...)
}
