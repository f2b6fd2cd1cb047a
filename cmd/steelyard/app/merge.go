// The endpoints of an upstream: from the configuration, from sources, and those that leave.

package app

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/steelyard-proxy/steelyard/balancer/discovery"
	"github.com/steelyard-proxy/steelyard/metrics/event"
)

// longestLeave is how long an endpoint that its source no longer names stays while it has requests. They are not cut after
// that: it is only shown no more.
const longestLeave = 10 * time.Minute

// leaves is why an endpoint that its source no longer names gets no more requests.
const leaves = "its source no longer names it"

// merged is the list of endpoints that an upstream is to have: those of the configuration, then those of each source, then
// those that leave and still have requests. A name belongs to the first who has it. The caller holds the fleet's mu.
func (u *upstream) merged(now time.Time) (list []wanted) {
	named := make(map[string]bool, len(u.members))
	for _, w := range u.fixed {
		named[w.name], list = true, append(list, w)
	}
	for _, fd := range u.finders {
		fd.hidden = nil
		for _, w := range fd.list {
			if named[w.name] {
				fd.hidden = append(fd.hidden, w.name)
				continue
			}
			named[w.name], list = true, append(list, w)
		}
	}
	for _, m := range u.members {
		if m.want.source == "" || named[m.name] {
			m.leftAt = time.Time{}
			continue
		}
		if m.leftAt.IsZero() {
			m.leftAt = now
		}
		if m.inFlight() > 0 && now.Sub(m.leftAt) < longestLeave {
			w := m.want
			w.departing = leaves
			list = append(list, w)
		}
	}
	return list
}

// take gives an upstream the endpoints of one of its sources.
func (f *fleet) take(fd *finder, endpoints []discovery.Endpoint) {
	f.mu.Lock()
	defer f.mu.Unlock()
	u := find(f.upstreams, fd.upstream)
	if u == nil || !slices.Contains(u.finders, fd) {
		return
	}
	fd.list = u.wants(fd, endpoints)
	f.join(u)
}

// wants are the endpoints of a source as the fleet has them. What was made of one before is used again. The caller holds mu.
func (u *upstream) wants(fd *finder, endpoints []discovery.Endpoint) []wanted {
	before := make(map[string]*wanted, len(fd.list))
	for i := range fd.list {
		before[fd.list[i].name] = &fd.list[i]
	}
	list := make([]wanted, 0, len(endpoints))
	for i := range endpoints {
		w, err := fd.asks.wants(&u.config, fd.name, &endpoints[i], before[endpoints[i].Name])
		if err != nil {
			fd.fleet.log.Error("an endpoint that was found cannot be used", zap.String("upstream", u.name), zap.String("endpoint", endpoints[i].Name), zap.Error(err))
			continue
		}
		list = append(list, w)
	}
	return list
}

// join reconciles an upstream with what all who name endpoints say now, and tells what that changes. The caller holds mu.
func (f *fleet) join(u *upstream) {
	before := u.members
	d, err := f.reconcile(u, u.merged(time.Now()))
	if err != nil {
		panic("BUG: a merged list was refused: " + err.Error())
	}
	if !d.any() {
		return
	}
	if d.added+d.gone > 0 {
		f.events.Publish(event.Event{Kind: event.EndpointsChanged, Upstream: u.name, Evidence: changeOf(before, u.members)})
	}
}

// mostNamed bounds how many endpoints an event names.
const mostNamed = 10

// changeOf is which endpoints are new and which have gone, for an event.
func changeOf(before, after []*member) map[string]any {
	had := make(map[*member]bool, len(before))
	for _, m := range before {
		had[m] = true
	}
	var added, gone []string
	for _, m := range after {
		if !had[m] {
			added = append(added, m.name)
		}
		delete(had, m)
	}
	for _, m := range before {
		if had[m] {
			gone = append(gone, m.name)
		}
	}
	evidence := map[string]any{"endpoints": len(after)}
	for what, names := range map[string][]string{"new": added, "gone": gone} {
		if len(names) > mostNamed {
			names = append(names[:mostNamed:mostNamed], fmt.Sprintf("and %d more", len(names)-mostNamed))
		}
		if len(names) > 0 {
			evidence[what] = names
		}
	}
	return evidence
}

// sweep removes the endpoints that leave and have no request left. The caller holds mu.
func (f *fleet) sweep(u *upstream) {
	if slices.ContainsFunc(u.members, func(m *member) bool {
		return !m.leftAt.IsZero() && (m.inFlight() == 0 || time.Since(m.leftAt) >= longestLeave)
	}) {
		f.join(u)
	}
}

// addSource adds a source to an upstream: what the sink is told joins its endpoints until forget is called. The name is unique
// in the upstream; asks says of the endpoints what the source does not. Calling it again with the name of one that is there
// returns that one's sink. The caller holds mu, of which neither the sink nor forget has need.
func (f *fleet) addSource(u *upstream, name string, asks *finding) (sink discovery.Sink, forget func()) {
	i := slices.IndexFunc(u.finders, func(fd *finder) bool { return fd.name == name })
	if i < 0 {
		i, u.finders = len(u.finders), append(slices.Clip(u.finders), f.newFinder(u.name, name, asks))
	}
	fd := u.finders[i]
	fd.asks = asks
	u.hold()
	u.apply()
	if f.group != nil {
		fd.begin(f.group)
	}
	return fd, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		if slices.Contains(u.finders, fd) {
			u.dropSource(name)
			if find(f.upstreams, u.name) == u {
				f.join(u)
			}
		}
	}
}

// dropSource ends a source, if there is one of that name. Its endpoints leave when the upstream is reconciled. The caller holds the fleet's mu.
func (u *upstream) dropSource(name string) {
	if i := slices.IndexFunc(u.finders, func(fd *finder) bool { return fd.name == name }); i >= 0 {
		u.finders[i].end()
		u.finders = slices.Delete(slices.Clone(u.finders), i, i+1)
		u.hold()
	}
}

// depart switches whether an endpoint gets no more requests because its server is about to be stopped. Those under way go on.
// It reports whether that changes anything.
func (f *fleet) depart(upstream, endpoint string, on bool, reason string) (changed bool, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	u := find(f.upstreams, upstream)
	if u == nil {
		return false, fmt.Errorf("let endpoint %s depart: no upstream %s", endpoint, upstream)
	}
	for _, m := range u.members {
		if m.name != endpoint {
			continue
		}
		was := m.asked
		if m.asked = ""; on {
			m.asked = cmp.Or(reason, "its server is about to be stopped")
		}
		if changed = (was == "") == on; changed {
			u.apply()
		}
		return changed, nil
	}
	return false, fmt.Errorf("let endpoint %s of upstream %s depart: there is none of that name", endpoint, upstream)
}
