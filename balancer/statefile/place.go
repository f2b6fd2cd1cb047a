// Where a path leads, and reading only regular files.

package statefile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// noFile is the error of a path that leads to a pipe, a device or a folder. They are never opened: a pipe would be
// waited for without end, and a device is not ours to rename.
func noFile(path string) error { return fmt.Errorf("%s is no file: give the path of one", path) }

// Place is the file that Replace writes: path, or where it leads if it is a symbolic link, which stays. There is a regular
// file or nothing yet; anything else is an error.
func Place(path string) (string, error) {
	const mostLinks = 40 // as many as Linux follows
	given := path
	for range mostLinks {
		folder, err := filepath.EvalSymlinks(filepath.Dir(path))
		if err != nil {
			return "", err
		}
		path = filepath.Join(folder, filepath.Base(path))
		switch there, err := os.Lstat(path); {
		case errors.Is(err, fs.ErrNotExist):
			return path, nil
		case err != nil:
			return "", err
		case there.Mode().IsRegular():
			return path, nil
		case there.Mode()&fs.ModeSymlink == 0:
			return "", noFile(given)
		}
		to, err := os.Readlink(path)
		if err != nil {
			return "", err
		}
		if path = to; !filepath.IsAbs(to) {
			path = filepath.Join(folder, to)
		}
	}
	return "", &fs.PathError{Op: "open", Path: given, Err: syscall.ELOOP}
}

// Read returns what a regular file holds, or the beginning of one that is too large. It
// opens nothing else.
func Read(path string) ([]byte, error) {
	there, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !there.Mode().IsRegular() {
		return nil, noFile(path)
	}
	return readOpened(path)
}

// Most bounds what is read, in bytes.
const Most = 64 << 20

// readOpened looks again at what it has opened: the path may lead elsewhere by now. O_NONBLOCK opens even a pipe at once.
func readOpened(path string) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if there, err := f.Stat(); err != nil {
		return nil, err
	} else if !there.Mode().IsRegular() {
		return nil, noFile(path)
	}
	return io.ReadAll(io.LimitReader(f, Most+1))
}
