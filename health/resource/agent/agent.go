// The agent: what it is told, and its page.

package agent

import (
	"context"
	"errors"
	"io"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"time"
)

// Options say what is looked at.
type Options struct {
	Root      string // below which /proc and /sys lie; default "/"
	Container bool   // the limits of the agent's own container count as the machine
	// GPUs is the program that tells of them; default "nvidia-smi" where there is one.
	GPUs string
	// Problem is told what could not be read, once each time that it begins; nil: nobody is.
	Problem func(what string, err error)
}

// Agent tells of one machine.
type Agent struct {
	options Options
	gpus    gpus

	mu    sync.Mutex               // one page at a time, and guards the rest
	stuck map[string]chan struct{} // by mount point: closed when its file system has answered after all
	wrong map[string]bool          // what could not be read the last time
}

var errSystem = errors.New("steelyard agent reads /proc, which only Linux has: here (" + runtime.GOOS + "), run Prometheus' node_exporter or windows_exporter, and name its page in resources.urls")

// New returns an agent.
func New(o Options) (*Agent, error) {
	if runtime.GOOS != "linux" {
		return nil, errSystem
	}
	if o.Root == "" {
		o.Root = "/"
	}
	if o.GPUs == "" {
		o.GPUs, _ = exec.LookPath("nvidia-smi") // "": there are none to tell of
	}
	if o.Problem == nil {
		o.Problem = func(string, error) {}
	}
	return &Agent{options: o, gpus: gpus{program: o.GPUs}, stuck: map[string]chan struct{}{}, wrong: map[string]bool{}}, nil
}

// Run asks for the GPUs until ctx ends. It returns nil.
func (a *Agent) Run(ctx context.Context) error {
	if a.gpus.program == "" {
		<-ctx.Done()
		return nil
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
			err := a.gpus.ask(ctx)
			if ctx.Err() == nil {
				a.mu.Lock()
				a.told("the GPUs", err)
				a.mu.Unlock()
			}
			timer.Reset(gpuInterval)
		}
	}
}

// Write writes the page. What could not be read is left out of it.
func (a *Agent) Write(w io.Writer) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	var p page
	for _, part := range []struct {
		what  string
		write func(*page) error
	}{
		{"the CPUs", a.cpus}, {"the memory", a.memory}, {"the pressure", a.pressure}, {"what the kernel has killed", a.kills},
		{"the file systems", a.mounts}, {"the disks", a.disks}, {"the limits of the container", a.container},
	} {
		a.told(part.what, part.write(&p))
	}
	a.gpus.write(&p, time.Now())
	p.one("node_time_seconds", "gauge", "The machine's clock, in seconds since 1970.", float64(time.Now().UnixNano())/1e9)
	_, err := w.Write(p.Bytes())
	return err
}

// told tells of an error that is new. The caller holds mu.
func (a *Agent) told(what string, err error) {
	if err != nil && !a.wrong[what] {
		a.options.Problem(what, err)
	}
	a.wrong[what] = err != nil
}

// path is a file of the machine.
func (a *Agent) path(names ...string) string {
	return filepath.Join(append([]string{a.options.Root}, names...)...)
}
