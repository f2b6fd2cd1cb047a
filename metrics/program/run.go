// Running one program to its end.

package program

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
	"unicode"
)

const (
	// killAfter is how long a program has to end in good order when its time is over. It is also how long
	// a child that it leaves behind may hold its output open.
	killAfter = 2 * time.Second
	// MostOutput is how many bytes of the end of its output are kept.
	MostOutput = 1 << 10
	// MostAnswer is the same for an answer.
	MostAnswer = 1 << 20
)

// Options say what to run.
type Options struct {
	Args  []string    // the program and its arguments
	Env   [][2]string // variables besides our own; control characters in values become spaces
	Input io.Reader   // nil: none
	// Answer keeps standard output alone, up to MostAnswer bytes of it, as what the program says. Of one that fails
	// the end of standard error is kept, as of others that of both.
	Answer bool
}

// Run runs it until it ends, or ctx does: then the whole process group is asked to end, and killed soon after. The
// output is the end of what it wrote.
func Run(ctx context.Context, o Options) (output string, err error) {
	end, answer := tail{most: MostOutput}, tail{most: MostAnswer}
	cmd := exec.CommandContext(ctx, o.Args[0], o.Args[1:]...)
	cmd.Env = Environment(o.Env)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = o.Input, &end, &end
	if o.Answer {
		cmd.Stdout = &answer
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = killAfter
	err = cmd.Run()
	if ctx.Err() != nil && cmd.Process != nil {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // whoever of the group is left
	}
	if output = end.text(); o.Answer && err == nil {
		output = answer.text()
	}
	exit, exited := errors.AsType[*exec.ExitError](err)
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return output, errors.New("it took too long and was killed")
	case ctx.Err() != nil:
		return output, errors.New("steelyard ends, or its settings changed, and it was killed")
	case errors.Is(err, exec.ErrWaitDelay): // it succeeded, and left a child that holds its output open
		return output, nil
	case exited:
		return output, fmt.Errorf("it ended with %w", exit)
	}
	return output, err
}

// notPassedOn are variables that speak to this process: of systemd's notifications and sockets.
var notPassedOn = []string{"NOTIFY_SOCKET", "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "WATCHDOG_PID", "WATCHDOG_USEC"}

// Environment is ours without what speaks to this process, and with more.
func Environment(more [][2]string) []string {
	env := slices.DeleteFunc(os.Environ(), func(line string) bool {
		name, _, _ := strings.Cut(line, "=")
		return slices.Contains(notPassedOn, name) || strings.HasPrefix(name, "STEELYARD_")
	})
	for _, pair := range more {
		env = append(env, pair[0]+"="+oneLine(pair[1]))
	}
	return env
}

// oneLine takes out what may not be in a variable or a line.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text)
}

// tail keeps the end of what is written to it.
type tail struct {
	most int
	mu   sync.Mutex // two streams write
	end  []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.end = append(t.end, p[max(0, len(p)-t.most):]...)
	if over := len(t.end) - t.most; over > 0 {
		t.end = append([]byte(nil), t.end[over:]...)
	}
	return len(p), nil
}

func (t *tail) text() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.ToValidUTF8(strings.TrimSpace(string(t.end)), "")
}
