// Users that all gateways are to forget.

package usage

import (
	"cmp"
	"crypto/rand"
	"maps"
	"slices"
	"time"
)

const (
	// forgetsTold is for how long others are told: one that was away as long still has files that name the user.
	forgetsTold = 90 * 24 * time.Hour
	mostForgets = 10_000
	// forgetsAtOnce is how many a page has.
	forgetsAtOnce = 500
)

// Forget takes a user out of all that is kept: its requests still count, as nobody's. It returns how many rows of files
// named it, and whether it was known at all. Other gateways are told to do likewise; what their files have is not known here, so that
// where there are several any user may be known.
func (b *Book) Forget(id UserID) (rows int, known bool, err error) {
	if t := b.together; t != nil {
		t.forget(rand.Text(), forget{id, time.Now()})
	}
	rows, known, err = b.forget(id)
	return rows, known || b.together != nil, err
}

// forget forgets a user at this gateway.
func (b *Book) forget(id UserID) (rows int, known bool, err error) {
	b.mu.Lock()
	for _, p := range b.panes {
		known = p.Users.forget(id) || known
	}
	for _, h := range b.open {
		h.Users.forget(id)
	}
	b.mu.Unlock()
	if b.store != nil {
		rows, err = b.store.forget(id)
	}
	return rows, known || rows > 0, err
}

// forget notes that a user was forgotten, and takes it out of all documents of the hours until then.
func (t *together) forget(id string, f forget) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.forgets[id], t.cache = f, nil
	for at, k := range t.kept {
		if at.hour > f.At.Unix() {
			continue
		}
		h, err := unpack(k.body, time.Unix(at.hour, 0).UTC(), k.requests)
		if err != nil || !h.Users.forget(f.User) {
			continue
		}
		packed, err := h.pack()
		if err != nil {
			t.drop(at)
			continue
		}
		t.put(at, &keptHour{k.name, k.names, k.requests, k.at, packed})
	}
}

// withoutForgotten takes out of an hour who was forgotten since. The caller holds mu.
func (t *together) withoutForgotten(h *HourUse, hour int64) (changed bool) {
	for _, f := range t.forgets {
		if hour <= f.At.Unix() {
			changed = h.Users.forget(f.User) || changed
		}
	}
	return changed
}

// hearForgotten forgets whom another gateway has, each once.
func (b *Book) hearForgotten(list []Forgotten, now time.Time) (failed error) {
	t := b.together
	for _, told := range list[:min(len(list), forgetsAtOnce)] {
		f := forget{told.User, now.Add(-time.Duration(min(max(told.Ago, 0), forgetsTold.Seconds()) * float64(time.Second)))}
		t.mu.Lock()
		_, known := t.forgets[told.ID]
		t.mu.Unlock()
		if known || told.ID == "" || len(told.ID) > mostName || f.User == "" || len(f.User) > mostText {
			continue
		}
		t.forget(told.ID, f)
		if b.store == nil && f.At.Before(t.sharing.Begun) {
			continue // nothing is older here
		}
		if _, _, err := b.forget(f.User); err != nil {
			failed = cmp.Or(failed, err)
		}
	}
	return failed
}

// tellForgotten are those that are told this time: all, or so many of them in turn. The caller holds mu.
func (t *together) tellForgotten(now time.Time) (list []Forgotten) {
	all := slices.Sorted(maps.Keys(t.forgets))
	first, found := slices.BinarySearch(all, t.told)
	if found {
		first++
	}
	for i := range min(len(all), forgetsAtOnce) {
		t.told = all[(first+i)%len(all)]
		f := t.forgets[t.told]
		list = append(list, Forgotten{t.told, f.User, max(now.Sub(f.At).Seconds(), 0)})
	}
	return list
}

// tidyForgets drops those that everybody knows of by now. The caller holds mu.
func (t *together) tidyForgets(now time.Time) {
	maps.DeleteFunc(t.forgets, func(_ string, f forget) bool { return now.Sub(f.At) > forgetsTold })
	if len(t.forgets) <= mostForgets {
		return
	}
	oldest := slices.SortedFunc(maps.Keys(t.forgets), func(a, b string) int { return t.forgets[a].At.Compare(t.forgets[b].At) })
	for _, id := range oldest[:len(oldest)-mostForgets] {
		delete(t.forgets, id)
	}
}
