// Beginning and changing the sources of an upstream's endpoints.

package app

import (
	"context"
	"slices"
)

// findBy has an upstream's endpoints found as the configuration asks; nil: by nobody. A source that is asked for as before goes
// on. The list of another stays until the new one has said something. The caller holds mu.
func (f *fleet) findBy(u *upstream, asks *finding) {
	i := slices.IndexFunc(u.finders, func(fd *finder) bool { return fd.name == theSource })
	switch {
	case asks == nil && i < 0:
	case asks == nil:
		u.finders[i].end()
		u.finders = slices.Delete(slices.Clone(u.finders), i, i+1)
	case i < 0:
		u.finders = append([]*finder{f.newFinder(u.name, theSource, asks)}, u.finders...)
	case sameSource(u.finders[i].asks, asks):
		u.finders[i].follow(u, asks)
	default:
		next := f.newFinder(u.name, theSource, asks)
		next.inherit(u.finders[i])
		u.finders[i].end()
		u.finders = slices.Clone(u.finders)
		u.finders[i] = next
	}
	for _, fd := range u.finders {
		if fd.name != theSource {
			fd.follow(u, fd.asks)
		}
	}
	u.hold()
}

// follow takes over other settings of the same source. The caller holds the fleet's mu.
func (fd *finder) follow(u *upstream, asks *finding) {
	asks.source = fd.source
	fd.asks = asks
	fd.mu.Lock()
	fd.damper.Configure(limitsOf(asks))
	list := fd.damper.Endpoints()
	fd.mu.Unlock()
	fd.list = u.wants(fd, list)
}

// inherit keeps the list of the finder before until its own source has said something. The caller holds the fleet's mu.
func (fd *finder) inherit(before *finder) {
	before.mu.Lock()
	list := before.damper.Endpoints()
	before.mu.Unlock()
	fd.mu.Lock()
	fd.damper.Restore(list)
	fd.mu.Unlock()
	fd.list = before.list
}

// hold sets how long requests wait while the upstream has no endpoint: for those that have still to arrive as long as for a
// first list, and where there are none as long as that is waited for. The caller holds the fleet's mu.
func (u *upstream) hold() {
	u.options.Hold, u.options.HoldEmpty = 0, false
	for _, fd := range u.finders {
		u.options.Hold = max(u.options.Hold, fd.initial)
		u.options.HoldEmpty = u.options.HoldEmpty || !fd.settled && fd.source != nil
	}
	if hold := holdFor(u.config.Scale); hold > 0 {
		u.options.Hold, u.options.HoldEmpty = max(u.options.Hold, hold), true
	}
}

// settle ends the time for the first list of a finder: it has come, or is waited for no more.
func (f *fleet) settle(fd *finder) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if fd.settled {
		return
	}
	fd.settled = true
	close(fd.ready)
	u := find(f.upstreams, fd.upstream)
	if u == nil || !slices.Contains(u.finders, fd) {
		return
	}
	u.hold()
	u.apply() // an equal update changes nothing
}

// findFirst starts those who find endpoints, and waits for their first lists. Each bounds that itself.
func (f *fleet) findFirst(ctx context.Context, g *group) {
	f.mu.Lock()
	var all []*finder
	for _, u := range f.upstreams {
		for _, fd := range u.finders {
			if fd.begin(g); fd.source != nil {
				all = append(all, fd)
			}
		}
	}
	f.mu.Unlock()
	for _, fd := range all {
		select {
		case <-ctx.Done():
		case <-fd.ready:
		}
	}
}
