package policy

import "github.com/steelyard-proxy/steelyard/balancer"

// Open implements balancer.Picker. A closed candidate is in neither heap, and the open
// ones share its turns in proportion, exactly. Meanwhile what it had beyond its share is
// worked off, and what it misses is owed to it, so that closing for a moment costs no
// share. A whole request that it missed is written off and it opens anew, or those that
// open after a long time would come back to a burst.
func (p *schedule) Open(i int, open bool) {
	id := int32(i)
	switch {
	case open:
		p.admit(id)
	case p.accounts[i].inherited: // it has been out, and stays out with what it has
		p.accounts[i].inherited = false
	default:
		p.close(id)
	}
}

// close takes a candidate out with what it had beyond its share: the turn moves so that
// what the others had sums to 0 without it.
func (p *schedule) close(id int32) {
	a := &p.accounts[id]
	a.ahead, a.had = a.aheadAt(p.turn), 0
	a.closed, a.closedAt = true, p.requests
	p.withdraw(id)
	p.open.set(id, 0)
	if left := p.openShare(); left > 0 {
		p.turn -= a.ahead / left
		p.pace(left)
	}
}

// admit lets a candidate in with what it is ahead or owed by now: the turn moves so that
// what the others had makes up for it. Where there are no others it begins anew.
func (p *schedule) admit(id int32) {
	a := &p.accounts[id]
	ahead := a.aheadWhileClosed(p.requests)
	if others := p.openShare(); others > 0 {
		p.turn += ahead / others
	} else {
		ahead = 0
	}
	a.ahead = ahead + a.share*p.turn
	a.closed = false
	p.open.set(id, a.part)
	if !p.pace(p.openShare()) {
		p.place(id)
	}
}

// aheadWhileClosed returns what it had beyond its share after so many requests of the
// schedule.
func (a *account) aheadWhileClosed(requests float64) float64 {
	const mostMissed, mostOwed = 1, 2
	missed := a.part * (requests - a.closedAt)
	if missed >= mostMissed || missed > 0 && a.ahead-missed <= -mostOwed {
		return 0
	}
	return a.ahead - missed
}

// openShare is the share of all that are open.
func (p *schedule) openShare() float64 { return p.open.sum() / p.whole }

// pace sets how many turns a request takes when those that are open have this share, and
// reports whether it had to rebase.
func (p *schedule) pace(share float64) bool {
	p.step = 1 / share
	if p.step > widest || p.step < 1.0/widest {
		p.rebase()
		return true
	}
	return false
}

// Inherit implements balancer.Picker: candidates that stay keep what they had beyond their
// share or are owed, in requests, so that a change between any two requests loses nothing.
// Those that were closed stay so until it is known who is closed now, which is at the
// first pick: in and out again would shift what they have to others.
func (p *schedule) Inherit(predecessor balancer.Picker) {
	other, ok := predecessor.(interface{ turns() *schedule })
	if !ok {
		return
	}
	before := other.turns()
	for i, c := range p.candidates {
		a := &p.accounts[i]
		a.ahead, a.had = 0, 0 // a newcomer is owed nothing
		j, stays := before.index[c.Endpoint]
		if !stays {
			continue
		}
		if was := &before.accounts[j]; was.closed {
			a.ahead = was.aheadWhileClosed(before.requests)
			a.closed, a.inherited = true, true
			p.open.set(int32(i), 0)
			p.inherited = true
		} else {
			a.ahead = was.aheadAt(before.turn)
		}
	}
	p.turn = 0
	p.rebase()
}

// admitInherited lets in those that were closed when this schedule took over, and are not.
func (p *schedule) admitInherited() {
	p.inherited = false
	for i := range p.accounts {
		if a := &p.accounts[i]; a.inherited {
			a.inherited = false
			p.admit(int32(i))
		}
	}
}

func (p *schedule) turns() *schedule { return p }
