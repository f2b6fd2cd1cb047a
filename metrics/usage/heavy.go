// The users with the most requests, found in bounded memory.

package usage

import (
	"cmp"
	"slices"
)

const (
	// mostUsers is how many users are counted at once (k of Space-Saving): every user with more than N/k of N requests
	// is among them, and no count is too high by more than N/k.
	mostUsers = 1000
	// mostModels is how many models are told apart for each user; the rest is "other".
	mostModels = 4
	otherModel = "other"
)

// User is what is known of one of the users with the most requests.
type User struct {
	ID      UserID
	Count   uint64 // requests; too high by Over at most
	Over    uint64 // requests of others that were counted before it took the place of one
	Models  []ModelUse
	Timeout float64 // seconds that its client waits at most, as it last said; 0: it has not

	at   int   // in the heap
	hour *Hour // the last one that it is counted in
}

// ModelUse is the use of one model.
type ModelUse struct {
	Model string
	Use
}

func (u *User) add(r *Row, c *Counts, m *marks) {
	if r.ClientTimeout > 0 {
		u.Timeout = r.ClientTimeout.Seconds()
	}
	u.of(r.Model).add(c, m)
}

// of is the use of a model, or of all those that have no place of their own.
func (u *User) of(model string) *Use {
	for i := range u.Models {
		if u.Models[i].Model == model {
			return &u.Models[i].Use
		}
	}
	if model != otherModel && len(u.Models) >= mostModels {
		return u.of(otherModel)
	}
	u.Models = append(u.Models, ModelUse{Model: model})
	return &u.Models[len(u.Models)-1].Use
}

// Total is the use of all models.
func (u *User) Total() (total Use) {
	for i := range u.Models {
		total.merge(&u.Models[i].Use)
	}
	return total
}

// Heavy counts users by Space-Saving. Its zero value is empty.
type Heavy struct {
	List  []*User // a heap: the one with the least requests first
	Least uint64  // how many requests a user may have who is left out of it, where it was shortened

	byID map[UserID]*User
}

func (h *Heavy) index() {
	if h.byID == nil {
		h.byID = make(map[UserID]*User, len(h.List))
		for i, u := range h.List {
			u.at, h.byID[u.ID] = i, u
		}
	}
}

func (h *Heavy) add(r *Row, c *Counts, m *marks) *User {
	u := h.count(r.User, 1)
	u.add(r, c, m)
	return u
}

// count adds n requests of a user, who may take the place of the one with the least.
func (h *Heavy) count(id UserID, n uint64) *User {
	h.index()
	u := h.byID[id]
	switch {
	case u != nil:
	case len(h.List) < mostUsers:
		u = &User{ID: id, at: len(h.List)}
		h.List = append(h.List, u)
		h.byID[id] = u
		u.Count = n
		h.up(u)
		return u
	default:
		u = h.List[0]
		delete(h.byID, u.ID)
		*u = User{ID: id, Count: u.Count, Over: u.Count}
		h.byID[id] = u
	}
	u.Count += n
	h.down(u)
	return u
}

// least is how many requests a user may have that is not counted.
func (h *Heavy) least() uint64 {
	if len(h.List) < mostUsers {
		return h.Least
	}
	return max(h.List[0].Count, h.Least)
}

// up and down restore the order of the heap after the count of u has become smaller than its parent's, or larger.
func (h *Heavy) up(u *User) {
	for u.at > 0 {
		parent := h.List[(u.at-1)/2]
		if parent.Count <= u.Count {
			return
		}
		h.swap(parent, u)
	}
}

func (h *Heavy) down(u *User) {
	for {
		child := 2*u.at + 1
		if child >= len(h.List) {
			return
		}
		if child+1 < len(h.List) && h.List[child+1].Count < h.List[child].Count {
			child++
		}
		if h.List[child].Count >= u.Count {
			return
		}
		h.swap(h.List[child], u)
	}
}

func (h *Heavy) swap(a, b *User) {
	h.List[a.at], h.List[b.at] = b, a
	a.at, b.at = b.at, a.at
}

// merge adds what another has counted. A user that one of them does not count may have as many requests
// there as its least.
func (h *Heavy) merge(o *Heavy) {
	h.index()
	o.index()
	ours, theirs := h.least(), o.least()
	all := make([]*User, 0, len(h.List)+len(o.List))
	for _, u := range h.List {
		if o.byID[u.ID] == nil {
			u.Count, u.Over = u.Count+theirs, u.Over+theirs
		}
		all = append(all, u)
	}
	for _, u := range o.List {
		to := h.byID[u.ID]
		if to == nil {
			to = &User{ID: u.ID, Count: ours, Over: ours}
			all = append(all, to)
		}
		to.Count, to.Over = to.Count+u.Count, to.Over+u.Over
		to.Timeout = cmp.Or(u.Timeout, to.Timeout)
		for i := range u.Models {
			to.of(u.Models[i].Model).merge(&u.Models[i].Use)
		}
	}
	slices.SortFunc(all, func(a, b *User) int { return cmp.Compare(b.Count, a.Count) })
	all = all[:min(len(all), mostUsers)]
	slices.Reverse(all) // sorted by rising counts it is a heap
	h.List, h.Least, h.byID = all, ours+theirs, nil
}

// forget removes a user, and says whether it was there.
func (h *Heavy) forget(id UserID) bool {
	h.index()
	if h.byID[id] == nil {
		return false
	}
	h.List = slices.DeleteFunc(h.List, func(u *User) bool { return u.ID == id })
	slices.SortFunc(h.List, func(a, b *User) int { return cmp.Compare(a.Count, b.Count) })
	h.byID = nil
	return true
}
