// How fast a server reads and writes, learned from what comes back.

package cost

// rate is how fast a server reads, in work a second. What is measured is the upper third: all else that delays a first
// token only makes the server look slow.
type rate struct {
	value   float64
	samples float64 // whole
}

// How much one measurement above the rate, or below it, moves the rate.
const rateUp, rateDown = 0.035, 0.015

// mostAtFirst bounds the first measurement, in units of what was expected: after a start of ours servers still have prompts that
// we know nothing of, and seem to read them at once. What is in fact faster shows soon.
const mostAtFirst = 4

func (r *rate) learn(x, expected float64, u *Upstream) {
	switch {
	case r.samples == 0:
		r.value = min(x, mostAtFirst*expected)
	case x > r.value:
		r.value *= 1 + rateUp
	default:
		r.value *= 1 - rateDown
	}
	r.samples++
	u.moved.Store(true)
}

// within returns the rate, where the prior counts as so many measurements at first, and less and less with each.
func (r *rate) within(prior, trust float64) float64 {
	if r.samples > 0 {
		trust *= trust / (trust + r.samples)
	}
	return (r.samples*r.value + trust*prior) / (r.samples + trust)
}

// step is how long one more token takes, by how much context there is: a line through what was
// measured lately.
type step struct {
	next            float64 // when to measure again
	samples         int
	n, x, y, xx, xy float64 // sums, of which the older parts have less weight
}

const (
	stepKeeps   = 0.995 // what a measurement leaves of the weight of those before it
	stepRidge   = 0.05  // holds the slope down where all was measured at about the same context
	stepFloor   = 0.2   // the part of the mean that is there without any context, at least
	stepSamples = 3     // measurements that are needed
)

func (p *step) learn(context, took, now, every float64) {
	if now < p.next || took <= 0 {
		return
	}
	p.next = now + every
	p.samples++
	p.n = p.n*stepKeeps + 1
	p.x = p.x*stepKeeps + context
	p.y = p.y*stepKeeps + took
	p.xx = p.xx*stepKeeps + context*context
	p.xy = p.xy*stepKeeps + context*took
}

// line returns the seconds of a token without context, and what each token of context adds; or that not enough was
// measured.
func (p *step) line() (base, slope float64, known bool) {
	if p.samples < stepSamples {
		return 0, 0, false
	}
	x, y := p.x/p.n, p.y/p.n
	if x <= 0 {
		return y, 0, true
	}
	slope = (p.xy/p.n - x*y) / (p.xx/p.n - x*x + stepRidge*x*x)
	slope = min(max(slope, 0), (1-stepFloor)*y/x)
	return y - slope*x, slope, true
}
