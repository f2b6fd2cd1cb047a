// What the mirror of the slices hears.

package kubernetes

import (
	"strconv"
	"strings"
)

// slicesHearer is the source as the mirror of the slices sees it.
type slicesHearer Source

func (h *slicesHearer) replace(items []slice) {
	h.put(func(v *view) {
		v.slices = make(map[string]*slice, len(items)) // in one step: nobody sees it empty
		for i := range items {
			v.slices[items[i].Metadata.Name] = &items[i]
		}
	}, true)
}

func (h *slicesHearer) change(item slice, deleted bool) {
	h.put(func(v *view) {
		name := item.Metadata.Name
		if has := v.slices[name]; has != nil && has.Metadata.UID == item.Metadata.UID && older(&item, has) {
			return
		}
		if deleted {
			delete(v.slices, name)
			return
		}
		v.slices[name] = &item
	}, false)
}

func (h *slicesHearer) current() { h.put(func(*view) {}, false) }

func (h *slicesHearer) failed(err error) {
	h.mu.Lock()
	h.away, h.told = err, false
	h.mu.Unlock()
	(*Source)(h).wake()
}

// put changes the view. Whatever the server says, it is there.
func (h *slicesHearer) put(change func(*view), listed bool) {
	h.mu.Lock()
	change(&h.view)
	h.away = nil
	h.synced, h.listed = h.synced || listed, h.listed || listed
	h.mu.Unlock()
	(*Source)(h).wake()
}

// older says whether a slice is of an earlier version than the one that we have of it. Versions that are no numbers, as
// those of some servers that only look like Kubernetes, are taken as they come.
func older(is, than *slice) bool {
	a, errA := strconv.ParseUint(is.Metadata.Version, 10, 64)
	b, errB := strconv.ParseUint(than.Metadata.Version, 10, 64)
	return errA == nil && errB == nil && a < b
}

// empty says whether no slice has an endpoint that could be used, now or soon.
func (v *view) empty(o *Options) bool {
	all, _ := v.union(o)
	return len(all) == 0
}

// version is the newest of the slices, for people.
func (v *view) version() string {
	newest := ""
	for _, s := range v.slices {
		if is := s.Metadata.Version; len(is) > len(newest) || len(is) == len(newest) && strings.Compare(is, newest) > 0 {
			newest = is
		}
	}
	return newest
}
