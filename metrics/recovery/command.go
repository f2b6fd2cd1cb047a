// The action that runs a program.

package recovery

import (
	"context"
	"net/url"
	"strconv"
	"strings"
	"unicode"

	"github.com/steelyard-proxy/steelyard/metrics/program"
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
	output, err := program.Run(ctx, program.Options{Args: c.expand(upstream, e), Env: [][2]string{
		{"RECOVERY_UPSTREAM", upstream}, {"RECOVERY_ENDPOINT", e.Name}, {"RECOVERY_URL", e.URL},
		{"RECOVERY_CONDITION", e.Out}, {"RECOVERY_REASON", e.Reason},
	}})
	evidence := map[string]any{}
	if output != "" {
		evidence["output"] = output
	}
	return evidence, err
}
