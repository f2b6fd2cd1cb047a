// What is done to the folder beside writing rows: reading, saving, dropping and forgetting.

package usage

import (
	"bytes"
	"encoding/binary"
	"encoding/gob"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/steelyard-proxy/steelyard/balancer/statefile"
)

const (
	sumsFile   = "sums"
	sumsMagic  = "steelyard usage sums 1\n"
	leastTaken = 4096 // bytes that a file takes on a disk, however small it is
)

// sums are what adds up, as it is saved, and how far each file is counted in it.
type sums struct {
	Panes  []*Pane
	Series Series
	Known  map[string]int64

	Open    map[int64]*HourUse // where there are several gateways, as what follows
	Hours   []savedHour
	Forgets map[string]forget
}

// save saves what adds up, so that the next start has few rows to read.
func (s *store) save(now time.Time) {
	s.saved = now
	text, err := s.encode()
	if err == nil {
		err = statefile.Replace(filepath.Join(s.dir, sumsFile), text)
	}
	if err != nil {
		err = fmt.Errorf("save what adds up: %w", err)
	}
	if _, missing := os.Stat(s.dir); missing == nil || s.trouble.told { // else nothing was written yet
		s.went(now, &s.trouble.sums, err)
	}
}

func (s *store) encode() ([]byte, error) {
	b := bytes.NewBufferString(sumsMagic)
	b.Write(make([]byte, 4))
	all := sums{Known: s.known}
	if t := s.book.together; t != nil {
		all.Hours, all.Forgets = t.save()
	}
	s.book.mu.Lock()
	all.Panes, all.Series, all.Open = s.book.panes, s.book.series, s.book.open
	err := gob.NewEncoder(b).Encode(all)
	s.book.mu.Unlock()
	text := b.Bytes()
	binary.LittleEndian.PutUint32(text[len(sumsMagic):], crc32.Checksum(text[len(sumsMagic)+4:], castagnoli))
	return text, err
}

// load takes over what was saved. Where that is damaged, or of another version, all rows are read again.
func (s *store) load() {
	text, err := statefile.Read(filepath.Join(s.dir, sumsFile))
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err == nil {
		err = s.decode(text)
	}
	if err != nil {
		s.book.options.Note(fmt.Sprintf("what was saved of the use until now cannot be read, its rows are read again: %v", err))
	}
}

var errDamaged = errors.New("it is damaged, or of another version")

func (s *store) decode(text []byte) error {
	rest, ok := bytes.CutPrefix(text, []byte(sumsMagic))
	if !ok || len(rest) < 4 || binary.LittleEndian.Uint32(rest) != crc32.Checksum(rest[4:], castagnoli) {
		return errDamaged
	}
	var saved sums
	if err := gob.NewDecoder(bytes.NewReader(rest[4:])).Decode(&saved); err != nil {
		return err
	}
	fresh := newSeries()
	if saved.Series.Minutes == nil {
		saved.Series.Minutes = fresh.Minutes
	}
	if saved.Series.Hourly == nil {
		saved.Series.Hourly = fresh.Hourly
	}
	if saved.Series.Week == nil {
		saved.Series.Week = fresh.Week
	}
	if saved.Series.Prompts == nil {
		saved.Series.Prompts = fresh.Prompts
	}
	for _, p := range saved.Panes {
		if p.Served == nil {
			p.Served = map[Served]*Use{}
		}
	}
	s.book.panes, s.book.series = saved.Panes, saved.Series
	if saved.Known != nil {
		s.known = saved.Known
	}
	if t := s.book.together; t != nil {
		if saved.Open != nil {
			s.book.open = saved.Open
		}
		t.restore(saved.Hours, saved.Forgets)
	}
	return nil
}

// fold takes in the rows of other processes' files that are not counted yet.
func (s *store) fold() {
	names, err := segments(s.dir)
	if err != nil {
		return // there is none yet, or writing tells of it
	}
	there := map[string]bool{}
	known := texts{}
	for _, name := range names {
		there[name] = true
		path := filepath.Join(s.dir, name)
		if info, err := os.Stat(path); err != nil || info.Size() <= s.known[name] {
			continue
		}
		to, skipped, err := readSegment(path, s.known[name], known, func(r *Row) {
			s.book.mu.Lock()
			s.book.take(r)
			s.book.settle()
			s.book.mu.Unlock()
		})
		switch {
		case errors.Is(err, errVersion):
			err = putAside(s.dir, name)
			s.book.options.Note(fmt.Sprintf("%s was written by another version and is moved aside (%s%s)", name, name, asideSuffix))
		case skipped > 0:
			s.book.options.Note(fmt.Sprintf("%s is damaged: %d bytes of it are left out", name, skipped))
		}
		if err != nil {
			s.book.options.Note(fmt.Sprintf("%s cannot be read: %v", name, err))
			continue
		}
		s.known[name] = to
	}
	for name := range s.known {
		if !there[name] {
			delete(s.known, name)
		}
	}
}

