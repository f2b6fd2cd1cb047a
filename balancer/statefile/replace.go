// Replacing a file whole, or moving it aside.

package statefile

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

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

// Aside gives a file another name beside its own, over no other: the first free one of those
// with these ends, which are numbered from 1. Of a symbolic link it is the target that is renamed.
func Aside(path string, end func(n int) string) (string, error) {
	path, err := Place(path)
	if err != nil {
		return "", err
	}
	const mostTried = 1000
	for n := 1; ; n++ {
		aside := path + end(n)
		if _, err := os.Lstat(aside); errors.Is(err, fs.ErrNotExist) || n == mostTried {
			return aside, os.Rename(path, aside)
		}
	}
}
