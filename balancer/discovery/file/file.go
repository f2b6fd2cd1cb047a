// The source: files, and what each last said.

package file

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/steelyard-proxy/steelyard/balancer/discovery"
	"github.com/steelyard-proxy/steelyard/balancer/statefile"
)

// usualInterval is how often the files are read though nobody says that they have changed.
const usualInterval = 30 * time.Second

// mostFiles bounds what a pattern may match.
const mostFiles = 1000

// Options say what is read.
type Options struct {
	Paths    []string        // files, or patterns as filepath.Match has them
	Shape    discovery.Shape // of addresses without scheme or port
	Interval time.Duration   // 0: 30 s
	// Watch calls changed after each change of the files, until ctx ends; nil: only Interval counts. The patterns
	// themselves are among the files, so that their folders are watched while they match none.
	Watch func(ctx context.Context, files func() []string, changed func())
}

// Source reads files.
type Source struct {
	options Options
	said    map[string]said // by file
	told    []discovery.Endpoint
	wake    chan struct{} // holds one
}

// said is what a file last said.
type said struct {
	sum  [sha256.Size]byte
	list discovery.List
}

// New returns a source that has read nothing. It fails where there is no pattern, or one is none.
func New(o Options) (*Source, error) {
	if len(o.Paths) == 0 {
		return nil, errors.New("a source of files needs one")
	}
	for _, path := range o.Paths {
		if _, err := filepath.Match(path, ""); err != nil || path == "" {
			return nil, fmt.Errorf("%q is no path and no pattern: close each [", path)
		}
	}
	if o.Interval == 0 {
		o.Interval = usualInterval
	}
	return &Source{options: o, said: map[string]said{}, wake: make(chan struct{}, 1)}, nil
}

// Run implements discovery.Source.
func (s *Source) Run(ctx context.Context, sink discovery.Sink) {
	ctx, cancel := context.WithCancel(ctx)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		if s.options.Watch != nil {
			s.options.Watch(ctx, s.files, s.changed)
		}
	}()
	defer func() {
		cancel()
		<-watched
	}()
	ticker := time.NewTicker(s.options.Interval)
	defer ticker.Stop()
	for {
		s.look(sink)
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		case <-s.wake:
		}
	}
}

func (s *Source) changed() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// files are those to watch.
func (s *Source) files() []string {
	found, _ := s.find()
	if len(found) > mostFiles {
		found = found[:mostFiles]
	}
	for _, path := range s.options.Paths {
		if !slices.Contains(found, path) {
			found = append(found, path)
		}
	}
	return found
}

// find is the files that there are, each once, and the patterns that match none. A path that is no pattern counts as there, for
// the system's words.
func (s *Source) find() (found []string, missing error) {
	for _, path := range s.options.Paths {
		some, err := filepath.Glob(path)
		if len(some) == 0 && err == nil && !strings.ContainsAny(path, `*?[\`) {
			some = []string{path}
		}
		if err == nil && len(some) == 0 {
			err = fmt.Errorf("no file matches %s", path)
		}
		missing = errors.Join(missing, err)
		for _, file := range some {
			if !slices.Contains(found, file) {
				found = append(found, file)
			}
		}
	}
	return found, missing
}

// look reads all files and tells what they say.
func (s *Source) look(sink discovery.Sink) {
	found, missing := s.find()
	switch {
	case len(found) == 0:
		sink.Failed(missing)
		return
	case len(found) > mostFiles:
		sink.Failed(fmt.Errorf("%d files match %s: at most %d are read", len(found), strings.Join(s.options.Paths, " and "), mostFiles))
		return
	}
	l, problems := s.read(found, missing)
	if l != nil && (problems == nil || !slices.Equal(l.Endpoints, s.told)) {
		s.told = slices.Clone(l.Endpoints)
		sink.Found(*l)
	}
	if problems != nil {
		sink.Failed(problems)
	}
}

// read returns what the files say together, nil where none has said anything yet, and what is wrong with any besides what
// is missing.
func (s *Source) read(found []string, missing error) (whole *discovery.List, problems error) {
	problems = missing
	now := make(map[string]said, len(found))
	var lists []discovery.List
	for _, file := range found {
		f, known := s.said[file]
		next, err := s.readOne(file, f)
		if err != nil {
			problems = errors.Join(problems, err)
		} else {
			f, known = next, true
		}
		if known {
			now[file], lists = f, append(lists, f.list)
		}
	}
	s.said = now
	if len(lists) == 0 {
		return nil, problems
	}
	whole = &discovery.List{Sure: problems == nil}
	for _, l := range lists {
		whole.Endpoints = append(whole.Endpoints, l.Endpoints...)
		whole.Sure = whole.Sure && l.Sure
		if whole.Version = l.Version; len(lists) > 1 {
			whole.Version = fmt.Sprintf("%d files", len(lists))
		}
	}
	return whole, problems
}

// readOne reads a file, unless it holds what it held before.
func (s *Source) readOne(file string, before said) (now said, err error) {
	text, err := statefile.Read(file)
	if err != nil {
		if wrapped, ok := errors.AsType[*fs.PathError](err); ok {
			err = wrapped.Err
		}
		if errors.Is(err, os.ErrNotExist) {
			err = errors.New("it is not there")
		}
		return now, fmt.Errorf("%s: %w", file, err)
	}
	now.sum = sha256.Sum256(text)
	if now.sum == before.sum {
		return before, nil
	}
	if now.list, err = discovery.Parse(text, s.options.Shape); err != nil {
		return now, fmt.Errorf("%s: %w", file, err)
	}
	return now, nil
}