// retain drops whole files: those that are older than is asked for, and of the rest the oldest until all take no more than they may.
func (s *store) retain(now time.Time) {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return
	}
	type kept struct {
		name string
		size int64
	}
	var list []kept
	total := int64(0)
	oldest := now.Add(-time.Duration(s.book.options.Days) * 24 * time.Hour)
	for _, e := range entries { // sorted by name, and so by age
		info, err := e.Info()
		if err != nil || !info.Mode().IsRegular() {
			continue
		}
		hour, ok := hourOf(e.Name())
		if ok && e.Name() != s.segment.name && hour.Add(time.Hour).Before(oldest) {
			s.drop(e.Name())
			continue
		}
		if halfWritten(e.Name()) && now.Sub(info.ModTime()) > time.Hour { // of a process that was killed
			s.drop(e.Name())
			continue
		}
		size := max(info.Size(), leastTaken)
		total += size
		if ok && e.Name() != s.segment.name {
			list = append(list, kept{e.Name(), size})
		}
	}
	for _, f := range list {
		if total <= s.book.options.MaxBytes {
			return
		}
		total -= f.size
		s.drop(f.name)
	}
}

// halfWritten says whether a file was to get another name once it was whole.
func halfWritten(name string) bool {
	return strings.HasPrefix(name, "."+sumsFile+".") || strings.HasPrefix(name, "."+secretFile+".")
}

func (s *store) drop(name string) {
	if err := os.Remove(filepath.Join(s.dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.book.options.Note(fmt.Sprintf("%s cannot be removed: %v", name, err))
		return
	}
	delete(s.known, name)
}

// forget wipes users out of all rows, where they stand: a row keeps its length, so that whoever writes to the same file is not disturbed.
func (s *store) forget(ids ...UserID) (rows int, err error) {
	wanted := map[string]bool{}
	for _, id := range ids {
		wanted[string(appendText(nil, string(id)))] = true
	}
	s.working.Lock()
	defer s.working.Unlock()
	s.write(time.Now())
	names, err := segments(s.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, err
	}
	for _, name := range names {
		n, wipeErr := wipeUsers(filepath.Join(s.dir, name), wanted)
		rows += n
		if wipeErr != nil && !errors.Is(wipeErr, errVersion) {
			err = errors.Join(err, fmt.Errorf("%s: %w", name, wipeErr))
		}
	}
	s.save(time.Now())
	return rows, err
}

// wipeUsers wipes users out of one file; wanted has them as rows begin with them.
func wipeUsers(path string, wanted map[string]bool) (rows int, err error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	from, skipped := int64(0), 0
	_, err = eachSegmentFrame(path, &from, &skipped, func(at int64, frame []byte) error {
		n, size := binary.Uvarint(frame[frameHead:])
		if user := frame[frameHead:]; size <= 0 || n > mostText || int(n)+size > len(user) || !wanted[string(user[:size+int(n)])] {
			return nil
		}
		frame = bytes.Clone(frame)
		wipe(frame)
		rows++
		_, err := f.WriteAt(frame, at)
		return err
	})
	if rows > 0 {
		err = errors.Join(err, f.Sync())
	}
	return rows, err
}

// ReadDir calls each for every row of a folder whose request ended from one moment on and before another. It is for questions
// about a time, and for whoever looks at the folder of a gateway that does not run.
func ReadDir(dir string, from, to time.Time, each func(r *Row)) (damaged int, err error) {
	names, err := segments(dir)
	if err != nil {
		return 0, err
	}
	known := texts{}
	for _, name := range names {
		hour, _ := hourOf(name)
		// Rows are written within seconds after the end of a request, in the hour of that moment.
		if !to.IsZero() && hour.After(to.Add(time.Hour)) || hour.Add(2*time.Hour).Before(from) {
			continue
		}
		_, skipped, err := readSegment(filepath.Join(dir, name), 0, known, func(r *Row) {
			if at := r.End(); !at.Before(from) && (to.IsZero() || at.Before(to)) {
				each(r)
			}
		})
		if damaged += skipped; err != nil && !errors.Is(err, errVersion) {
			return damaged, fmt.Errorf("%s: %w", name, err)
		}
	}
	return damaged, nil
}
