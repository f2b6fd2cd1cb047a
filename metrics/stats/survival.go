// How long something lasts, where many are only seen for a part of that.

package stats

import "math"

// Ends are those whose wait ended at one time: by the event that is looked for, or by something else before it.
type Ends struct {
	At, Event, Other float64
	Variance         float64 // of Other, where those are estimated
}

// Stay is one step of a curve of those who still wait.
type Stay struct {
	At        float64
	Waiting   float64 // just before that
	Part      float64 // of all, that waits longer
	Deviation float64 // of Part, by Greenwood's formula, and by what is not known of the others
}

// Survival is the curve of those who would still wait if nothing but the event ended it (Kaplan and Meier). The ends are
// in the order of their times; those of something else are taken to have waited just as long.
func Survival(ends []Ends) (curve []Stay) {
	waiting, unsure := 0.0, 0.0
	for _, e := range ends {
		waiting += e.Event + e.Other
		unsure += e.Variance // of the others that still wait
	}
	part, variance := 1.0, 0.0
	reach, gone := 0.0, 0.0 // by how much one who waits moves the logarithm of part, and the variance by those who do no more
	for _, e := range ends {
		if e.Event > 0 {
			part *= 1 - e.Event/waiting
			if waiting > e.Event {
				variance += e.Event / (waiting * (waiting - e.Event))
				reach += e.Event / (waiting * (waiting - e.Event))
			}
			curve = append(curve, Stay{e.At, waiting, part, part * math.Sqrt(variance+gone+reach*reach*unsure)})
		}
		waiting -= e.Event + e.Other
		gone += reach * reach * e.Variance
		unsure -= e.Variance
	}
	return curve
}

// Still is the part that waits longer than a time.
func Still(curve []Stay, after float64) float64 {
	part := 1.0
	for _, s := range curve {
		if s.At > after {
			break
		}
		part = s.Part
	}
	return part
}
