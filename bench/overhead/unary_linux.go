// Measuring short answers: as many as go through, and at a fixed rate.

package main

import (
	"context"
	"time"

	"github.com/steelyard-proxy/steelyard/bench/overhead/wire"
)

const settleLimit = 5 * time.Second

// unary measures requests with short answers: as many as the connections can carry, and at a fixed rate.
func (l *lab) unary(ctx context.Context) error {
	running, stop := l.startAll(ctx, l.contenders, false)
	defer stop()
	for round := range l.Rounds {
		for _, t := range targets(running) {
			if err := l.measure(ctx, t, saturated, round, saturate); err != nil {
				return err
			}
		}
	}
	for round := range l.Rounds {
		for _, t := range withDirect(targets(running)) {
			if err := l.measure(ctx, t, paced, round, pace); err != nil {
				return err
			}
		}
	}
	if err := l.observe(ctx, targets(running), saturated, "", saturate); err != nil {
		return err
	}
	return l.observe(ctx, targets(running), paced, ".unary", pace)
}

// saturate is a closed loop: each connection asks again as soon as it is answered.
func saturate(ctx context.Context, l *lab, t target, s *Sample) error {
	return l.ask(ctx, t, s, func(calls *wire.Calls) *wire.Beat {
		calls.Saturate()
		return nil
	})
}

// pace is an open loop: requests fall due at a fixed rate, and are timed from then.
func pace(ctx context.Context, l *lab, t target, s *Sample) error {
	return l.ask(ctx, t, s, func(calls *wire.Calls) *wire.Beat {
		return &wire.Beat{Gap: time.Second / time.Duration(l.Rate), Do: calls.Ask}
	})
}

func (l *lab) ask(ctx context.Context, t target, s *Sample, start func(*wire.Calls) *wire.Beat) error {
	l.up.Streaming, l.up.Proxied = false, t.process != nil
	calls, err := l.loop.Dial(ctx, l.address(t), l.Connections)
	defer calls.Close()
	if err != nil {
		return err
	}
	err = l.weigh(ctx, t, s, work{
		beat:  start(calls),
		begin: func() { calls.Times = make([]int64, 0, roomForTimes) },
		units: func() int { return calls.Answered },
	})
	if err != nil {
		return err
	}
	s.times(calls.Times)
	return calls.Settle(ctx, settleLimit)
}
