// From slices to endpoints.

package kubernetes

import (
	"cmp"
	"maps"
	"net"
	"net/netip"
	"slices"
	"strconv"

	"github.com/steelyard-proxy/steelyard/balancer/discovery"
)

// found is one server of the Service, as all slices together say it.
type found struct {
	name, id    string
	address     netip.Addr
	port        int
	said        strength // of its slice
	ready       bool
	serving     bool
	terminating bool
}

// key is who it is: the same pod may stand in two slices while it moves, and once for each IP family.
func (f *found) key() string {
	if f.id != "" {
		return f.id
	}
	return f.hostPort()
}

func (f *found) hostPort() string { return net.JoinHostPort(f.address.String(), strconv.Itoa(f.port)) }

// merge takes in what another slice says of the same server. To end cannot be taken back, so one slice that says it is
// enough; else the slice that says it serves is the newer one more often than not. IPv4 comes first.
func (f *found) merge(o *found) {
	f.ready, f.serving = f.ready || o.ready, f.serving || o.serving
	f.terminating = f.terminating || o.terminating
	f.said = f.said.or(o.said)
	if o.address.Compare(f.address) < 0 {
		f.address, f.port = o.address, o.port
	}
}

// view is all that is known, from which the endpoints follow.
type view struct {
	slices   map[string]*slice   // by name
	pods     map[string]strength // by UID
	service  strength
	gone     map[string]bool // UIDs of pods that are gone; slices may name them for a while
	wasReady map[string]bool // by key: it was ready once
}

// endpoints is the union of all slices. problems are what was left out, in words, each once.
func (v *view) endpoints(o *Options) (list []discovery.Endpoint, problems []string) {
	all, problems := v.union(o)
	v.remember(all)
	fallback := !slices.ContainsFunc(all, func(f *found) bool { return f.ready && !f.terminating })
	for _, f := range oneEach(all) {
		serves := f.ready && !f.terminating || fallback && f.serving && f.terminating
		if !serves && !f.terminating && !v.wasReady[f.key()] {
			continue // it starts
		}
		s := v.pods[f.id].or(f.said).or(v.service)
		list = append(list, discovery.Endpoint{
			Name: f.name, URL: o.scheme() + "://" + f.hostPort(), ID: f.id, Capacity: s.capacity, Slots: s.slots, Departing: !serves,
		})
	}
	return list, problems
}

// union is one found for each server, in the order of their keys.
func (v *view) union(o *Options) (all []*found, problems []string) {
	known := map[string]*found{}
	told := map[string]bool{}
	tell := func(text string) {
		if !told[text] {
			told[text] = true
			problems = append(problems, text)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(v.slices)) {
		s := v.slices[name]
		if s.Family != "IPv4" && s.Family != "IPv6" {
			tell("the EndpointSlice " + name + " has addresses of the kind " + strconv.Quote(s.Family) + ": only IPv4 and IPv6 are taken, since a name may lead anywhere")
			continue
		}
		if len(s.Endpoints) == 0 {
			continue // such a slice has no ports either
		}
		port, why := s.port(o.Port)
		if port == 0 {
			tell("the EndpointSlice " + name + " " + why)
			continue
		}
		said, problem := s.Metadata.strength()
		if problem != "" {
			tell(problem)
		}
		for i := range s.Endpoints {
			f, why := s.Endpoints[i].find(s.Family, port, o.AllowLoopback)
			if why != "" {
				tell("an endpoint of the EndpointSlice " + name + " " + why)
				continue
			}
			f.said = said
			if has := known[f.key()]; has != nil {
				has.merge(f)
				continue
			}
			known[f.key()] = f
		}
	}
	for _, key := range slices.Sorted(maps.Keys(known)) {
		all = append(all, known[key])
	}
	return all, problems
}

// find is the server that a member of a slice is, or why it is none.
func (m *sliceMember) find(family string, port int, loopback bool) (*found, string) {
	if len(m.Addresses) == 0 {
		return nil, "has no address"
	}
	ip, why := usable(m.Addresses[0], family, loopback)
	if why != "" {
		return nil, "has the address " + strconv.Quote(shorten(m.Addresses[0])) + ", which " + why
	}
	f := &found{address: ip, port: port, ready: m.Conditions.ready(), serving: m.Conditions.serving(), terminating: m.Conditions.terminating()}
	if m.Target != nil && m.Target.UID != "" {
		f.name, f.id = m.Target.Name, m.Target.UID
	}
	return f, ""
}

// oneEach leaves one server for each address: two pods have the same one for a moment, when the second gets that of the
// first before the first is gone. Then whoever listens there is the one that is ready.
func oneEach(all []*found) []*found {
	at := map[string]*found{}
	for _, f := range all {
		if has := at[f.hostPort()]; has == nil || f.rank() > has.rank() {
			at[f.hostPort()] = f
		}
	}
	kept := make([]*found, 0, len(at))
	for _, f := range all {
		if at[f.hostPort()] == f {
			kept = append(kept, f)
		}
	}
	slices.SortFunc(kept, func(a, b *found) int { return cmp.Or(cmp.Compare(a.name, b.name), a.address.Compare(b.address)) })
	return kept
}

// rank is higher the likelier a server is the one that listens at its address.
func (f *found) rank() int {
	switch {
	case f.ready && !f.terminating:
		return 3
	case !f.terminating:
		return 2
	case f.serving:
		return 1
	}
	return 0
}

// remember keeps who was ready, and what pods said that are gone, for as long as slices name them.
func (v *view) remember(all []*found) {
	before := v.wasReady
	v.wasReady = make(map[string]bool, len(all))
	for _, f := range all {
		v.wasReady[f.key()] = before[f.key()] || f.ready && !f.terminating
	}
	for id := range v.gone {
		if _, named := v.wasReady[id]; !named {
			delete(v.gone, id)
			delete(v.pods, id)
		}
	}
}

func shorten(text string) string {
	if len(text) > 80 {
		return text[:80] + "…"
	}
	return text
}
