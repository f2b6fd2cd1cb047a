// The programs that are compared, and starting them.

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/steelyard-proxy/steelyard/bench/bare"
	"github.com/steelyard-proxy/steelyard/bench/peers"
)

// contender is a program and what it is started with, but for its folder.
type contender struct {
	peers.Program
	plan peers.Plan
}

// plan has every contender do the same work: one worker on one core, connections kept to both sides, the headers that a
// proxy adds. Beyond that each is as its own users would set it up for speed, and steelyard as it is by default.
func (l *lab) plan() peers.Plan {
	p := peers.Plan{InTurn: true, Forwarded: true, Buffered: true, Begin: peers.OnCore(proxyCore)}
	for i, addr := range l.up.Addrs() {
		p.Endpoints = append(p.Endpoints, peers.Endpoint{Name: fmt.Sprintf("s%d", i), Addr: addr.String(), Capacity: weights[i], Slots: slots})
	}
	return p
}

// find goes on without a contender that is not to be had, as long as there is one.
func (l *lab) find(ctx context.Context) error {
	var missing []error
	for _, name := range l.Proxies {
		c, err := contender{}, error(nil)
		switch name {
		case peers.Steelyard:
			c.Program, err = peers.OursOrBuilt(ctx, l.Steelyard, l.dir)
		case bare.Name:
			c.Program, err = peers.Self(bare.Name, bare.Version(), bare.Args, bare.Config)
		case before:
			c.Program, err = peers.Ours(ctx, l.Before)
			c.Name = before
		default:
			c.Program, err = peers.FindOrInstall(ctx, name)
		}
		if err != nil {
			missing = append(missing, err)
			continue
		}
		c.plan = l.plan()
		l.contenders = append(l.contenders, c)
	}
	err := errors.Join(missing...)
	if len(l.contenders) == 0 {
		return err
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "going on without: %v\n", err)
	}
	return nil
}

// under is a steelyard that shares by the policy: a contender of its own.
func (c contender) under(p policy) contender {
	c.Name = p.contender()
	c.plan.Policy, c.plan.Scale, c.plan.Slots, c.plan.Queue = p.name, p.scale, p.slots, p.order
	return c
}

// startAll starts the contenders of a part; the ones that fail are reported and left out.
func (l *lab) startAll(ctx context.Context, contenders []contender, streaming bool) (running []*peers.Process, stop func()) {
	for _, c := range contenders {
		p, err := l.start(ctx, c, streaming)
		if err != nil {
			l.report.note("%v", err)
			continue
		}
		running = append(running, p)
	}
	return running, func() {
		for _, p := range running {
			p.Stop()
		}
	}
}

// start holds nothing of an answer back where answers are streams.
func (l *lab) start(ctx context.Context, c contender, streaming bool) (*peers.Process, error) {
	dir, err := os.MkdirTemp(l.dir, filepath.Base(c.Name)+"-")
	if err != nil {
		return nil, fmt.Errorf("make temporary folder: %w", err)
	}
	c.plan.Dir, c.plan.Buffered = dir, !streaming
	return c.Start(ctx, c.plan)
}
