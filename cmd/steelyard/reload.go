// Reading the configuration again: by SIGHUP, when its file has changed, or when the API asks.

package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/steelyard-proxy/steelyard/cmd/steelyard/app"
	"github.com/steelyard-proxy/steelyard/cmd/steelyard/filewatch"
	"github.com/steelyard-proxy/steelyard/cmd/steelyard/signals"
	"github.com/steelyard-proxy/steelyard/cmd/steelyard/systemd"
	"github.com/steelyard-proxy/steelyard/configs"
	"github.com/steelyard-proxy/steelyard/proxy/admin"
)

// reloader reads a file again for an app, once at a time.
type reloader struct {
	ctx   context.Context // nothing is reloaded after its end: the process stops, or another has replaced it
	app   *app.App
	start *configs.Config // the process was started with
	file  string
	log   *zap.Logger
	quiet time.Duration // of a file before it is taken; 0: the usual

	notify *systemd.Notifier

	reloads atomic.Int64 // that were tried; written by reload
	mu      sync.Mutex
	last    [sha256.Size]byte // of what the file held when it was last read, or found unreadable
}

var errStopping = errors.New("shutting down")

// reload reads the file and puts it in force, or changes nothing. It reports what has changed.
func (r *reloader) reload() (told admin.Reloaded, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ctx.Err() != nil {
		return told, errStopping
	}
	r.reloads.Add(1)
	if err := r.notify.Reloading(); err != nil {
		r.log.Warn("systemd was not told of the reload", zap.Error(err))
	}
	defer func() { _ = r.notify.Ready() }() // it was there a moment ago
	r.last = contentOf(r.file)
	cfg, notes, err := configs.Examine(r.file, os.Environ())
	if err != nil {
		r.app.ReloadFailed(err)
		return told, err
	}
	logNotes(r.log, notes)
	before := r.app.Config()
	told.Changed, err = r.app.Adopt(cfg)
	if err != nil {
		return told, err // it has logged what is wrong
	}
	limitMemory(r.start, cfg)
	for _, c := range configs.Changes(before, cfg) {
		told.Changes = append(told.Changes, admin.Change{Key: c.Key, What: c.What})
	}
	told.FilesRead = told.Changed && len(told.Changes) == 0
	told.AtNextStart = app.NeedRestart(r.start, cfg)
	return told, nil
}

// count is how many reloads have been tried.
func (r *reloader) count() int { return int(r.reloads.Load()) }

// onHangup reloads at each SIGHUP, even one that came early. After the app's end it ignores them.
func (r *reloader) onHangup() {
	for range signals.Hangups() {
		if _, err := r.reload(); errors.Is(err, errStopping) {
			r.log.Info("SIGHUP is ignored while shutting down", zap.Error(context.Cause(r.ctx)))
		}
	}
}

// onRequest is admin.Options.Reload.
func (r *reloader) onRequest() (admin.Reloaded, error) {
	told, err := r.reload()
	if errors.Is(err, errStopping) {
		return told, admin.ErrStopping
	}
	if bad, ok := errors.AsType[*configs.Errors](err); ok {
		refused := &admin.ReloadRefused{Err: err}
		for _, p := range bad.List {
			refused.Problems = append(refused.Problems, admin.Problem(p))
		}
		return told, refused
	}
	if err != nil {
		return told, &admin.ReloadRefused{Err: err}
	}
	return told, nil
}

// watch reloads when the file, or one that it names, has changed.
func (r *reloader) watch(ctx context.Context) error {
	return filewatch.Run(ctx, filewatch.Options{Files: r.files, Changed: r.onChange, Quiet: r.quiet, Log: r.log})
}

func (r *reloader) files() []string { return append(r.app.Files(), r.file) }

// onChange reloads if the files hold something else than when they were last read. An empty file
// is refused by its own words: it is more often a write that has gone wrong than a wish.
func (r *reloader) onChange() {
	if !r.app.Config().Reload.Watch {
		return
	}
	content, known := contentOf(r.file), r.lastRead()
	switch {
	case content == known && !r.app.FilesChanged():
	case content == empty && content != known:
		r.refuse(content, errEmpty)
	case content != empty:
		r.log.Info("the configuration has changed: it is read again", zap.String("file", r.file))
		_, _ = r.reload()
	}
}

var errEmpty = errors.New("the configuration file is empty: write it whole, or move a whole one to its place")

func (r *reloader) lastRead() [sha256.Size]byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.last
}

func (r *reloader) refuse(content [sha256.Size]byte, err error) {
	r.mu.Lock()
	r.last = content
	r.mu.Unlock()
	r.app.ReloadFailed(err)
}

var (
	empty  = sha256.Sum256(nil)
	absent = [sha256.Size]byte{1} // of a file that cannot be read
)

// contentOf is a hash of what a regular file holds, white space around it apart.
func contentOf(file string) [sha256.Size]byte {
	if info, err := os.Stat(file); err == nil && !info.Mode().IsRegular() {
		return absent
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return absent
	}
	return sha256.Sum256(bytes.TrimSpace(data))
}
