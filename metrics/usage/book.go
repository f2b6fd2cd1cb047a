// All that is known of use: in memory, and in files where there is a folder for them.

package usage

import (
	"sync"
	"sync/atomic"
	"time"
)

// Options says what is kept of use.
type Options struct {
	Dir      string // of the files; "": in memory only
	Days     int    // that they are kept
	MaxBytes int64  // that they may have together
	// Told is called when files cannot be written, and when they can be again, with what is the matter or "". nil: nobody is told.
	Told      func(cause string, lost int64)
	Unwritten func(rows int) // is called for rows that could not be written; nil: nobody is told
	// Note is called with what was found in the folder that somebody should know of. nil: nobody is told.
	Note func(text string)
	// Sharing is who this gateway is among several; nil: it is alone.
	Sharing *Sharing
}

// Book is all that is known of use. Its methods may be called from any goroutine.
type Book struct {
	options Options
	store   *store // nil: in memory only

	together *together // nil: this gateway is alone

	mu     sync.Mutex
	panes  []*Pane            // oldest first; under mu
	series Series             // under mu
	lanes  []lane             // under mu; empty while nobody holds it
	open   map[int64]*HourUse // of which other gateways are told, by when they began, in seconds since 1970; under mu

	scanning sync.Mutex   // held while files are read for a question
	lost     atomic.Int64 // rows that could not be written
}

// Open reads what is left of an earlier run. It does not fail where files cannot be used: then it keeps in memory what it
// can, says so, and tries again.
func Open(o Options) *Book {
	if o.Told == nil {
		o.Told = func(string, int64) {}
	}
	if o.Unwritten == nil {
		o.Unwritten = func(int) {}
	}
	if o.Note == nil {
		o.Note = func(string) {}
	}
	b := &Book{options: o, series: newSeries(), open: map[int64]*HourUse{}}
	if o.Sharing != nil {
		b.together = newTogether(*o.Sharing, o.Dir != "")
	}
	if o.Dir != "" {
		b.store = newStore(b)
		b.store.load()
	}
	return b
}

// Add takes in requests that have ended.
func (b *Book) Add(rows []Row) {
	b.mu.Lock()
	full := false
	for i := range rows {
		b.take(&rows[i])
		full = b.store != nil && !b.store.keep(&rows[i]) || full
	}
	b.settle()
	b.mu.Unlock()
	if full {
		b.store.overflow()
	}
}

// pane is the one that a moment belongs to. Where the clock was set back by more than all panes a new one begins.
func (b *Book) pane(at time.Time) *Pane {
	for i := len(b.panes) - 1; i >= 0; i-- {
		p := b.panes[i]
		if end := p.From.Add(paneTime); !at.Before(p.From) && at.Before(end) {
			return p
		} else if i == len(b.panes)-1 && !at.Before(end) {
			break
		}
	}
	if n := len(b.panes); n > 0 && at.Before(b.panes[n-1].From) && at.After(b.panes[n-1].From.Add(-(panesKept+1)*paneTime)) {
		return b.panes[n-1]
	}
	b.panes = append(b.panes, newPane(begins(at)))
	b.panes = b.panes[max(0, len(b.panes)-panesKept-1):]
	return b.panes[len(b.panes)-1]
}

// lose counts rows that could not be written.
func (b *Book) lose(rows int) {
	b.lost.Add(int64(rows))
	b.options.Unwritten(rows)
}

// Lost is how many rows could not be written to a file. They count in memory.
func (b *Book) Lost() int64 { return b.lost.Load() }

// Storms are the upstreams at which clients ask again and again now.
func (b *Book) Storms(now time.Time) []Storm {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.series.storms(now)
}

// Minutes is the use of an upstream by the minute within the last two days, oldest first. Minutes without a request are left out.
func (b *Book) Minutes(upstream string, from, to time.Time) []Span {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.series.Minutes[upstream].between(from, to, 60)
}

// Hourly is likewise by the hour, within the last 90 days.
func (b *Book) Hourly(upstream string, from, to time.Time) []Span {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.series.Hourly[upstream].between(from, to, 3600)
}

// Upstreams are those that have been asked, by name.
func (b *Book) Upstreams() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.series.Upstreams()
}
