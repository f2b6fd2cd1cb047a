// The ring that keeps the last events.

package event

import (
	"sync"
	"time"
)

// Kept is how many events a Log keeps.
const Kept = 1000

// Log keeps the last events, and wakes those who follow them.
type Log struct {
	told func(Event)

	mu        sync.Mutex // guards what follows; held for a few copies only
	ring      [Kept]Event
	first     uint64 // the ID that the first event had, or will have
	next      uint64 // the ID that the next event will have
	published [kinds]uint64
	followers map[*Follower]struct{}
	closed    bool
}

// NewLog is a Log without events. told, if not nil, is called with each event after it was
// published, by whoever published it; it must not wait.
//
// IDs begin at the time of day in microseconds, so that those of one run of the program are larger than
// those of the run before: somebody who followed that one goes on where they were.
func NewLog(told func(Event)) *Log {
	start := uint64(time.Now().UnixMicro())
	return &Log{told: told, first: start, next: start, followers: make(map[*Follower]struct{})}
}

// Publish keeps an event. It may be called from anywhere and never waits for followers.
func (l *Log) Publish(e Event) {
	if l == nil || e.Kind == 0 || e.Kind >= kinds {
		return
	}
	e, kept := l.keep(e)
	if kept && l.told != nil {
		l.told(e)
	}
}

// Close ends it: events that are published later are left out, as another process tells of them.
// Those that are kept stay, for who has not read them yet.
func (l *Log) Close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
}

func (l *Log) keep(e Event) (_ Event, kept bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return e, false
	}
	if e.At.IsZero() {
		e.At = time.Now()
	}
	e.ID = l.next
	l.ring[(e.ID-l.first)%Kept] = e
	l.next++
	l.published[e.Kind]++
	for f := range l.followers {
		f.wake()
	}
	return e, true
}

// Since is the events after the one with the ID, oldest first, and how many of those are no
// longer kept. An ID from the future has none before it: all that is kept is new.
func (l *Log) Since(id uint64) (events []Event, missed uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.since(id)
}

func (l *Log) since(id uint64) (events []Event, missed uint64) {
	from := id + 1
	if id < l.first || id >= l.next { // of another run, or 0
		from = l.first
	}
	oldest := l.first
	if l.next-l.first > Kept {
		oldest = l.next - Kept
	}
	if from < oldest {
		missed, from = oldest-from, oldest
	}
	for ; from < l.next; from++ {
		events = append(events, l.ring[(from-l.first)%Kept])
	}
	return events, missed
}

// Newest is the ID of the newest event, so that a follower hears only of what comes.
func (l *Log) Newest() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.next - 1
}

// Published is how many events of a kind there have been.
func (l *Log) Published(k Kind) uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.published[k]
}

// Follower reads a Log at its own pace. It is for one goroutine.
type Follower struct {
	log  *Log
	seen uint64
	news chan struct{}
}

// Follow begins after the event with the ID; 0 begins at the oldest that is kept.
func (l *Log) Follow(after uint64) *Follower {
	l.mu.Lock()
	defer l.mu.Unlock()
	f := &Follower{log: l, seen: after, news: make(chan struct{}, 1)}
	l.followers[f] = struct{}{}
	f.wake()
	return f
}

// wake says that there may be news. It never waits: one word is enough for any number.
func (f *Follower) wake() {
	select {
	case f.news <- struct{}{}:
	default:
	}
}

// News has a word in it whenever there may be new events.
func (f *Follower) News() <-chan struct{} { return f.news }

// Take is what is new since the last call, and how many events came and went unread.
func (f *Follower) Take() (events []Event, missed uint64) {
	f.log.mu.Lock()
	defer f.log.mu.Unlock()
	events, missed = f.log.since(f.seen)
	f.seen = f.log.next - 1
	return events, missed
}

// Close ends it.
func (f *Follower) Close() {
	f.log.mu.Lock()
	defer f.log.mu.Unlock()
	delete(f.log.followers, f)
}
