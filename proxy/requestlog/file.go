// The file that gets the rows, and the full ones beside it.

package requestlog

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"sync/atomic"

	"go.uber.org/zap"

	"github.com/steelyard-proxy/steelyard/balancer/statefile"
)

// file is the file of a request log, and the full ones before it. Other processes may append to it,
// as the one that is being replaced does, and move it. So whole rows are written at once, and each
// time it is looked where the path leads.
type file struct {
	path     string
	maxBytes int64
	keep     int
	log      *zap.Logger
	shared   atomic.Bool // another process appends too: a row that looks unfinished is its, being written; by Log.Share
	rotates  atomic.Bool // written by Log.Share

	file *os.File // nil after a fault, until it is opened again
	info os.FileInfo
}

// open opens the file at the path, or makes it, so that rows can be appended.
func (f *file) open() error {
	if info, err := os.Stat(f.path); err == nil && !info.Mode().IsRegular() && info.Mode()&fs.ModeDevice == 0 {
		return fmt.Errorf("open request log: %s is no file: give the path of one", f.path)
	}
	for range 2 { // the second time after one was moved aside
		file, err := os.OpenFile(f.path, os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o640)
		if errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("open request log: %w: make its folder first", err)
		}
		if err != nil {
			return fmt.Errorf("open request log: %w", err)
		}
		ours, err := adopt(file, f.shared.Load())
		if err == nil && ours {
			f.info, err = file.Stat()
		}
		if err == nil && ours {
			f.file = file
			return nil
		}
		_ = file.Close() // nothing was written
		if err != nil {
			return fmt.Errorf("read request log: %w", err)
		}
		if err := f.moveAside(); err != nil {
			return err
		}
	}
	return fmt.Errorf("open request log: somebody else writes to %s: give the path of another file", f.path)
}

// adopt says whether rows can be appended to a file, and cuts away an unfinished
// row at its end, as a full disk or a crash leaves it; but not of a file that is shared.
func adopt(file *os.File, shared bool) (ours bool, err error) {
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() || info.Size() == 0 {
		return true, err
	}
	begin := make([]byte, min(info.Size(), int64(len(header))))
	if _, err := file.ReadAt(begin, 0); err != nil {
		return false, err
	}
	if !bytes.HasPrefix([]byte(header), begin) {
		return false, nil
	}
	end, err := lastLine(file, info.Size())
	if err != nil || end == info.Size() || shared {
		return true, err
	}
	return true, file.Truncate(end)
}

// lastLine is where the last finished line of a file ends.
func lastLine(file *os.File, size int64) (int64, error) {
	tail := make([]byte, 4<<10)
	for size > 0 {
		n := min(size, int64(len(tail)))
		if _, err := file.ReadAt(tail[:n], size-n); err != nil && !errors.Is(err, io.EOF) {
			return 0, err
		}
		if i := bytes.LastIndexByte(tail[:n], '\n'); i >= 0 {
			return size - n + int64(i) + 1, nil
		}
		size -= n
	}
	return 0, nil
}

// moveAside renames a file that is not ours.
func (f *file) moveAside() error {
	aside, err := statefile.Aside(f.path, func(n int) string { return ".aside." + strconv.Itoa(n) })
	if err != nil {
		return fmt.Errorf("move a file with other columns aside: %w", err)
	}
	f.log.Warn("request log: a file with other columns was moved aside", zap.String("path", f.path), zap.String("to", aside))
	return nil
}

// append writes the rows of a chunk, which begins with the header, and returns
// how many whole rows were written. After a fault the file is opened anew.
func (f *file) append(chunk []byte) (rows int, err error) {
	if err := f.prepare(int64(len(chunk) - len(header))); err != nil {
		return 0, err
	}
	withHeader := f.info.Size() == 0
	if !withHeader {
		chunk = chunk[len(header):]
	}
	n, err := f.file.Write(chunk)
	rows = bytes.Count(chunk[:n], []byte("\n"))
	if withHeader && rows > 0 {
		rows--
	}
	if err != nil {
		f.close()
		return rows, fmt.Errorf("write request log: %w", err)
	}
	return rows, nil
}

// prepare makes sure that the file is the one at the path, and has room.
func (f *file) prepare(size int64) error {
	if f.file != nil {
		info, err := os.Stat(f.path)
		if err != nil || !os.SameFile(info, f.info) {
			f.close() // it was moved or removed
		}
		f.info = info
	}
	if f.file == nil {
		if err := f.open(); err != nil {
			return err
		}
	}
	if f.info.Size() == 0 || f.info.Size()+size <= f.maxBytes || !f.rotates.Load() {
		return nil
	}
	if err := f.rotate(); err != nil {
		return err
	}
	f.close()
	return f.open()
}

// rotate moves the file to .1, .1 to .2 and so on; the last is replaced. A symbolic link stays
// where it is: what it leads to is moved, in its own folder.
func (f *file) rotate() error {
	path, err := statefile.Place(f.path)
	if err != nil {
		return fmt.Errorf("rotate request log: %w", err)
	}
	name := func(i int) string {
		if i == 0 {
			return path
		}
		return path + "." + strconv.Itoa(i)
	}
	for i := f.keep; i > 0; i-- {
		if err := os.Rename(name(i-1), name(i)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("rotate request log: %w", err)
		}
	}
	return nil
}

func (f *file) close() {
	if f.file != nil {
		_ = f.file.Close() // what was written is in the system's hands
		f.file = nil
	}
}
