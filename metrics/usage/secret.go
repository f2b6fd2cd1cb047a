// The secret that users are hashed with, which outlives the process.

package usage

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/steelyard-proxy/steelyard/balancer/statefile"
)

const secretFile = "secret"

// Secret is the one of this installation, made where there is none yet. Where the folder cannot be written it is one for this run only, and
// the error says so.
func Secret(dir string, fresh func() []byte) ([]byte, error) {
	const least = 16
	made := fresh()
	if dir == "" {
		return made, nil
	}
	path := filepath.Join(dir, secretFile)
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return made, err
	}
	for range 2 { // another process may make it at the same moment
		text, err := statefile.Read(path)
		switch secret := bytes.TrimSpace(text); {
		case err == nil && len(secret) >= least:
			return secret, nil
		case err == nil:
			return made, fmt.Errorf("%s is too short to keep anything secret: remove it, and another is made (users then have other names)", path)
		case !errors.Is(err, fs.ErrNotExist):
			return made, err
		}
		if err = makeSecret(path, made); !errors.Is(err, fs.ErrExist) {
			return made, err
		}
	}
	return made, fmt.Errorf("%s comes and goes: leave it where it is", path)
}

// makeSecret makes the file whole, or not at all: one that is half written would be too short for ever.
func makeSecret(path string, secret []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(append(secret, '\n'))
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err = os.Link(f.Name(), path); err == nil || errors.Is(err, fs.ErrExist) {
		return err // over no other
	}
	return os.Rename(f.Name(), path) // not every file system has links
}
