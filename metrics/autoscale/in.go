// Fewer replicas: slowly, and only where all that is known speaks for it.

package autoscale

import (
	"fmt"
	"math"
)

// fewer is how many are wanted where enough are there.
func (c *Controller) fewer(v *view, largest need, missing string) (wanted int, why string, held bool) {
	s, now := v.s, v.s.Ready+v.s.Starting+v.s.Out
	if missing != "" {
		return now, missing + ", so that none goes", true
	}
	if now == 0 {
		return 0, "nothing comes", false
	}
	top := c.needed.top(v.at, c.inFor(v.at))
	each := v.worth / float64(max(s.Ready, 1))
	if s.Ready == 0 {
		each = 1
	}
	spare := int(math.Floor((v.present - top - band) / max(each, 1e-9)))
	keep := max(c.settings.Min, 1)
	if spare <= 0 || now <= keep {
		if c.idle(v, now) {
			return 0, fmt.Sprintf("nothing has come for %s", short(v.at.Sub(c.active))), false
		}
		return now, largest.why, false
	}
	if why := c.against(v, each); why != "" {
		return now, largest.why + "; none goes, as " + why, true
	}
	step := max(int(inRatio*float64(now)), 1)
	return max(now-min(step, spare), keep), fmt.Sprintf("%s worth of servers were needed in %s at most", servers(top), short(c.inFor(v.at))), false
}

// idle says whether the last one may go.
func (c *Controller) idle(v *view, now int) bool {
	s := v.s
	return c.settings.Min == 0 && s.Draining+s.Starting+s.Out == 0 && v.at.Sub(c.active) >= c.settings.ZeroAfter && !(v.foretold > band && c.settings.Predict == PredictFloor)
}

// against is what speaks against fewer, although they would suffice; "": nothing.
func (c *Controller) against(v *view, each float64) string {
	s, waited := v.s, c.inFor(v.at)
	switch {
	case v.at.Sub(c.needed.begun) < waited, v.at.Sub(c.wentOut) < min(v.lead, waited):
		return fmt.Sprintf("they must suffice for %s", short(waited))
	case v.at.Before(c.panicUntil):
		return "much came at once"
	case s.WaitingRequests > 0 || s.Held > 0:
		return "requests wait"
	case s.Draining > 0:
		return "others go"
	case s.Out > 0 && v.at.Sub(c.outSince) < c.settings.StartTimeout:
		return "some cannot be used"
	case s.Starting > 0 && v.at.Sub(c.startingSince) < waited:
		return "some start"
	case over(s.FirstByte, objectiveNear*s.FirstByteObjective), over(s.PerToken, objectiveNear*s.PerTokenObjective):
		return "answers are nearly too slow"
	}
	return c.thresholds.busy(v.worth, v.worth-each)
}
