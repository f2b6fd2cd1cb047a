// Users that all gateways are to forget.

package usage

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
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
	if t := b.together; t != nil && id.tellable() {
		t.forget(map[string]forget{rand.Text(): {id, time.Now()}})
	}
	rows, known, err = b.forget(id)
	return rows, known || b.together != nil, err
}

// forget forgets users at this gateway.
func (b *Book) forget(ids ...UserID) (rows int, known bool, err error) {
	b.mu.Lock()
	for _, id := range ids {
		for _, p := range b.panes {
			known = p.Users.forget(id) || known
		}
		for _, h := range b.open {
			h.Users.forget(id)
		}
	}
	b.mu.Unlock()
	if b.store != nil {
		rows, err = b.store.forget(ids...)
	}
	return rows, known || rows > 0, err
}

// forget notes that users were forgotten, by ID, and takes them out of all documents of the hours until then. That may take seconds:
// what comes meanwhile is kept without them, as they are noted first.
func (t *together) forget(users map[string]forget) {
	t.mu.Lock()
	maps.Copy(t.forgets, users)
	all := slices.Collect(maps.Keys(t.kept))
	t.mu.Unlock()
	for _, at := range all {
		t.wipe(at, users)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.cache = nil
}

// wipe takes users out of a document.
func (t *together) wipe(at place, users map[string]forget) {
	t.mu.Lock()
	k := t.kept[at]
	t.mu.Unlock()
	if k == nil {
		return
	}
	text, err := inflate(k.body)
	if err != nil {
		return // nobody can read it
	}
	var named []UserID // those that it may have: to look for the name is cheap, and nearly all have none
	for _, f := range users {
		name, _ := json.Marshal(f.User) // a text can always be
		if at.hour <= f.At.Unix() && bytes.Contains(text, name) {
			named = append(named, f.User)
		}
	}
	if len(named) == 0 {
		return
	}
	h, err := unpack(k.body, time.Unix(at.hour, 0).UTC(), k.requests)
	if err != nil {
		return
	}
	changed := false
	for _, user := range named {
		changed = h.Users.forget(user) || changed
	}
	if !changed {
		return
	}
	packed, err := h.pack()
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.kept[at] != k: // another is kept since, without them
	case err != nil:
		t.drop(at)
	default:
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
func (b *Book) hearForgotten(list []Forgotten, now time.Time) error {
	t, fresh, users := b.together, map[string]forget{}, []UserID{}
	for _, told := range list[:min(len(list), forgetsAtOnce)] {
		f := forget{told.User, now.Add(-time.Duration(min(max(told.Ago, 0), forgetsTold.Seconds()) * float64(time.Second)))}
		t.mu.Lock()
		_, known := t.forgets[told.ID]
		t.mu.Unlock()
		if known || told.ID == "" || len(told.ID) > mostName || !isHarmless(told.ID) || !f.User.tellable() {
			continue
		}
		fresh[told.ID] = f
		if b.store != nil || !f.At.Before(t.sharing.Begun) { // else nothing is older here
			users = append(users, f.User)
		}
	}
	if len(fresh) > 0 {
		t.forget(fresh)
	}
	if len(users) == 0 {
		return nil
	}
	_, _, err := b.forget(users...)
	return err
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
