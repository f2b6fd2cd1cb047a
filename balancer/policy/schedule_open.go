// What becomes of turns while candidates are closed, or come and go.

package policy

import "github.com/steelyard-proxy/steelyard/balancer"

// Open implements balancer.Picker. A closed candidate is in neither heap, and the open ones
// share its turns in exact proportion. While it is closed, what it had beyond its share
// becomes less, and then it is owed what it misses: so to be closed for a moment costs it
// nothing. But once it has missed a whole request it is owed nothing and starts anew, or it
// would get a burst when it opens after a long time.
func (p *schedule) Open(i int, open bool) {
	id := int32(i)
	switch {
	case open:
		p.admit(id)
	case p.accounts[i].inherited: // it was closed in the predecessor, and still is
		p.accounts[i].inherited = false
	default:
		p.close(id)
	}
}

// close takes a candidate out, with what it had beyond its share or is owed. The turn moves, so
// that what the others had beyond theirs sums to 0 without it.
func (p *schedule) close(id int32) {
	a := &p.accounts[id]
	a.ahead, a.had = a.aheadAt(p.turn), 0
	a.closed, a.closedAt = true, p.requests
	p.withdraw(id)
	p.open.set(id, 0)
	if left := p.openShare(); left > 0 {
		p.turn -= a.ahead / left
		p.setStep(left)
	}
}

// admit lets a candidate in, with what it is ahead or owed by now. The turn moves, so that what
// the others had makes up for it. Where there are no others it starts anew.
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
	if !p.setStep(p.openShare()) {
		p.enroll(id)
	}
}

// aheadWhileClosed returns what a closed candidate has had beyond its share, once the schedule
// has had so many requests.
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

// setStep sets how many turns a request takes where those that are open have this share. It
// reports whether it had to rebase.
func (p *schedule) setStep(share float64) bool {
	p.step = 1 / share
	if p.step > widest || p.step < 1.0/widest {
		p.rebase()
		return true
	}
	return false
}

// Inherit implements balancer.Picker. Candidates that stay keep what they had beyond their
// share, or are owed, as a number of requests: so a change loses nothing. Those that were
// closed stay closed until the first pick, by when Open has said which of them still are.
// To let one in and out again in between would shift what it has to others.
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

// admitInherited lets in those that were closed in the predecessor and are open now.
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
