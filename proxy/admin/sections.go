// What other rooms tell the page, kept for as long as it is worth.

package admin

import (
	"encoding/json"
	"maps"
	"sync"
	"time"
)

// section is what one other route answers, as a part of the snapshot.
type section struct {
	every time.Duration // how often it is asked for
	get   func() any    // nil: off
	most  int           // bytes; more are left out
}

// sections keeps them: some take long to make, and change slowly.
type sections struct {
	list map[string]section // immutable

	mu   sync.Mutex // guards what follows
	kept map[string]json.RawMessage
	at   map[string]time.Time // when each was made
}

func newSections(list map[string]section) *sections {
	return &sections{list: list, kept: map[string]json.RawMessage{}, at: map[string]time.Time{}}
}

// get is every section that is on, no older than it may be.
func (s *sections) get(now time.Time) map[string]json.RawMessage {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, section := range s.list {
		if section.get == nil || now.Sub(s.at[name]) < section.every && s.kept[name] != nil {
			continue
		}
		text, err := json.Marshal(section.get())
		if err != nil || len(text) > section.most {
			text = json.RawMessage(`{"too_large":true}`)
		}
		s.kept[name], s.at[name] = text, now
	}
	return maps.Clone(s.kept)
}

// stale has a section made anew the next time, as somebody has just changed what it shows.
func (s *sections) stale() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.at)
}
