package app

import "slices"

// difference is what an update of an upstream's endpoints comes to.
type difference struct {
	kept, changed, added, gone int
	moved                      bool // they stand in another order
}

func (d *difference) any() bool { return d.changed+d.added+d.gone > 0 || d.moved }

// reconcile lets an upstream have the endpoints that are asked for, and acts on the
// difference alone. One that is asked for as before is kept as it is; of one that has other
// settings those change, and the rest of it goes on; a new one is made; one that is gone
// ends. An equal list does nothing. One that is empty, or names an endpoint twice, is
// refused whole. The caller holds mu.
func (f *fleet) reconcile(u *upstream, list []wanted) (d difference, err error) {
	if err := checkWanted(list); err != nil {
		return d, err
	}
	before := make(map[string]*member, len(u.members))
	for _, m := range u.members {
		before[m.name] = m
	}
	members := make([]*member, len(list))
	var after []func() // the pool is told first: nobody is to pick what ends next
	for i, w := range list {
		m := before[w.name]
		if m == nil || m.want.identity != w.identity {
			members[i] = f.newMember(u, w)
			members[i].follow(m)
			d.added++
			continue
		}
		if m.want.settings == w.settings {
			d.kept++
		} else {
			after = append(after, m.change(w))
			d.changed++
		}
		members[i] = m
		delete(before, w.name)
	}
	d.gone = len(before)
	d.moved = !slices.Equal(members, u.members)
	if !d.any() {
		return d, nil
	}
	for _, m := range before {
		m.silence()
		after = append(after, m.end)
	}
	u.members = members
	u.refresh()
	for _, end := range after {
		end()
	}
	for name := range before {
		if !u.has(name) {
			f.metrics.Forget(u.name, name)
		}
	}
	f.begin(u)
	return d, nil
}

// follow takes over what was measured of a member that had the name before, if there was one
// at the same address.
func (m *member) follow(old *member) {
	if old != nil && m.want.url == old.want.url {
		m.estimate = old.estimate
	}
}
