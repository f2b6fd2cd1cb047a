// Judges: who hears how each attempt ended.

package proxy

import (
	"net/http"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/balancer/estimate"
	"github.com/steelyard-proxy/steelyard/balancer/predict"
	"github.com/steelyard-proxy/steelyard/proxy/fault"
	"github.com/steelyard-proxy/steelyard/proxy/wire"
)

// Judge hears of each attempt at an endpoint when it has ended, before its lease is given
// back. It is called from any goroutine and must not wait.
type Judge interface{ Judge(a *Attempted) }

// Attempted is what one attempt was. Judges may keep no pointer to it.
type Attempted struct {
	balancer.Outcome
	InFlight int64 // requests at the endpoint when it began, this one included
	Beside   int64 // likewise when it ended
	Overran  bool  // timeouts.total was over while the answer came: a limit of ours, whoever was slow

	// What follows is known where somebody wants to know the work of requests.
	Said     bool   // the request's body was at hand
	Model    string // that it asked for, if said
	Features predict.Features
	Capacity float64 // of the endpoint, as it was at the end
	Slots    int     // of the endpoint; 0: no limit
}

// Appoint makes these the judges of all attempts that end from now on.
func (t *Target) Appoint(judges ...Judge) { t.judges.Store(&judges) }

// Measuring tells a meter of the requests that were served well.
type Measuring struct{ *estimate.Meter }

// Judge implements Judge.
func (m Measuring) Judge(a *Attempted) {
	if a.Class == balancer.Answered && a.Status < 300 {
		m.Finished(a.Size, a.Service, (a.InFlight+a.Beside+1)/2)
	}
}

// Learning tells a predictor what work requests turned out to be: one of the endpoint's slots
// does capacity / slots units of it in a second.
type Learning struct{ *predict.Predictor }

// Judge implements Judge.
func (l Learning) Judge(a *Attempted) {
	if a.Said {
		l.Finished(predict.Row{
			Model: a.Model, Features: a.Features, Work: a.Service.Seconds() * a.Capacity / float64(max(a.Slots, 1)),
			Service: a.Service, Class: a.Class.String(), Status: a.Status,
		})
	}
}

// judge tells those who want to know how the attempt ended. How long a tunnel stood says nothing.
func (a *attempt) judge(o balancer.Outcome, beside int64) {
	failure := a.x.failure
	if u := o.Usage; u.PromptTokens > 0 && a.follows {
		a.target.Metrics.PromptRead(u.PromptTokens, u.CachedTokens)
	}
	a.ended = Attempted{
		Outcome: o, InFlight: a.inFlight, Beside: beside, Overran: failure != nil && failure.Kind == fault.TotalTimeout && a.answered > 0,
	}
	if x := a.x; x.upstream.WantsWork {
		h := &x.hints
		a.ended.Said, a.ended.Features = h.said, h.features
		if h.said {
			a.ended.Model = h.model
		}
	}
	if x := a.x; x.upstream.WantsWork || x.generation.Usage {
		a.ended.Capacity, a.ended.Slots = a.target.Rating.Get()
	}
	if judges := a.target.judges.Load(); judges != nil && o.Status != http.StatusSwitchingProtocols {
		for _, j := range *judges {
			a.tell(j)
		}
	}
}

// tell lets a judge hear of the attempt. If it panics, that costs neither the request nor the slot, and the other judges
// hear of the attempt.
func (a *attempt) tell(j Judge) {
	defer func() {
		if r := recover(); r != nil {
			a.x.logPanic(r)
		}
	}()
	j.Judge(&a.ended)
}

// outcome is how the attempt ended, for want of an answer or with one.
func (a *attempt) outcome(class balancer.OutcomeClass) balancer.Outcome {
	o := balancer.Outcome{Class: class, Status: a.answer.Status, PushBack: a.pause, Connect: a.connecting, Size: a.x.request.Work, Usage: a.usage()}
	if a.dispatched > 0 {
		o.Blocked = a.x.conn.Blocked - a.blocked
		if a.done == 0 {
			a.done = wire.Now()
		}
		o.Service = a.done - a.dispatched - o.Blocked
	}
	if a.answered > a.dispatched {
		o.FirstByte = a.answered - a.dispatched
	}
	return o
}
