// What of a source's lists is believed, and when.

package discovery

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Limits say how much of what a source drops is believed at once.
type Limits struct {
	// MaxGoneRatio is the part of the endpoints, 0 to 1, that may go within Grace without a second look.
	MaxGoneRatio float64
	// Grace is for how long a list that drops more waits, unless a second reading says the same.
	Grace time.Duration
}

// secondReading is how long after the first a reading must be to count as a second one: two notes of one
// change come together.
const secondReading = time.Second

// Trouble is why what a source says is not what is in force.
type Trouble uint8

// The kinds of trouble.
const (
	None  Trouble = iota
	Away          // it cannot be read
	Empty         // it names nobody, and is not sure of that
	Held          // it drops much, and that waits
)

var troubles = [...]string{"none", "away", "empty", "held"}

// String is the trouble as metrics and the API show it.
func (t Trouble) String() string { return troubles[t] }

// Damper keeps what is in force of one source's lists. Somebody's goroutine or lock guards it.
type Damper struct {
	limits  Limits
	obeyed  []Endpoint // the last list that was obeyed whole
	inForce []Endpoint // obeyed, or what is new in a list of which the rest waits with what that would drop
	known   bool       // the source has said something
	version string     // of the last reading
	faults  []Fault    // of the last reading

	trouble Trouble
	why     string    // in words
	since   time.Time // when the trouble began

	waiting  []Endpoint // with Held: the list that waits
	heldFrom time.Time  // when it, or one before it that was held, came

	windowFrom time.Time // when the present time of grace began
	windowSize int       // the most that were there since
	windowGone int       // how many have gone since
}

// NewDamper returns a damper that nothing was found for.
func NewDamper(l Limits) *Damper { return &Damper{limits: l} }

// Configure changes the limits, from the next reading or step on.
func (d *Damper) Configure(l Limits) { d.limits = l }

// Endpoints are those in force. Nobody may write to them.
func (d *Damper) Endpoints() []Endpoint { return d.inForce }

// Restore puts what was known earlier in force, until the source says something. It does nothing if it has.
func (d *Damper) Restore(list []Endpoint) (changed bool) {
	if d.known || len(d.inForce) > 0 || len(list) == 0 {
		return false
	}
	d.inForce = list
	return true
}

// Remember notes what was in force when an earlier process ended: the first list is believed as if it had been in force all along. It is
// in force itself from that list on, or by Restore. It does nothing if the source has said something, or another list is in force.
func (d *Damper) Remember(list []Endpoint) {
	if !d.known && len(d.inForce) == 0 {
		d.obeyed = list
	}
}

// Found takes in what a source says at a moment. It reports whether what is in force has changed.
func (d *Damper) Found(now time.Time, l List) (changed bool) {
	good, faults, err := Check(l.Endpoints)
	if err != nil {
		return d.Failed(now, err)
	}
	if !d.known && len(d.inForce) == 0 {
		changed = d.put(d.obeyed) // what is remembered; else nothing
	}
	d.known, d.version, d.faults = true, l.Version, faults
	good = d.keepBroken(good)
	slices.SortFunc(good, func(a, b Endpoint) int { return cmp.Compare(a.Name, b.Name) }) // a source's order means nothing
	if len(staying(good)) == 0 && len(staying(d.inForce)) > 0 && !l.Sure {
		d.waiting = nil
		d.troubled(now, Empty, "it names no endpoint that can be used; the last list stays")
		return changed
	}
	gone := d.gone(now, good)
	if l.Sure || !d.tooMany(gone) {
		return d.obey(now, good, gone)
	}
	same := d.trouble == Held && d.confirms(good)
	if same && now.Sub(d.heldFrom) >= min(secondReading, d.limits.Grace) {
		return d.obey(now, good, gone)
	}
	if !same {
		d.heldFrom = now
	}
	d.waiting = good
	d.troubled(now, Held, fmt.Sprintf("it drops %d of %d endpoints: they stay until it says so again, or for %v", gone, len(d.obeyed), d.limits.Grace))
	return d.put(d.withGone(good))
}

// Failed takes in that nothing could be read. What waited is forgotten: the reading is in doubt.
func (d *Damper) Failed(now time.Time, err error) (changed bool) {
	d.waiting = nil
	d.troubled(now, Away, err.Error())
	return false
}

// Step obeys a list that has waited for long enough. It reports whether what is in force has changed.
func (d *Damper) Step(now time.Time) (changed bool) {
	if d.trouble != Held || now.Sub(d.heldFrom) < d.limits.Grace {
		return false
	}
	return d.obey(now, d.waiting, d.gone(now, d.waiting))
}

// Next is the moment when Step will have something to do; the zero moment where there is none.
func (d *Damper) Next() time.Time {
	if d.trouble != Held {
		return time.Time{}
	}
	return d.heldFrom.Add(d.limits.Grace)
}

