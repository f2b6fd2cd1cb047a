// The memory of open streams and of idle connections.

package main

import (
	"context"
	"time"
)

// settleTime lets a garbage collector that was woken by the opening come to rest before memory is read.
const settleTime = 2 * time.Second

// memory reads what open but quiet connections occupy, each time in a fresh process.
func (l *lab) memory(ctx context.Context) error {
	for _, c := range l.contenders {
		if err := l.occupancy(ctx, c, silent, hush); err != nil {
			return err
		}
		if err := l.occupancy(ctx, c, idle, idleAway); err != nil {
			return err
		}
	}
	return nil
}

func (l *lab) occupancy(ctx context.Context, c contender, scenario string, load load) error {
	p, err := l.start(ctx, c, scenario == silent)
	if err != nil {
		l.report.note("%v", err)
		return ctx.Err()
	}
	defer p.Stop()
	return l.measure(ctx, target{name: c.Name, process: p}, scenario, 0, load)
}

// hush opens streams that fall silent after their first chunk.
func hush(ctx context.Context, l *lab, t target, s *Sample) error {
	if err := l.idleMemory(ctx, t, s); err != nil {
		return err
	}
	l.up.Streaming = true
	streams, err := l.loop.Stream(ctx, l.address(t), l.Silent)
	defer l.endStreams(ctx, streams)
	if err != nil {
		return err
	}
	s.Units = l.Silent
	return l.occupied(ctx, t, s)
}

// idleAway opens connections that ask once and stay.
func idleAway(ctx context.Context, l *lab, t target, s *Sample) error {
	if err := l.idleMemory(ctx, t, s); err != nil {
		return err
	}
	calls, err := l.loop.Dial(ctx, l.address(t), l.Idle)
	defer calls.Close()
	if err != nil {
		return err
	}
	s.Units = l.Idle
	return l.occupied(ctx, t, s)
}

// idleMemory has one request answered, so that what is set up once is not charged to the connections.
func (l *lab) idleMemory(ctx context.Context, t target, s *Sample) error {
	l.up.Streaming, l.up.Proxied = false, true
	calls, err := l.loop.Dial(ctx, l.address(t), 1)
	calls.Close()
	if err != nil {
		return err
	}
	if err := l.loop.Run(ctx, settleTime/4, nil); err != nil {
		return err
	}
	m, err := t.process.Memory()
	s.IdleRSS, s.IdlePSS = m.RSS, m.PSS
	return err
}

func (l *lab) occupied(ctx context.Context, t target, s *Sample) error {
	if err := l.loop.Run(ctx, settleTime, nil); err != nil {
		return err
	}
	m, err := t.process.Memory()
	s.RSS, s.PSS = m.RSS-s.IdleRSS, m.PSS-s.IdlePSS
	return err
}
