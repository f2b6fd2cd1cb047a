package backend

import (
	"context"
	"time"
)

// pace keeps one job to its time.
type pace struct {
	ctx    context.Context
	server *Server
	work   job
	start  time.Time // moved later by the time spent hanging
	timer  *time.Timer
}

func newPace(ctx context.Context, s *Server, work job, start time.Time) *pace {
	return &pace{ctx: ctx, server: s, work: work, start: start, timer: time.NewTimer(0)}
}

func (p *pace) stop() { p.timer.Stop() }

// end is when the job is due to be done.
func (p *pace) end() time.Time { return p.start.Add(p.work.service()) }

// token waits until token k is made and says what the server then suffers
// from. Its error is that of bear.
func (p *pace) token(k int) (Fault, error) {
	if wait := time.Until(p.work.due(p.start, k)); wait > 0 {
		p.timer.Reset(wait)
		select {
		case <-p.timer.C:
		case <-p.ctx.Done():
		}
	}
	if p.ctx.Err() != nil {
		return None, context.Cause(p.ctx)
	}
	before := time.Now()
	hung := p.server.Fault() == Hang
	kind, err := p.server.bear(p.ctx)
	if hung {
		p.start = p.start.Add(time.Since(before))
	}
	return kind, err
}
