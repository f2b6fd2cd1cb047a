// Saving what was learned, unless somebody else has written to the file.

package predict

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"sync"

	"github.com/steelyard-proxy/steelyard/balancer/statefile"
)

// memory is the file that a Predictor was loaded from, and is saved to.
type memory struct {
	mu   sync.Mutex        // guards what follows, but for Load and Read, which come before all else
	path string            // "": none
	sum  [sha256.Size]byte // of what the file held when it was last read or written; zero: nothing
	rows uint64            // good rows that it knows of
}

// ErrChanged says that a file does not hold what Load found there, or what Keep wrote last.
var ErrChanged = errors.New("somebody else has written to it")

// Keep saves what was learned in the file that Load was given, if anything was learned since
// the last time. It leaves the file alone if somebody else has written to it meanwhile
// (ErrChanged), or if it cannot be read. If it is gone Keep writes it anew. Any goroutine may
// call it.
func (p *Predictor) Keep() error {
	m := &p.memory
	m.mu.Lock()
	defer m.mu.Unlock()
	t := p.table.Load()
	rows := t.entries[0].rows
	if m.path == "" || rows == m.rows {
		return nil
	}
	switch changed, err := m.changed(); {
	case err != nil:
		return fmt.Errorf("save what was learned: %w", err)
	case changed:
		return fmt.Errorf("save what was learned to %s: %w", m.path, ErrChanged)
	}
	text, err := t.save(m.path)
	if err == nil {
		m.sum, m.rows = sha256.Sum256(text), rows
	}
	return err
}

// Changed reports whether the file that Load was given can be read, and somebody else has
// written to it. Any goroutine may call it.
func (p *Predictor) Changed() bool {
	m := &p.memory
	m.mu.Lock()
	defer m.mu.Unlock()
	changed, err := m.changed()
	return changed && err == nil
}

// changed reports whether the file holds something else than before. One that is gone does not.
func (m *memory) changed() (bool, error) {
	if m.path == "" {
		return false, nil
	}
	text, err := statefile.Read(m.path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil && sha256.Sum256(text) != m.sum, err
}
