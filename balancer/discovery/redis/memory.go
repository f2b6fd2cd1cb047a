// What is known of a group's servers from one reading to the next.

package redis

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/steelyard-proxy/steelyard/balancer/discovery"
)

const (
	// doubtRatio is the part of the servers that may vanish between two readings before it is the store that is in doubt.
	doubtRatio = 0.5
	// forgetTTLs and leastForget are for how long a server whose record expired is still told as departing.
	forgetTTLs  = 10
	leastForget = time.Minute
)

// known is one server.
type known struct {
	Record
	lost time.Time // since when its record is missing though it has not said that it departs; zero: it is there
}

// memory is what is known. The zero value knows nothing.
type memory struct {
	servers map[string]known
	doubt   time.Time // until when missing records are not believed; zero: they are
}

// read takes in a reading. An error means that it is not to be believed: what was known stays.
func (m *memory) read(now time.Time, records map[string]Record) (discovery.List, error) {
	if len(records) > discovery.Most {
		return discovery.List{}, fmt.Errorf("%d servers are registered, at most %d are taken: give those of other upstreams another name", len(records), discovery.Most)
	}
	if err := m.doubts(now, records); err != nil {
		return discovery.List{}, err
	}
	next := make(map[string]known, len(records))
	changed, sure := false, true
	for name, r := range records {
		was, there := m.servers[name]
		changed = changed || there && r.Departing && !was.Departing
		next[name] = known{Record: r}
	}
	for name, was := range m.servers {
		if _, there := next[name]; there {
			continue
		}
		switch {
		case was.Departing: // it has said so, and now it is gone
			changed = true
			continue
		case was.lost.IsZero():
			was.lost = now
		case now.Sub(was.lost) >= max(forgetTTLs*was.ttl(), leastForget):
			sure = false
			continue
		}
		sure = false
		next[name] = was
	}
	m.servers = next
	m.bound()
	return discovery.List{Endpoints: m.endpoints(), Sure: changed && sure, Version: fmt.Sprintf("%d records", len(records))}, nil
}

// bound forgets those that are missing for longest, where there are more than one source may name.
func (m *memory) bound() {
	over := len(m.servers) - discovery.Most
	if over <= 0 {
		return
	}
	var lost []string
	for name, k := range m.servers {
		if !k.lost.IsZero() {
			lost = append(lost, name)
		}
	}
	slices.SortFunc(lost, func(a, b string) int {
		return cmp.Or(m.servers[a].lost.Compare(m.servers[b].lost), cmp.Compare(a, b))
	})
	for _, name := range lost[:over] {
		delete(m.servers, name)
	}
}

// doubts says whether so much is missing that it is the store's fault, and for how long that is held against it.
func (m *memory) doubts(now time.Time, records map[string]Record) error {
	live, missing, longest := 0, 0, time.Duration(0)
	for name, k := range m.servers {
		if k.Departing || !k.lost.IsZero() {
			continue
		}
		live++
		longest = max(longest, k.ttl())
		if _, there := records[name]; !there {
			missing++
		}
	}
	if float64(missing) <= doubtRatio*float64(live) {
		m.doubt = time.Time{}
		return nil
	}
	if missing == live && registered(records) == 0 {
		m.doubt = time.Time{}
		return errors.New("none of the servers is registered any more: the store was emptied, or they cannot reach it; the last list stays")
	}
	if m.doubt.IsZero() {
		m.doubt = now.Add(longest)
	}
	if !now.Before(m.doubt) {
		m.doubt = time.Time{}
		return nil
	}
	return fmt.Errorf("%d of %d servers are not registered any more, all at once: the store was emptied, or its clock was set, or they cannot reach it; they have %v to register again",
		missing, live, m.doubt.Sub(now).Round(time.Second))
}

// registered is how many of the records are those of servers that stay.
func registered(records map[string]Record) (n int) {
	for _, r := range records {
		if !r.Departing {
			n++
		}
	}
	return n
}

// away says that the store could not be read. The time in which nobody could register does not count.
func (m *memory) away() { m.doubt = time.Time{} }

func (m *memory) endpoints() []discovery.Endpoint {
	list := make([]discovery.Endpoint, 0, len(m.servers))
	for _, name := range slices.Sorted(maps.Keys(m.servers)) {
		k := m.servers[name]
		e := k.endpoint()
		e.Departing = e.Departing || !k.lost.IsZero()
		list = append(list, e)
	}
	return list
}
