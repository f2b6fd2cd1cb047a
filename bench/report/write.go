// Writing the files of a run, and sparing older ones.

package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/steelyard-proxy/steelyard/balancer/statefile"
)

// The files of a run.
const (
	JSONFile = "result.json"
	HTMLFile = "report.html"
)

// ErrExists says that older results would be lost.
var ErrExists = errors.New("results are there already")

// MayWrite says before a run whether Write will find the folder free. A folder that does not exist is.
func MayWrite(dir string, force bool) error {
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("write results: %w", err)
	case !info.IsDir():
		return fmt.Errorf("write results: %s is no folder: give another one with --out", dir)
	case force:
		return nil
	}
	for _, name := range []string{JSONFile, HTMLFile} {
		if _, err := os.Lstat(filepath.Join(dir, name)); !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("write results: %w: %s: give another folder with --out, or replace them with --force", ErrExists, filepath.Join(dir, name))
		}
	}
	return nil
}

// Write writes both files into dir, which is made where it does not exist. Each is complete or as it was before.
func Write(dir string, r *Result, force bool) error {
	if err := MayWrite(dir, force); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("write results: %w", err)
	}
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("write results: %w", err)
	}
	page, err := HTML(r)
	if err != nil {
		return fmt.Errorf("write results: %w", err)
	}
	for name, text := range map[string][]byte{JSONFile: append(text, '\n'), HTMLFile: page} {
		path := filepath.Join(dir, name)
		if err := errors.Join(statefile.Replace(path, text), os.Chmod(path, 0o644)); err != nil {
			return fmt.Errorf("write results: %w", err)
		}
	}
	return nil
}
