package predict

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// mostFile bounds what is read, in bytes. The models that there may be by default take 100 KB.
const mostFile = 64 << 20

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
		aside, failed := setAside(path)
		if failed != nil {
			return errors.Join(damaged, failed)
		}
		damaged.Aside = aside
	}
	return err
}

// Read is Load for those who only look: it never moves the file, and one that is not there is
// an error (fs.ErrNotExist).
func (p *Predictor) Read(path string) error {
	text, err := ReadFile(path)
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

// setAside renames a file, over no other.
func setAside(path string) (string, error) {
	path, err := Place(path)
	if err != nil {
		return "", fmt.Errorf("set a damaged file aside: %w", err)
	}
	base := path + ".damaged-" + time.Now().UTC().Format("20060102T150405Z")
	for i, aside := 2, base; ; i, aside = i+1, fmt.Sprintf("%s-%d", base, i) {
		if _, err := os.Lstat(aside); !errors.Is(err, fs.ErrNotExist) && i < 1000 {
			continue
		}
		if err := os.Rename(path, aside); err != nil {
			return "", fmt.Errorf("set a damaged file aside: %w", err)
		}
		return aside, nil
	}
}

// Save keeps what was learned in a file. Whoever reads it finds the old one or the new one,
// whole, whenever the power fails. A symbolic link stays, see Place. Any goroutine may call it,
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
		err = Replace(path, text)
	}
	if err != nil {
		return nil, fmt.Errorf("save what was learned: %w", err)
	}
	return text, nil
}

// Replace writes a new file beside the old one, and renames it once it is on the disk.
func Replace(path string, text []byte) (err error) {
	if path, err = Place(path); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = f.Close()
			_ = os.Remove(f.Name())
		}
	}()
	if _, err = io.Copy(f, bytes.NewReader(text)); err != nil {
		return err
	}
	if err = f.Sync(); err != nil {
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	if err = os.Rename(f.Name(), path); err != nil {
		return err
	}
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return nil // renamed; a folder that cannot be opened cannot be synced
	}
	_ = folder.Sync() // not every file system can
	return folder.Close()
}
