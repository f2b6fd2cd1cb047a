// A run of one rule over one course.

package elastic

import "math"

// source is where requests come from.
type source interface {
	next() float64 // when the next request comes; +Inf: none does
	take() request
	ended(q request, at float64) // it was answered or refused
}

// rule says how many replicas there shall be, those that start included.
type rule interface {
	every() float64 // seconds from one look to the next
	decide(f *fleet) int
}

// simulate lets time pass until the end.
func simulate(s setup, from source, by rule) Figures {
	f := newFleet(s, from)
	look := by.every()
	for ended := false; !ended; {
		arrival, end, ready := from.next(), math.Inf(1), f.nextReady()
		if len(f.ends) > 0 {
			end = f.ends[0].Key
		}
		at := min(arrival, end, ready, look)
		if at >= s.span {
			at, ended = s.span, true
		}
		f.advance(at)
		switch {
		case ended:
		case at == end:
			f.finish()
		case at == ready:
			f.promote()
		case at == arrival:
			f.arrive(from.take())
		default:
			look += by.every()
			f.dispatch() // who has waited too long goes
			f.want(by.decide(f))
		}
	}
	return f.close()
}

// close judges those who wait still, and adds up.
func (f *fleet) close() Figures {
	for _, q := range f.waiting[f.head:] {
		if f.now-q.at > f.wait {
			f.mark(q.at)
		}
	}
	for _, over := range f.over[int(f.from):int(f.span)] {
		if over {
			f.figures.Over++
		}
	}
	f.figures.Seconds = int(f.span) - int(f.from)
	if done := f.figures.Requests - f.figures.Refused - f.held() - f.running; done > 0 {
		f.figures.Response /= float64(done)
	}
	return f.figures
}
