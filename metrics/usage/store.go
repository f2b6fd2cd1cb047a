// The folder of a book: rows appended once a second, and what adds up written now and then.

package usage

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
)

const (
	writeEvery   = time.Second
	foldEvery    = 10 * time.Second // rows of another process are taken in
	saveEvery    = 5 * time.Minute
	retainEvery  = time.Hour
	quietTime    = time.Minute // without a failure until all is well again
	mostUnsynced = 4 << 20     // bytes of rows that wait to be written
	mostSegment  = 64 << 20
)

// store writes rows to segments of its own, which nobody else appends to, and reads those of others: of an earlier run,
// or of a process that this one replaces. So no lock is needed between processes.
type store struct {
	book *Book
	dir  string
	own  string // in the names of its segments

	// Under the book's mu.
	waiting     []byte // rows that wait to be written
	waitingRows int
	full        bool // rows were dropped since the last that were written

	ours atomic.Bool // to save what adds up, and to tidy up: another process does it once it has taken over

	// working guards what follows: one thing at a time is done to the folder.
	working  sync.Mutex
	spare    []byte
	segment  segment
	number   int              // of segments begun
	known    map[string]int64 // how far each file is counted in the book
	trouble  trouble
	folded   time.Time
	saved    time.Time
	retained time.Time
}

func newStore(b *Book) *store {
	s := &store{book: b, dir: b.options.Dir, own: fmt.Sprintf("%d-%08x", os.Getpid(), uint32(mixed(uint64(time.Now().UnixNano())))), known: map[string]int64{}}
	s.ours.Store(true)
	return s
}

// keep takes a row to be written; it reports false where none has been taken since rows come faster than they are
// written. The caller holds the book's mu.
func (s *store) keep(r *Row) bool {
	if len(s.waiting) > mostUnsynced-mostRow {
		s.book.lose(1)
		first := !s.full
		s.full = true
		return !first
	}
	s.waiting = appendFrame(s.waiting, r)
	s.waitingRows++
	return true
}

// overflow tells once that rows are dropped.
func (s *store) overflow() {
	s.book.options.Told("the disk takes rows too slowly, or not at all", s.book.Lost())
}

// Run writes rows once a second until ctx ends, and then those that wait.
func (b *Book) Run(ctx context.Context) error {
	if b.store == nil {
		return nil
	}
	defer b.store.close()
	tick := time.NewTicker(writeEvery)
	defer tick.Stop()
	b.store.step(time.Now())
	for {
		select {
		case <-tick.C:
			b.store.step(time.Now())
		case <-ctx.Done():
			b.store.end(time.Now())
			return nil
		}
	}
}

// Own says whether the folder is this process's to tidy up, and what adds up this one's to save. Each process writes rows of its own.
func (b *Book) Own(ours bool) {
	if b.store == nil {
		return
	}
	if !ours { // who takes over finds all that was counted
		b.store.end(time.Now())
	}
	b.store.ours.Store(ours)
}

// step does what is due.
func (s *store) step(now time.Time) {
	s.working.Lock()
	defer s.working.Unlock()
	s.write(now)
	if !s.ours.Load() {
		return
	}
	if due(&s.folded, now, foldEvery) {
		s.fold()
	}
	if due(&s.retained, now, retainEvery) {
		s.retain(now)
	}
	if due(&s.saved, now, saveEvery) {
		s.save(now)
	}
}

// due says whether it is time again; the first time it is.
func due(last *time.Time, now time.Time, every time.Duration) bool {
	if passed := now.Sub(*last); passed >= 0 && passed < every {
		return false
	}
	*last = now
	return true
}

// end writes and saves all that there is.
func (s *store) end(now time.Time) {
	s.working.Lock()
	defer s.working.Unlock()
	s.write(now)
	if s.ours.Load() {
		s.save(now)
	}
}

func (s *store) close() {
	s.working.Lock()
	defer s.working.Unlock()
	s.segment.close()
}

// write writes the rows that wait.
func (s *store) write(now time.Time) {
	b := s.book
	b.mu.Lock()
	s.waiting, s.spare = s.spare[:0], s.waiting
	rows := s.waitingRows
	s.waitingRows = 0
	b.mu.Unlock()
	if rows == 0 {
		return
	}
	err := s.append(now, s.spare)
	if err != nil {
		b.lose(rows)
	}
	s.went(now, &s.trouble.rows, err)
}

// trouble is what cannot be done to the folder.
type trouble struct {
	rows, sums bool      // cannot be written
	last       time.Time // when something could not
	told       bool
}

// went notes how writing rows or sums went, says so once when that begins to fail, and once when all has succeeded for
// a while: on a disk that is nearly full a little may fit now and then.
func (s *store) went(now time.Time, failing *bool, err error) {
	b, t := s.book, &s.trouble
	if *failing = err != nil; *failing {
		t.last = now
		if !t.told {
			t.told = true
			b.options.Told(err.Error(), b.Lost())
		}
		return
	}
	if t.rows || t.sums || t.told && now.Sub(t.last).Abs() < quietTime {
		return
	}
	b.mu.Lock()
	wasFull := s.full
	s.full = false
	b.mu.Unlock()
	if t.told || wasFull {
		b.options.Told("", b.Lost())
	}
	t.told = false
}

// append puts rows into the segment of this hour.
func (s *store) append(now time.Time, rows []byte) error {
	hour := now.UTC().Truncate(time.Hour)
	if s.segment.file != nil && (!s.segment.hour.Equal(hour) || s.segment.size+int64(len(rows)) > mostSegment) {
		s.segment.close()
	}
	if s.segment.file == nil {
		if err := s.begin(hour); err != nil {
			return err
		}
	}
	err := s.segment.write(rows)
	s.known[s.segment.name] = s.segment.size
	return err
}

// begin begins a segment. The folder is made where it is missing.
func (s *store) begin(hour time.Time) error {
	if err := os.Mkdir(s.dir, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return fmt.Errorf("make the folder: %w", err)
	}
	s.number++
	name := segmentName(hour, fmt.Sprintf("%s-%d", s.own, s.number))
	return s.segment.create(filepath.Join(s.dir, name), name, hour)
}
