//go:build linux

package contender

import (
	"context"
	"os/exec"

	"github.com/steelyard-proxy/steelyard/bench/peers"
)

// Process is a running contender, which can be weighed.
type Process struct{ *peers.Process }

// Start writes the configuration, starts the program on its core and returns once it accepts connections.
func (k Kind) Start(ctx context.Context, s Setting) (*Process, error) {
	var err error
	if s.Listen, s.Admin, err = peers.FreeAddresses(); err != nil {
		return nil, err
	}
	s.Policy = k.policy
	text, err := s.render(k.config)
	if err != nil {
		return nil, err
	}
	p, err := k.Run(ctx, peers.Setup{
		Dir: s.Dir, Config: text, Addr: s.Listen,
		Begin: func(cmd *exec.Cmd) error { return startOn(s.Core, cmd) },
	})
	if err != nil {
		return nil, err
	}
	return &Process{p}, nil
}
