// Loading what was learned, and moving damaged files aside.

package predict

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"time"

	"github.com/steelyard-proxy/steelyard/balancer/statefile"
)

// DamagedError is a file that holds nothing that can be used: it is cut or garbled, or was
// written by another version.
type DamagedError struct {
	Path  string
	Aside string // where Load has moved it to; "" while it lies where it was
	Cause error
}

// Error says what is wrong with the file and where it is now.
func (e *DamagedError) Error() string {
	text := fmt.Sprintf("read what was learned from %s: %v", e.Path, e.Cause)
	if e.Aside != "" {
		text += "; the file is kept as " + e.Aside
	}
	return text
}

// end is the nth end of the name that the file gets.
func (e *DamagedError) end(n int) string {
	end := ".damaged-" + time.Now().UTC().Format("20060102T150405Z")
	if n > 1 {
		end += "-" + strconv.Itoa(n)
	}
	return end
}

// Unwrap returns what is wrong.
func (e *DamagedError) Unwrap() error { return e.Cause }

// ForeignError is a file of another kind, which may be worth as much as ours to somebody.
type ForeignError struct{ Kind string }

// Error says what the file is, and what it should be.
func (e *ForeignError) Error() string {
	return fmt.Sprintf("it is a model of kind %q, which says nothing of requests; give what steelyard train has saved from a request log", e.Kind)
}

// Load takes up what Save or Keep has kept. It is called before Run, if at all. A file that is
// not there is no error: nothing has been learned yet. One that cannot be used is renamed to
// FILE.damaged-TIME and reported by a *DamagedError; the Predictor is then as it was. Of a
// symbolic link it is the target that is renamed. A file of another kind (*ForeignError), a pipe
// or a device is left alone.
func (p *Predictor) Load(path string) error {
	p.memory.path = path
	err := p.Read(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if damaged, ok := errors.AsType[*DamagedError](err); ok {
		aside, failed := statefile.Aside(path, damaged.end)
		if failed != nil {
			return errors.Join(damaged, fmt.Errorf("set a damaged file aside: %w", failed))
		}
		damaged.Aside = aside
	}
	return err
}

// Read is Load for those who only look: it never moves the file, and one that is not there is
// an error (fs.ErrNotExist).
func (p *Predictor) Read(path string) error {
	text, err := statefile.Read(path)
	if err != nil {
		return fmt.Errorf("read what was learned: %w", err)
	}
	known, err := decode(text)
	if foreign, ok := errors.AsType[*ForeignError](err); ok {
		return fmt.Errorf("read what was learned from %s: %w", path, foreign)
	}
	if err != nil {
		return &DamagedError{Path: path, Cause: err}
	}
	p.adopt(known)
	p.memory.path, p.memory.sum, p.memory.rows = path, sha256.Sum256(text), known.All.Rows
	return nil
}

// adopt takes over what a file knows: all together, and as many models as there may be.
func (p *Predictor) adopt(known *document) {
	p.overall.resume(&known.All)
	now := time.Now()
	for i := range known.Models {
		if !nameable(known.Models[i].Model) || len(p.models) == p.options.MaxModels {
			continue
		}
		l := newLearner(known.Models[i].Model, &p.options)
		l.resume(&known.Models[i])
		l.seen = now
		p.models[l.model] = l
	}
	p.publish()
}

// Save keeps what was learned in a file. Whoever reads it finds the old one or the new one,
// whole, whenever the power fails. A symbolic link stays, see statefile.Place. Any goroutine may call it,
// one at a time for each path.
func (p *Predictor) Save(path string) error {
	_, err := p.table.Load().save(path)
	return err
}

// save writes a file, and returns what it now holds.
func (t *table) save(path string) (text []byte, err error) {
	text, err = json.MarshalIndent(documentOf(t), "", "  ")
	if err == nil {
		text = append(text, '\n')
		err = statefile.Replace(path, text)
	}
	if err != nil {
		return nil, fmt.Errorf("save what was learned: %w", err)
	}
	return text, nil
}
