// All use of some hours: by user, and by upstream and model.

package usage

import (
	"cmp"
	"time"
)

const (
	// paneTime is how long a pane is; panesKept of them are kept beside the one under way, so that a day is always covered.
	paneTime  = 6 * time.Hour
	panesKept = 4
	// mostServed is how many pairs of upstream and model are told apart; the rest is "other".
	mostServed = 64
)

// Served is a model at an upstream.
type Served struct{ Upstream, Model string }

// Pane is all use of a stretch of time.
type Pane struct {
	From   time.Time // when it began
	To     time.Time // when its last request ended
	Users  Heavy
	Served map[Served]*Use

	most int // pairs that are told apart; 0: mostServed
}

func newPane(from time.Time) *Pane {
	return &Pane{From: from, To: from, Served: map[Served]*Use{}}
}

func (p *Pane) add(r *Row, at time.Time, m *marks) {
	if at.After(p.To) {
		p.To = at
	}
	c := r.counts()
	if r.User != "" {
		p.Users.add(r, &c, m)
	}
	p.served(Served{r.Upstream, r.Model}).add(&c, m)
}

func (p *Pane) served(s Served) *Use {
	u := p.Served[s]
	if u != nil {
		return u
	}
	if len(p.Served) >= cmp.Or(p.most, mostServed) && s.Model != otherModel {
		return p.served(Served{s.Upstream, otherModel}) // one for each upstream, which the configuration bounds
	}
	u = newUse(true)
	p.Served[s] = u
	return u
}

func (p *Pane) merge(o *Pane) {
	if o.From.Before(p.From) {
		p.From = o.From
	}
	if o.To.After(p.To) {
		p.To = o.To
	}
	p.Users.merge(&o.Users)
	for s, u := range o.Served {
		p.served(s).merge(u)
	}
}

// begins is when the pane begins that a moment lies in.
func begins(at time.Time) time.Time { return at.UTC().Truncate(paneTime) }
