// The states of one rule for one subject.

package alert

import (
	"slices"
	"time"
)

// Bounds on alerts that come and go. More than mostFlips changes in flipsWithin are told as one,
// and then nothing until there has been none for calmAfter.
const (
	mostFlips   = 6
	flipsWithin = 30 * time.Minute
	calmAfter   = 10 * time.Minute
)

// instance is a rule and a subject: an alert that may be.
type instance struct {
	rule    *Rule // nil: read from a file, and its rule is not there
	name    string
	subject Subject

	state    State
	since    time.Time // wall clock, for display: it is in this state
	startsAt time.Time
	endsAt   time.Time
	reason   string
	value    float64
	limit    float64 // that it fires beyond, for its subject
	last     found
	noData   time.Time // since when there is nothing to judge by; zero: there is

	held     time.Duration   // pending: the condition has held, as far as it was looked at
	clear    time.Duration   // firing: it has not held
	clearing bool            // firing: it did not hold when last looked at
	restored bool            // from a file, and not judged yet by all that the rule looks back on
	flips    []time.Duration // when it began to fire or was over, oldest first
	flapping bool
	told     bool // it was told that it fires, and not that it is over

	history history // of what the rule counts
	seen    bool    // the subject is there in this look
}

// judgement is what is to be told.
type judgement uint8

const (
	nothing judgement = iota
	tell
)

// step takes in what was found. passed is how much time was looked at since the last step, and
// clock the engine's time.
func (i *instance) step(f found, passed, clock time.Duration, now time.Time) judgement {
	holds, clears := i.judge(f, now)
	i.last = f
	if i.state == Pending && !f.has && i.rule.NoData == Keep {
		return nothing
	}
	if f.has {
		i.value = f.value
	}
	i.restored = i.restored && !f.complete
	if i.state != Firing && !holds {
		i.rest(f, now)
		return i.calm(clock, now)
	}
	if i.state == Firing {
		return i.fire(clears && !i.restored, passed, clock, now)
	}
	if i.state != Pending {
		i.become(Pending, now)
		i.held = 0
	} else {
		i.held += passed
	}
	if i.held >= i.rule.For {
		return i.flip(Firing, "", clock, now)
	}
	return nothing
}

// judge says whether the condition holds, and whether a firing alert may be over. Between the two
// limits, and without data, neither need be so.
func (i *instance) judge(f found, now time.Time) (holds, clears bool) {
	r := i.rule
	if f.has {
		i.noData = time.Time{}
		limit, over := r.limits(i.subject.Upstream)
		i.limit = limit
		switch {
		case r.Fn == Absent && r.Burn == nil:
			return f.value > 0, f.value == 0
		case f.weak:
			return false, true
		case r.Below:
			return f.value < limit, f.value >= over
		}
		return f.value > limit, f.value <= over
	}
	if i.noData.IsZero() {
		i.noData = now
	}
	switch r.NoData {
	case CountsOK:
		return false, true
	case Fires:
		return true, false
	}
	return false, false
}

// rest is where an alert goes that does not fire and whose condition does not hold.
func (i *instance) rest(f found, now time.Time) {
	to := Inactive
	if !f.has && i.rule.NoData == Keep {
		to = NoData
	}
	if i.state != to {
		i.become(to, now)
	}
}

// fire is one step of an alert that fires.
func (i *instance) fire(clears bool, passed, clock time.Duration, now time.Time) judgement {
	switch {
	case !clears:
		i.clearing, i.clear = false, 0
		return i.calm(clock, now)
	case i.clearing:
		i.clear += passed
	default:
		i.clearing, i.clear = true, 0
	}
	if i.clear >= i.rule.KeepFiring {
		return i.flip(Inactive, "", clock, now)
	}
	return i.calm(clock, now)
}

// become is a change that nobody is told of.
func (i *instance) become(to State, now time.Time) {
	i.state, i.since, i.held, i.clear, i.clearing = to, now, 0, 0, false
}

// flip is a change that is told: it fires, or is over.
func (i *instance) flip(to State, reason string, clock time.Duration, now time.Time) judgement {
	i.become(to, now)
	i.flips = append(slices.DeleteFunc(i.flips, func(at time.Duration) bool { return clock-at >= flipsWithin }), clock)
	if i.flapping {
		i.flips = i.flips[max(0, len(i.flips)-mostFlips-1):] // the last one counts
		return nothing
	}
	i.reason = reason
	if len(i.flips) > mostFlips {
		i.flapping, i.told, i.startsAt, i.endsAt = true, true, now, time.Time{}
		return tell
	}
	i.startOrEnd(now)
	return tell
}

func (i *instance) startOrEnd(now time.Time) {
	if i.told = i.state == Firing; i.told {
		i.startsAt, i.endsAt = now, time.Time{}
	} else {
		i.endsAt = now
	}
}

// calm ends the flapping of an alert that has not changed for long enough. What was told last was
// that it flaps, and so that it fires: if it does not, that is told now.
func (i *instance) calm(clock time.Duration, now time.Time) judgement {
	if !i.flapping || clock-i.flips[len(i.flips)-1] < calmAfter {
		return nothing
	}
	i.flapping, i.flips = false, nil
	if i.state == Firing {
		return nothing
	}
	i.told, i.endsAt, i.reason = false, now, ""
	return tell
}

// end is the end of an alert for a reason of its own, at once. It reports whether that is to be told.
func (i *instance) end(reason string, now time.Time) judgement {
	told := i.told
	i.become(Inactive, now)
	i.flapping, i.flips, i.told, i.restored = false, nil, false, false
	if !told {
		return nothing
	}
	i.endsAt, i.reason = now, reason
	return tell
}

// shift moves what is displayed when the clock has jumped.
func (i *instance) shift(by time.Duration) {
	for _, at := range []*time.Time{&i.since, &i.startsAt, &i.endsAt, &i.noData} {
		if !at.IsZero() {
			*at = at.Add(by)
		}
	}
}
