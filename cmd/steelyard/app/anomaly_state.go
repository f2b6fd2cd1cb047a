// What is normal for servers, kept over a restart in a file beside alerts.state_file.

package app

import (
	"encoding/json"
	"errors"
	"io/fs"
	"strconv"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/steelyard-proxy/steelyard/balancer/statefile"
)

const (
	// faultsFile is the end of the name of the file, after that of the file of alerts.
	faultsFile = ".faults"
	// faultsMark says what it is, and of which version.
	faultsMark = "faults 1"
	// faultsEvery is how often it is written.
	faultsEvery = 5 * time.Minute
)

// normal is the file.
type normal struct {
	Steelyard string                       `json:"steelyard"` // faultsMark
	Declared  map[string]map[string]string `json:"declared"`  // what the measures rest on
	Learned   json.RawMessage              `json:"learned"`
}

// normals writes it.
type normals struct {
	path string // "": nothing is kept

	mu      sync.Mutex // held while it is written; guards what follows
	foreign bool       // another process has it now
	failing bool       // it could not be written, and that has been said
}

// restore reads what an earlier process has learned. A file that is damaged is moved aside.
func (n *anomalies) restore() {
	path := n.kept.path
	if path == "" {
		return
	}
	text, err := statefile.Read(path)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err != nil {
		n.app.log.Warn("what is normal for servers is learned anew", zap.String("file", path), zap.Error(err))
		return
	}
	var f normal
	if err = json.Unmarshal(text, &f); err == nil && f.Steelyard != faultsMark {
		err = errors.New("it is no file of what is normal, or of another version")
	}
	if err == nil {
		err = n.detector.Restore(f.Learned, time.Now())
	}
	if err == nil {
		n.declared = f.Declared
		return
	}
	aside, failed := statefile.Aside(path, func(n int) string { return ".damaged-" + strconv.Itoa(n) })
	n.app.log.Warn("what is normal for servers is learned anew, as its file is damaged and has been moved",
		zap.String("file", path), zap.String("to", aside), zap.Error(errors.Join(err, failed)))
}

// save writes the file, unless it is another process's.
func (n *anomalies) save() {
	k := &n.kept
	if k.path == "" {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.foreign {
		return
	}
	err := n.write()
	if err != nil && !k.failing {
		n.app.log.Warn("what is normal for servers is not kept", zap.String("file", k.path), zap.Error(err))
	}
	k.failing = err != nil
}

func (n *anomalies) write() error {
	learned, err := n.detector.State()
	if err != nil {
		return err
	}
	n.mu.Lock()
	f := normal{faultsMark, n.declared, learned}
	n.mu.Unlock()
	text, err := json.Marshal(f) // what is declared is replaced as a whole, never changed
	if err != nil {
		return err
	}
	return statefile.Replace(n.kept.path, text)
}

// own says whether the file is this process's. It is written once more before another one reads it.
func (n *anomalies) own(ours bool) {
	if n == nil {
		return
	}
	if !ours {
		n.save()
	}
	n.kept.mu.Lock()
	n.kept.foreign = !ours
	n.kept.mu.Unlock()
}
