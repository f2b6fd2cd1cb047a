// What is to be run, and with what.

package process

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/steelyard-proxy/steelyard/metrics/autoscale"
	"github.com/steelyard-proxy/steelyard/metrics/autoscale/process/keeper"
	"github.com/steelyard-proxy/steelyard/metrics/event"
	"github.com/steelyard-proxy/steelyard/metrics/program"
)

// Settings say what a replica is. In Command, Env and Dir {port}, {name}, {slot}, {gpu} and {upstream} stand for those of
// the replica.
type Settings struct {
	Command     []string
	Env         []string // NAME=value, besides the gateway's own
	Dir         string   // "": the gateway's
	First, Last int      // ports
	GPUs        []string // what {gpu} stands for, by slot
	Logs        string   // the folder of a file for each replica; "": what they write is not kept
	Most        int      // replicas; there may be more for a moment, while some end
	StopTimeout time.Duration
}

// Options are what a process actuator needs besides.
type Options struct {
	Events *event.Log
	Given  []Lent // servers of the program before this one

	start func(keeper.Plan) (server, error)                     // nil: under a keeper
	free  func(port int) bool                                   // nil: asks the system
	left  func(ctx context.Context, prefix string) (killed int) // nil: keeper.EndLeft
}

// server is one that runs.
type server interface {
	Pid() int
	Problem() string
	Ended() <-chan struct{}
	How() keeper.Ending
	Stop()
	Copy() (fd int, err error)
	Leave()
}

func startKept(p keeper.Plan) (server, error) {
	k, err := keeper.Start(p)
	if err != nil {
		return nil, err
	}
	return k, nil
}

// plan is what is to be run as a replica.
func (s *Settings) plan(upstream, name string, slot, port int) keeper.Plan {
	fill := autoscale.Words(upstream, slot, port, autoscale.GPUOf(s.GPUs, slot)).Replace
	p := keeper.Plan{Name: name, Dir: fill(s.Dir), StopTimeout: s.StopTimeout}
	for _, arg := range s.Command {
		p.Args = append(p.Args, fill(arg))
	}
	var more [][2]string
	for _, line := range s.Env {
		key, value, _ := strings.Cut(line, "=")
		more = append(more, [2]string{key, fill(value)})
	}
	p.Env = program.Environment(more)
	if s.Logs != "" {
		p.Log = filepath.Join(s.Logs, fileName(name)+".log")
	}
	return p
}

// fileName is a name as that of a file.
func fileName(name string) string {
	return strings.Map(func(r rune) rune {
		if r == os.PathSeparator || r == 0 || r == ' ' {
			return '_'
		}
		return r
	}, name)
}

func (s *Settings) clone() Settings {
	c := *s
	c.Command, c.Env, c.GPUs = slices.Clone(s.Command), slices.Clone(s.Env), slices.Clone(s.GPUs)
	return c
}