// keepBroken puts the endpoints in force in place of what a list says of them that cannot be used.
func (d *Damper) keepBroken(good []Endpoint) []Endpoint {
	if len(d.faults) == 0 {
		return good
	}
	had, is := byName(d.inForce), byName(good)
	var more []Endpoint
	for i := range d.faults {
		was := had[d.faults[i].Name]
		switch now := is[d.faults[i].Name]; {
		case was == nil || d.faults[i].Name == "":
		case now != nil: // it is named twice
			*now = *was
		default:
			more = append(more, *was)
			delete(had, was.Name)
		}
	}
	return append(good, more...)
}

// byName are the endpoints of a list by their names.
func byName(list []Endpoint) map[string]*Endpoint {
	named := make(map[string]*Endpoint, len(list))
	for i := range list {
		named[list[i].Name] = &list[i]
	}
	return named
}

// gone is how many of the endpoints that were obeyed a list has no more, or not to stay. It also begins another time of
// grace, if one is over.
func (d *Damper) gone(now time.Time, list []Endpoint) (n int) {
	stays := staying(list)
	for i := range d.obeyed {
		if e := &d.obeyed[i]; !e.Departing {
			if is := stays[e.Name]; is == nil || !is.Same(e) {
				n++
			}
		}
	}
	if d.windowFrom.IsZero() || now.Sub(d.windowFrom) >= d.limits.Grace {
		d.windowFrom, d.windowSize, d.windowGone = now, 0, 0
	}
	d.windowSize = max(d.windowSize, len(staying(d.obeyed)))
	return n
}

// staying are the endpoints that do not depart, by name.
func staying(list []Endpoint) map[string]*Endpoint {
	stays := make(map[string]*Endpoint, len(list))
	for i := range list {
		if !list[i].Departing {
			stays[list[i].Name] = &list[i]
		}
	}
	return stays
}

// confirms says whether a list drops all that the one which waits would drop. A source that shows another part of its
// servers each time is in doubt.
func (d *Damper) confirms(list []Endpoint) bool {
	stays, waits := staying(list), staying(d.waiting)
	for i := range d.obeyed {
		e := &d.obeyed[i]
		is, was := stays[e.Name], waits[e.Name]
		if is != nil && is.Same(e) && (was == nil || !was.Same(e)) {
			return false
		}
	}
	return true
}

// tooMany says whether so many may not go without a second look, besides those that went in this time of grace.
func (d *Damper) tooMany(gone int) bool {
	return gone > 0 && float64(d.windowGone+gone) > d.limits.MaxGoneRatio*float64(d.windowSize)
}

// withGone is a list with the endpoints that it would drop. Where one has the name of another they are both who they were.
func (d *Damper) withGone(list []Endpoint) []Endpoint {
	stays := staying(list)
	kept := make(map[string]bool, len(d.obeyed))
	merged := make([]Endpoint, 0, len(list)+len(d.obeyed))
	for i := range d.obeyed {
		e := d.obeyed[i]
		if is := stays[e.Name]; is != nil && is.Same(&e) {
			continue
		}
		kept[e.Name] = true
		merged = append(merged, e)
	}
	for i := range list {
		if !kept[list[i].Name] {
			merged = append(merged, list[i])
		}
	}
	slices.SortFunc(merged, func(a, b Endpoint) int { return cmp.Compare(a.Name, b.Name) })
	return merged
}

// obey puts a whole list in force.
func (d *Damper) obey(now time.Time, list []Endpoint, gone int) (changed bool) {
	d.windowGone += gone
	d.obeyed, d.waiting = list, nil
	d.trouble, d.why, d.since, d.heldFrom = None, "", time.Time{}, time.Time{}
	return d.put(list)
}

func (d *Damper) put(list []Endpoint) (changed bool) {
	if slices.Equal(list, d.inForce) {
		return false
	}
	d.inForce = list
	return true
}

// troubled notes a trouble. Its time goes on where there was one before.
func (d *Damper) troubled(now time.Time, kind Trouble, why string) {
	if d.trouble == None {
		d.since = now
	}
	d.trouble, d.why = kind, why
}

// State is how a source fares, for people.
type State struct {
	Known     bool // it has said something
	Endpoints int  // in force
	Version   string
	Trouble   Trouble
	Why       string        // in words; "" without trouble
	Since     time.Time     // when the trouble began; zero without
	Stale     time.Duration // for how long what is in force is not what the source says
	Faults    []Fault
}

// State returns how the source fares at a moment.
func (d *Damper) State(now time.Time) State {
	s := State{
		Known: d.known, Endpoints: len(d.inForce), Version: d.version,
		Trouble: d.trouble, Why: d.why, Since: d.since, Faults: d.faults,
	}
	if d.trouble != None {
		s.Stale = max(now.Sub(d.since), 0)
	}
	return s
}

// mostTold bounds how many faults a message has.
const mostTold = 5

// Told is the faults as one message; "" where there are none.
func Told(faults []Fault) string {
	var told []string
	for i := range faults {
		if i == mostTold {
			told = append(told, fmt.Sprintf("and %d more", len(faults)-mostTold))
			break
		}
		told = append(told, faults[i].Error())
	}
	return strings.Join(told, "; ")
}
