// Changing an upstream's endpoints from one list to the next.

package app

import "slices"

// difference is what an update changed about an upstream's endpoints.
type difference struct {
	kept, changed, added, gone int
	moved                      bool // their order has changed
}

func (d *difference) any() bool { return d.changed+d.added+d.gone > 0 || d.moved }

// reconcile gives an upstream the endpoints in list, and acts on the differences only. An
// unchanged endpoint is left alone. Changed settings are changed, and the rest of that member
// goes on. New endpoints are made; missing ones end. An equal list does nothing. A list that
// is empty where none may be, or names an endpoint twice, is refused as a whole. The caller holds mu.
func (f *fleet) reconcile(u *upstream, list []wanted) (d difference, err error) {
	if err := checkWanted(list, u.options.MayBeEmpty); err != nil {
		return d, err
	}
	before := make(map[string]*member, len(u.members))
	for _, m := range u.members {
		before[m.name] = m
	}
	members := make([]*member, len(list))
	var after []func() // done after the pool is told, so that nobody picks a member that has ended
	for i, w := range list {
		m := before[w.name]
		if m == nil || m.want.identity != w.identity {
			members[i] = f.newMember(u, w)
			if members[i].follow(m); m != nil {
				after = append(after, members[i].pardon)
			}
			d.added++
			continue
		}
		if m.want.settings == w.settings {
			d.kept++
		} else {
			after = append(after, m.change(w))
			d.changed++
		}
		m.observe(f.machines, wantMachine(u.config.Resources, w.exporters, w.address.Hostname()))
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
	named := make(map[string]bool, len(members))
	for _, m := range members {
		named[m.name] = true
	}
	for name := range before {
		if !named[name] {
			f.metrics.Forget(u.name, name)
			u.transitions.judged.Delete(name)
		}
	}
	f.begin(u)
	return d, nil
}

// follow takes over the measurements of the member that had the name before, if its address
// was the same.
func (m *member) follow(old *member) {
	if old != nil && m.want.url == old.want.url && m.want.id == old.want.id {
		m.estimate, m.asked = old.estimate, old.asked
		m.arriving.Store(old.arriving.Load())
	}
}
