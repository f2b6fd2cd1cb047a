// Measuring streamed answers.

package main

import (
	"context"

	"github.com/steelyard-proxy/steelyard/bench/overhead/wire"
)

// stream measures streamed answers whose chunks come at even intervals.
func (l *lab) stream(ctx context.Context) error {
	running, stop := l.startAll(ctx, l.contenders, true)
	defer stop()
	for round := range l.Rounds {
		for _, t := range withDirect(targets(running)) {
			if err := l.measure(ctx, t, streamed, round, carry); err != nil {
				return err
			}
		}
	}
	return l.observe(ctx, targets(running), streamed, ".stream", carry)
}

// carry keeps streams open and chunks coming.
func carry(ctx context.Context, l *lab, t target, s *Sample) error {
	l.up.Streaming, l.up.Proxied = true, t.process != nil
	streams, err := l.loop.Stream(ctx, l.address(t), l.Streams)
	defer l.endStreams(ctx, streams)
	if err != nil {
		return err
	}
	others := l.up.Chunks - streams.Chunks // of earlier streams
	err = l.weigh(ctx, t, s, work{
		beat:  &wire.Beat{Gap: l.chunkEvery(), Do: l.up.Chunk},
		begin: func() { streams.Delays = make([]int64, 0, roomForTimes) },
		units: func() int { return streams.Chunks },
	})
	if err != nil {
		return err
	}
	s.times(streams.Delays)
	return l.loop.RunUntil(ctx, settleLimit, "wait for the last chunks", func() bool {
		return l.up.Chunks-streams.Chunks == others
	})
}

// endStreams leaves in the middle of the answers. A proxy that does not pass that on is cut off, so that the next
// target does not share the upstream with ghosts.
func (l *lab) endStreams(ctx context.Context, streams *wire.Streams) {
	streams.Close()
	if err := l.loop.RunUntil(ctx, settleLimit, "wait for streams to end", func() bool { return l.up.Open() == 0 }); err != nil {
		l.up.HangUp()
	}
}
