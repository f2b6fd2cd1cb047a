// What must survive a restart: one file with named sections.

package alert

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"strconv"
	"sync"

	"github.com/steelyard-proxy/steelyard/balancer/statefile"
)

// Store keeps named sections of JSON, each written by its own room, in one file. It is safe for
// concurrent use.
type Store struct {
	path    string // "": in memory only
	damaged error  // what was wrong with the file that was there; nil: nothing

	mu       sync.Mutex // guards what follows; never held while the file is written
	sections map[string]json.RawMessage
	version  uint64 // of sections
	foreign  bool   // another process has the file now

	writing sync.Mutex // held while the file is written; guards what follows
	written uint64     // the version that the file has
	text    []byte     // as it was written last
}

// file is what the file holds.
type file struct {
	Steelyard string                     `json:"steelyard"` // fileMark
	Sections  map[string]json.RawMessage `json:"sections"`
}

const fileMark = "alerts 1"

// Open reads a file. One that is damaged is moved aside, and the store begins empty: Damaged says so.
// One that is not there is fine. With "" nothing is kept.
func Open(path string) (*Store, error) {
	s := &Store{path: path, sections: map[string]json.RawMessage{}}
	if path == "" {
		return s, nil
	}
	text, err := statefile.Read(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return s, nil
	case err != nil:
		return nil, fmt.Errorf("read alerts.state_file: %w", err)
	}
	var f file
	if err = json.Unmarshal(text, &f); err == nil && f.Steelyard != fileMark {
		err = errors.New("it is no state file of alerts, or of another version")
	}
	if err != nil {
		aside, asideErr := statefile.Aside(path, func(n int) string { return ".damaged-" + strconv.Itoa(n) })
		if asideErr != nil {
			return nil, fmt.Errorf("move the damaged alerts.state_file %s aside: %w", path, asideErr)
		}
		s.damaged = fmt.Errorf("alerts.state_file %s is damaged, has been moved to %s, and begins anew: %w", path, aside, err)
		return s, nil
	}
	if f.Sections != nil {
		s.sections = f.Sections
	}
	s.text = text
	return s, nil
}

// Damaged says what was wrong with the file, and where it is now; nil: nothing was.
func (s *Store) Damaged() error { return s.damaged }

// Get is what a section held when it was last put, now or by an earlier process; nil: nothing.
func (s *Store) Get(section string) json.RawMessage {
	s.mu.Lock()
	defer s.mu.Unlock()
	return bytes.Clone(s.sections[section])
}

// Put replaces a section. When it returns without an error that is on the disk. Several who put at once
// share one write.
func (s *Store) Put(section string, v json.RawMessage) error {
	return s.put(map[string]json.RawMessage{section: v})
}

// put is Put of several sections by one write.
func (s *Store) put(sections map[string]json.RawMessage) error {
	s.mu.Lock()
	for section, v := range sections {
		s.sections[section] = bytes.Clone(v)
	}
	s.version++
	mine := s.version
	s.mu.Unlock()
	return s.write(mine)
}

// Own says whether the file is this process' to write: another that takes over writes it too. What is put
// meanwhile is written when it is ours again.
func (s *Store) Own(ours bool) error {
	s.mu.Lock()
	s.foreign = !ours
	mine := s.version
	s.mu.Unlock()
	s.writing.Lock() // a write under way ends before another process reads
	defer s.writing.Unlock()
	if !ours || s.written >= mine {
		return nil
	}
	return s.replace()
}

// write returns when the file has at least that version.
func (s *Store) write(mine uint64) error {
	if s.path == "" {
		return nil
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	if s.written >= mine {
		return nil
	}
	return s.replace()
}

// replace writes the file. The caller holds writing.
func (s *Store) replace() error {
	s.mu.Lock()
	if s.foreign {
		s.mu.Unlock()
		return nil
	}
	version, sections := s.version, maps.Clone(s.sections)
	s.mu.Unlock()
	text, err := json.Marshal(file{fileMark, sections})
	if err != nil {
		return fmt.Errorf("write alerts.state_file: %w", err)
	}
	if !bytes.Equal(text, s.text) {
		if err := statefile.Replace(s.path, text); err != nil {
			return fmt.Errorf("write alerts.state_file: %w", err)
		}
		s.text = text
	}
	s.written = version
	return nil
}
