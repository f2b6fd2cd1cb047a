// The request log: rows queued by requests, written by one goroutine.

package requestlog

import (
	"context"
	"sync"
	"time"

	"go.uber.org/zap"
)

const (
	// mostRows is how many rows may wait to be written; more are dropped.
	mostRows = 4096
	// pauseTime is how long rows wait at most for others to be written with.
	pauseTime = time.Second
)

// Options says where a request log is kept.
type Options struct {
	Path     string      // of the file being written; those before it have .1, .2, … behind it
	MaxBytes int64       // that a file grows to; 0: 64 MiB
	Keep     int         // how many full files are kept beside; 0: 5
	Log      *zap.Logger // is told when writing fails, and when it goes on
	Shared   bool        // another process appends to the file as well, until Share says otherwise
	Dropped  func()      // is called for each row that is lost, from any goroutine; nil: nobody is told
}

// Row is what is kept of a finished request: what it asked for and what became of it, but nothing
// of what it says.
type Row struct {
	Arrived   time.Time // when its first byte came
	Upstream  string
	Endpoint  string
	Model     string
	Class     string // of the last attempt's outcome
	Status    int    // of the answer; 0: none
	Stream    bool
	MaxTokens int // 0: not said

	PromptBytes int
	Queue       time.Duration // waited for an endpoint
	FirstByte   time.Duration // from the beginning of service to the answer's first byte; 0: none came
	Service     time.Duration // from when it began to be sent to the answer's end, without connecting and without waits for the client

	Capacity float64 // of the endpoint, as it was then
	Slots    int     // of the endpoint; 0: no limit
	Work     float64 // as it was predicted, as a multiple of the mean; 0: not known
}

// Log writes a CSV row for each request that reached a server, off the request path. Rows wait in
// memory for up to a second. When they come faster than they can be written, or the disk takes
// none, they are dropped and counted.
type Log struct {
	log     *zap.Logger
	dropped func()
	wake    chan struct{} // sent to by Write when there are rows again, or many

	mu      sync.Mutex
	waiting []Row // under mu; room for mostRows
	ended   bool  // under mu; set by Run

	// Run's alone.
	file     file
	spare    []Row
	chunk    []byte // the header and rows to be written after it
	chunkMax int
	failing  bool
	lost     int // rows since failing
}

// Open opens the file, or makes it. It appends to a file that a request log has written, and moves
// one with other columns aside. Nothing is written before Run.
func Open(o Options) (*Log, error) {
	l := &Log{
		log: o.Log, dropped: o.Dropped, wake: make(chan struct{}, 1),
		waiting: make([]Row, 0, mostRows), spare: make([]Row, 0, mostRows),
		file: file{path: o.Path, maxBytes: o.MaxBytes, keep: o.Keep, log: o.Log},
	}
	l.file.rotates.Store(true)
	l.file.shared.Store(o.Shared)
	if l.dropped == nil {
		l.dropped = func() {}
	}
	if l.file.maxBytes == 0 {
		l.file.maxBytes = 64 << 20
	}
	if l.file.keep == 0 {
		l.file.keep = 5
	}
	l.chunkMax = int(min(64<<10, l.file.maxBytes))
	l.chunk = append(make([]byte, 0, l.chunkMax), header...)
	if err := l.file.open(); err != nil {
		return nil, err
	}
	return l, nil
}

// Share says whether another process appends to the file as well, and whether it is ours to
// rotate. Any goroutine may call it.
func (l *Log) Share(shared, rotates bool) {
	l.file.shared.Store(shared)
	l.file.rotates.Store(rotates)
}

// Write hands a row over to be written. It never waits, any goroutine may call
// it.
func (l *Log) Write(r Row) {
	l.mu.Lock()
	if l.ended || len(l.waiting) == mostRows {
		l.mu.Unlock()
		l.dropped()
		return
	}
	l.waiting = append(l.waiting, r)
	n := len(l.waiting)
	l.mu.Unlock()
	if n == 1 || n == mostRows/2 {
		select {
		case l.wake <- struct{}{}:
		default:
		}
	}
}

// Run writes rows until ctx ends, and then those that still wait. Rows that come
// after that are dropped.
func (l *Log) Run(ctx context.Context) error {
	defer l.file.close()
	pause := time.NewTimer(pauseTime)
	defer pause.Stop()
	for ctx.Err() == nil {
		select {
		case <-l.wake:
		case <-ctx.Done():
		}
		if pause.Reset(pauseTime); !l.crowded() {
			select {
			case <-pause.C:
			case <-l.wake:
			case <-ctx.Done():
			}
		}
		l.writeWaiting(false)
	}
	l.writeWaiting(true)
	return nil
}

// crowded says whether so many rows wait that it is time to write.
func (l *Log) crowded() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.waiting) >= mostRows/2
}

// writeWaiting writes the rows that wait.
func (l *Log) writeWaiting(last bool) {
	l.mu.Lock()
	l.waiting, l.spare = l.spare, l.waiting
	l.ended = last
	l.mu.Unlock()
	rows := 0
	for i := range l.spare {
		before := len(l.chunk)
		l.chunk = appendRow(l.chunk, &l.spare[i])
		if len(l.chunk) <= l.chunkMax || rows == 0 {
			rows++
			continue
		}
		l.writeChunk(l.chunk[:before], rows)
		l.chunk = append(l.chunk[:len(header)], l.chunk[before:]...)
		rows = 1
	}
	if rows > 0 {
		l.writeChunk(l.chunk, rows)
	}
	l.chunk = l.chunk[:len(header)]
	clear(l.spare) // lets go of the names in them
	l.spare = l.spare[:0]
}

// writeChunk writes rows, and says so once when that begins to fail, or to succeed again.
func (l *Log) writeChunk(chunk []byte, rows int) {
	written, err := l.file.append(chunk)
	for range rows - written {
		l.dropped()
	}
	switch {
	case err != nil:
		l.lost += rows - written
		if !l.failing {
			l.log.Error("request log cannot be written: rows are dropped until it can", zap.String("path", l.file.path), zap.Error(err))
		}
	case l.failing:
		l.log.Info("request log is written again", zap.String("path", l.file.path), zap.Int("dropped", l.lost))
		l.lost = 0
	}
	l.failing = err != nil
}
