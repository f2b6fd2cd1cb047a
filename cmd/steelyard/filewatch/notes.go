// The system's notes on the folders of files.

package filewatch

import (
	"os"
	"path/filepath"

	"github.com/fsnotify/fsnotify"
	"go.uber.org/zap"
)

// mostLinks is how many symbolic links a path may lead through.
const mostLinks = 40

// notes are the system's, or none if it has none to give: then looks alone must do.
type notes struct {
	watcher *fsnotify.Watcher // nil: none
	folders map[string]bool   // those that are watched, or could not be
	wake    chan struct{}
	log     *zap.Logger
}

func listen(o Options) *notes {
	n := &notes{folders: map[string]bool{}, wake: make(chan struct{}, 1), log: o.Log}
	if o.Blind {
		return n
	}
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		n.log.Info("the system does not tell of changed files: they are looked at instead", zap.Duration("every", o.Every), zap.Error(err))
		return n
	}
	n.watcher = watcher
	go n.receive()
	return n
}

// receive turns notes into wake-ups. What they say does not matter: the files are looked at.
func (n *notes) receive() {
	for {
		select {
		case _, open := <-n.watcher.Events:
			if !open {
				return
			}
		case _, open := <-n.watcher.Errors: // some were lost: so look
			if !open {
				return
			}
		}
		n.lookSoon()
	}
}

// lookSoon makes Run look at the files again.
func (n *notes) lookSoon() {
	select {
	case n.wake <- struct{}{}:
	default:
	}
}

func (n *notes) arrived() <-chan struct{} { return n.wake }

// follow watches the folders that the paths lead through now, and no others. What has changed in a folder
// before it was watched brings no note, so the files are looked at once more.
func (n *notes) follow(files []string) {
	if n.watcher == nil {
		return
	}
	wanted := map[string]bool{}
	for _, file := range files {
		for _, folder := range folders(file) {
			wanted[folder] = true
		}
	}
	for folder := range n.folders {
		if !wanted[folder] {
			_ = n.watcher.Remove(folder) // it may be gone
			delete(n.folders, folder)
		}
	}
	for folder := range wanted {
		if n.folders[folder] {
			continue
		}
		n.folders[folder] = true
		n.lookSoon()
		if err := n.watcher.Add(folder); err != nil {
			n.log.Info("the system does not tell of changes in a folder: its files are looked at instead", zap.String("folder", folder), zap.Error(err))
		}
	}
}

// folders are those of a path and of each link that it leads through.
func folders(file string) (all []string) {
	for range mostLinks {
		folder := filepath.Dir(file)
		all = append(all, folder)
		target, err := os.Readlink(file)
		if err != nil { // no link
			if straight, err := filepath.EvalSymlinks(folder); err == nil && straight != folder {
				all = append(all, straight)
			}
			return all
		}
		if !filepath.IsAbs(target) {
			target = filepath.Join(folder, target)
		}
		file = target
	}
	return all
}

func (n *notes) close() {
	if n.watcher != nil {
		_ = n.watcher.Close()
	}
}
