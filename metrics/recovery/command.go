// The action that runs a program.

package recovery

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strconv"
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
	// mostOutput is how much of the end of its output is kept.
	mostOutput = 1 << 10
)

// Command runs a program, without a shell. In its arguments {endpoint}, {upstream}, {url}, {host}
// and {port} stand for those of the endpoint; the environment has these and the reason too.
type Command struct{ Args []string }

// Describe is the command line as it will be run.
func (c Command) Describe(upstream string, e Endpoint) string {
	args := c.expand(upstream, e)
	for i, arg := range args {
		if arg == "" || strings.ContainsFunc(arg, func(r rune) bool { return unicode.IsSpace(r) || r == '"' }) {
			args[i] = strconv.Quote(arg)
		}
	}
	return "run " + strings.Join(args, " ")
}

func (c Command) expand(upstream string, e Endpoint) []string {
	host, port := "", ""
	if u, err := url.Parse(e.URL); err == nil {
		host, port = u.Hostname(), u.Port()
	}
	replacer := strings.NewReplacer("{endpoint}", e.Name, "{upstream}", upstream, "{url}", e.URL, "{host}", host, "{port}", port)
	args := make([]string, len(c.Args))
	for i, arg := range c.Args {
		args[i] = replacer.Replace(arg)
	}
	return args
}

// Take runs it. When ctx ends the whole process group is asked to end, and killed soon after.
func (c Command) Take(ctx context.Context, upstream string, e Endpoint) (map[string]any, error) {
	args := c.expand(upstream, e)
	var output tail
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Env = environment(upstream, e)
	cmd.Stdout, cmd.Stderr = &output, &output
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = killAfter
	err := cmd.Run()
	if ctx.Err() != nil && cmd.Process != nil {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // whoever of the group is left
	}
	evidence := map[string]any{}
	if text := output.text(); text != "" {
		evidence["output"] = text
	}
	exit, exited := errors.AsType[*exec.ExitError](err)
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return evidence, errors.New("it took too long and was killed")
	case ctx.Err() != nil:
		return evidence, errors.New("steelyard ends, or its settings changed, and it was killed")
	case errors.Is(err, exec.ErrWaitDelay): // it succeeded, and left a child that holds its output open
		return evidence, nil
	case exited:
		return evidence, fmt.Errorf("it ended with %s", exit.ProcessState)
	}
	return evidence, err
}

// notPassedOn are variables that speak to this process: of systemd's notifications and sockets.
var notPassedOn = []string{"NOTIFY_SOCKET", "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "WATCHDOG_PID", "WATCHDOG_USEC"}

func environment(upstream string, e Endpoint) []string {
	env := slices.DeleteFunc(os.Environ(), func(line string) bool {
		name, _, _ := strings.Cut(line, "=")
		return slices.Contains(notPassedOn, name) || strings.HasPrefix(name, "STEELYARD_")
	})
	for _, pair := range [][2]string{
		{"RECOVERY_UPSTREAM", upstream}, {"RECOVERY_ENDPOINT", e.Name}, {"RECOVERY_URL", e.URL},
		{"RECOVERY_CONDITION", e.Out}, {"RECOVERY_REASON", e.Reason},
	} {
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
	mu  sync.Mutex // two streams write
	end []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.end = append(t.end, p[max(0, len(p)-mostOutput):]...)
	if over := len(t.end) - mostOutput; over > 0 {
		t.end = append([]byte(nil), t.end[over:]...)
	}
	return len(p), nil
}

func (t *tail) text() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.ToValidUTF8(strings.TrimSpace(string(t.end)), "")
}
