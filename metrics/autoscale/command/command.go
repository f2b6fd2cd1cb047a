// Orders as runs of a program, and the count as what one prints.

package command

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/steelyard-proxy/steelyard/metrics/autoscale"
	"github.com/steelyard-proxy/steelyard/metrics/autoscale/tally"
	"github.com/steelyard-proxy/steelyard/metrics/program"
)

// refusedStatus is the exit status by which a program refuses an order for good: EX_USAGE.
const refusedStatus = 64

// Options say what to run.
type Options struct {
	Upstream  string
	Args      []string
	CountArgs []string      // none: the count is unknown
	Env       []string      // NAME=value, besides the gateway's own
	Timeout   time.Duration // of one run
}

// Actuator runs a command. It is an autoscale.Actuator.
type Actuator struct {
	o        Options
	running  sync.Mutex        // one order at a time
	answered autoscale.Settled // taken on or refused
}

// New makes an actuator.
func New(o Options) *Actuator { return &Actuator{o: o} }

// Scale runs the command for an order.
func (a *Actuator) Scale(ctx context.Context, o autoscale.Order) error {
	a.running.Lock()
	defer a.running.Unlock()
	if settled, said := a.answered.Said(o.ID); settled {
		return said
	}
	if !o.Deadline.IsZero() {
		limited, cancel := context.WithDeadline(ctx, o.Deadline)
		defer cancel()
		ctx = limited
	}
	if i := slices.IndexFunc(o.Victims, func(name string) bool { return !plain(name) }); i >= 0 {
		return &autoscale.Refused{Reason: fmt.Sprintf(
			"the server %q is not stopped: a command might read its name as several, or a shell as more than a name; give it one of letters, digits and . - _ : [ ] @ + =", o.Victims[i])}
	}
	output, err := a.run(ctx, a.o.Args, o, false)
	exit, exited := errors.AsType[*exec.ExitError](err)
	switch {
	case exited && exit.ExitCode() == refusedStatus:
		err = &autoscale.Refused{Reason: told(fmt.Sprintf("the command refuses the order (exit status %d)", refusedStatus), output)}
	case err != nil:
		return errors.New(told("run the command of the actuator: "+err.Error(), output))
	}
	a.answered.Add(o.ID, err)
	return err
}

// plain says whether a name is one word in a list with commas, for a shell as for any program: whoever may register a server
// has chosen it.
func plain(name string) bool {
	return !strings.HasPrefix(name, "-") && !strings.ContainsFunc(name, func(c rune) bool {
		return !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune(".-_:[]@+=", c))
	})
}

// Count runs the command that counts.
func (a *Actuator) Count(ctx context.Context) (autoscale.Count, error) {
	if len(a.o.CountArgs) == 0 {
		return autoscale.Count{}, autoscale.ErrUnknown
	}
	output, err := a.run(ctx, a.o.CountArgs, autoscale.Order{Upstream: a.o.Upstream}, true)
	if err != nil {
		return autoscale.Count{}, errors.New(told("run the count command of the actuator: "+err.Error(), output))
	}
	return tally.Read([]byte(output))
}

// run runs a program within its time.
func (a *Actuator) run(ctx context.Context, args []string, o autoscale.Order, counts bool) (output string, err error) {
	ctx, cancel := context.WithTimeout(ctx, a.o.Timeout)
	defer cancel()
	from, to, victims := strconv.Itoa(o.From), strconv.Itoa(o.To), strings.Join(o.Victims, ",")
	fill := strings.NewReplacer("{id}", o.ID, "{upstream}", o.Upstream, "{from}", from, "{to}", to, "{victims}", victims).Replace
	p := program.Options{Env: [][2]string{{"SCALE_UPSTREAM", o.Upstream}}}
	if counts {
		p.Answer = true
	} else {
		p.Env = append(p.Env, [][2]string{{"SCALE_ID", o.ID}, {"SCALE_FROM", from}, {"SCALE_TO", to}, {"SCALE_VICTIMS", victims}, {"SCALE_REASON", o.Reason}}...)
	}
	for _, line := range a.o.Env {
		name, value, _ := strings.Cut(line, "=")
		p.Env = append(p.Env, [2]string{name, value})
	}
	for _, arg := range args {
		p.Args = append(p.Args, fill(arg))
	}
	return program.Run(ctx, p)
}

// told is a problem and the end of what the program wrote.
func told(problem, output string) string {
	if output == "" {
		return problem
	}
	return problem + ": it wrote " + strconv.Quote(output[max(0, len(output)-program.MostOutput):])
}

// Run has nothing to see to.
func (a *Actuator) Run(context.Context, func()) error { return nil }

// Close ends nothing: what the program runs goes on.
func (a *Actuator) Close(context.Context) error { return nil }
