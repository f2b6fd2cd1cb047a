// Programs: one is run for each message, which it reads from its standard input.

package channel

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/steelyard-proxy/steelyard/metrics/notify/dispatch"
	"github.com/steelyard-proxy/steelyard/metrics/program"
)

// Command runs a program without a shell. It gets the body of a webhook as its input; what it is about is in its environment too.
// An exit code of 0 is a message that was taken; with any other the message is tried again later.
type Command struct {
	Args    []string
	Timeout time.Duration // after which the program and its children are killed
}

// Send implements dispatch.Channel.
func (c Command) Send(ctx context.Context, m *dispatch.Message, _ func() bool, attempted func(error)) error {
	body, err := json.Marshal(bodyOf(m))
	if err != nil {
		return &dispatch.Final{Err: fmt.Errorf("write message: %w", err)}
	}
	limited, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	output, err := program.Run(limited, program.Options{Args: c.Args, Input: bytes.NewReader(append(body, '\n')), Env: [][2]string{
		{"ALERT_ID", m.ID}, {"ALERT_STATUS", m.Status()}, {"ALERT_NAME", m.Name}, {"ALERT_UPSTREAM", m.Upstream}, {"ALERT_SEVERITY", m.Severity},
	}})
	if ctx.Err() != nil && err != nil {
		return ctx.Err()
	}
	if err != nil && output != "" {
		err = fmt.Errorf("%w: %s", err, cut(output, mostLabel))
	}
	attempted(err)
	return err
}

// Close implements dispatch.Channel.
func (c Command) Close() {}
