// Looking at files until they have changed and are quiet again.

package filewatch

import (
	"context"
	"os"
	"time"

	"go.uber.org/zap"
)

// The usual times between looks.
const (
	usualEvery = 2 * time.Second
	usualQuiet = time.Second
)

// Options say what is watched.
type Options struct {
	Files   func() []string // the paths; asked for at each look, as a change may name others
	Changed func()          // called by Run when it begins, and once for each change, when it is over
	Every   time.Duration   // between two looks; 0: 2 s
	Quiet   time.Duration   // for which nothing may have moved before a change is told; 0: 1 s
	Blind   bool            // asks the system for no notes
	// Appearing says that Files may name others at any time, as a pattern does: one that is new, or named no more, is a
	// change as well.
	Appearing bool
	Log       *zap.Logger
}

// stamp is what shows that a file is another one than before, or has been written to. The zero
// stamp is that of no file.
type stamp struct {
	info os.FileInfo // nil: there is none
	gone bool        // it cannot be looked at
}

func (s stamp) same(as stamp) bool {
	if s.info == nil || as.info == nil {
		return s.info == nil && as.info == nil && s.gone == as.gone
	}
	return os.SameFile(s.info, as.info) && s.info.Size() == as.info.Size() && s.info.ModTime().Equal(as.info.ModTime()) &&
		s.info.Mode() == as.info.Mode() // or a file that may not be read any more would be told of at the next reload only
}

// look is the stamps of files by their paths. What is no regular file, such as a pipe, is left
// out: to read it once more would give something else.
func look(files []string) map[string]stamp {
	stamps := make(map[string]stamp, len(files))
	for _, file := range files {
		info, err := os.Stat(file)
		switch {
		case err != nil:
			stamps[file] = stamp{gone: true}
		case info.Mode().IsRegular():
			stamps[file] = stamp{info: info}
		}
	}
	return stamps
}

// moved says whether a file that both looks have is not the same in them.
func moved(was, is map[string]stamp) bool {
	for file, before := range was {
		if now, found := is[file]; found && !now.same(before) {
			return true
		}
	}
	return false
}

// sameFiles says whether both looks have the same files.
func sameFiles(was, is map[string]stamp) bool {
	for file := range was {
		if _, found := is[file]; !found {
			return false
		}
	}
	return len(was) == len(is)
}

// Run watches until ctx ends. It calls Changed once at its start, as files may have changed since
// they were read.
func Run(ctx context.Context, o Options) error {
	if o.Every == 0 {
		o.Every = usualEvery
	}
	if o.Quiet == 0 {
		o.Quiet = usualQuiet
	}
	notes := listen(o)
	defer notes.close()
	ticks := time.NewTicker(o.Every)
	defer ticks.Stop()
	seen := look(o.Files())
	o.Changed() // after the first look: what changes from now on is seen
	for {
		notes.follow(o.Files())
		select {
		case <-ctx.Done():
			return nil
		case <-ticks.C:
		case <-notes.arrived():
		}
		now := look(o.Files())
		if moved(seen, now) || o.Appearing && !sameFiles(seen, now) {
			if now = awaitQuiet(ctx, o, now); ctx.Err() != nil {
				return nil
			}
			o.Changed()
		}
		seen = now
	}
}

// awaitQuiet waits until two looks in a row are the same, and returns the last.
func awaitQuiet(ctx context.Context, o Options, seen map[string]stamp) map[string]stamp {
	pause := time.NewTimer(o.Quiet)
	defer pause.Stop()
	for {
		select {
		case <-ctx.Done():
			return seen
		case <-pause.C:
		}
		now := look(o.Files())
		if !moved(seen, now) {
			return now
		}
		seen = now
		pause.Reset(o.Quiet)
	}
}
