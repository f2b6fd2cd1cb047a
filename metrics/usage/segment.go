// Segments: the files that rows of one hour are appended to.

package usage

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const (
	segmentPrefix = "rows-"
	segmentSuffix = ".seg"
	hourLayout    = "2006010215"
	asideSuffix   = ".other-version"
)

// segmentName has the hour first, so that names sort by time.
func segmentName(hour time.Time, of string) string {
	return segmentPrefix + hour.UTC().Format(hourLayout) + "-" + of + segmentSuffix
}

// hourOf is the hour of a segment; false for a file that is none.
func hourOf(name string) (time.Time, bool) {
	rest, ok := strings.CutPrefix(strings.TrimSuffix(name, asideSuffix), segmentPrefix)
	if !ok || !strings.HasSuffix(rest, segmentSuffix) || len(rest) < len(hourLayout) {
		return time.Time{}, false
	}
	hour, err := time.Parse(hourLayout, rest[:len(hourLayout)])
	return hour, err == nil
}

// segment is a file under way.
type segment struct {
	file *os.File // nil: none
	name string
	hour time.Time
	size int64 // that is whole
}

func (s *segment) create(path, name string, hour time.Time) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("begin a file: %w", err)
	}
	*s = segment{file: f, name: name, hour: hour}
	if err := s.write([]byte(magic)); err != nil {
		s.close()
		_ = os.Remove(path)
		return err
	}
	return nil
}

// write appends bytes and has them put on the disk. Of what could not be written whole nothing stays.
func (s *segment) write(b []byte) error {
	if _, err := s.file.WriteAt(b, s.size); err != nil {
		_ = s.file.Truncate(s.size)
		return fmt.Errorf("append rows: %w", err)
	}
	s.size += int64(len(b))
	if err := s.file.Sync(); err != nil {
		return fmt.Errorf("put rows on the disk: %w", err)
	}
	return nil
}

func (s *segment) close() {
	if s.file != nil {
		_ = s.file.Close()
		s.file = nil
	}
}

// segments are the names of all segments in a folder, oldest first.
func segments(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if _, ok := hourOf(e.Name()); ok && strings.HasSuffix(e.Name(), segmentSuffix) && e.Type().IsRegular() {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	return names, nil
}

// errVersion is that of a file which another version has written.
var errVersion = errors.New("it was written by another version")

// readSegment calls each for every row of a file from an offset on, and returns up to where it has read. What is damaged
// is skipped and counted; a torn end is left.
func readSegment(path string, from int64, known texts, each func(r *Row)) (to int64, skipped int, err error) {
	f, err := os.Open(path)
	if err != nil {
		return from, 0, err
	}
	defer f.Close()
	return readRows(f, from, known, each)
}

// readRows is readSegment of a file that is open.
func readRows(f io.ReaderAt, from int64, known texts, each func(r *Row)) (to int64, skipped int, err error) {
	_, err = eachOpenFrame(f, &from, &skipped, func(_ int64, frame []byte) error {
		r, err := readRow(frame[frameHead:], known)
		if err == nil {
			each(&r)
		} else {
			skipped += len(frame)
		}
		return nil
	})
	return from, skipped, err
}

// eachSegmentFrame calls each for every frame from an offset on, with its place in the file, until one fails, and moves the offset on. It
// says whether the file has all that it began with.
func eachSegmentFrame(path string, from *int64, skipped *int, each func(at int64, frame []byte) error) (whole bool, err error) {
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	return eachOpenFrame(f, from, skipped, each)
}

// eachOpenFrame is eachSegmentFrame of a file that is open.
func eachOpenFrame(f io.ReaderAt, from *int64, skipped *int, each func(at int64, frame []byte) error) (whole bool, err error) {
	begin := make([]byte, len(magic))
	if n, err := f.ReadAt(begin, 0); err != nil && !errors.Is(err, io.EOF) {
		return false, err
	} else if string(begin[:n]) != magic[:n] {
		return false, errVersion
	} else if n < len(magic) {
		return false, nil // it ended while it was begun
	}
	*from = max(*from, int64(len(magic)))
	const chunk = 1 << 20
	b := make([]byte, 0, chunk+mostRow+frameHead)
	for {
		n, readErr := f.ReadAt(b[len(b):cap(b)], *from+int64(len(b)))
		b = b[:len(b)+n]
		var failed error
		used, bad := eachFrame(b, func(at int, frame []byte) {
			if failed == nil {
				failed = each(*from+int64(at), frame)
			}
		})
		*from += int64(used)
		*skipped += bad
		if failed != nil || readErr != nil && !errors.Is(readErr, io.EOF) {
			return false, errors.Join(failed, readErr)
		}
		if readErr != nil || n == 0 {
			return true, nil
		}
		b = append(b[:0], b[used:]...)
	}
}

// putAside moves a file that cannot be read out of the way.
func putAside(dir, name string) error {
	return os.Rename(filepath.Join(dir, name), filepath.Join(dir, name+asideSuffix))
}
