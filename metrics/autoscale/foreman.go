// The foreman: from decisions to orders.

package autoscale

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// Endpoint is a replica as the gateway knows it. Fixed servers, which nobody starts or stops, are none.
type Endpoint struct {
	Name     string
	Ready    bool // it serves
	Leaving  bool // it gets no new requests, as the foreman asked
	Gone     bool // it goes by somebody else's word, and does not count
	Broken   bool // it should serve, and cannot be used
	InFlight int  // requests, those of other gateways included
	Since    time.Time
}

// Scene is what a foreman goes by.
type Scene struct {
	Decision  Decision
	Count     *Count // nil: it is not known now
	Uncounted bool   // nobody can say how many there are: what is seen counts
	Endpoints []Endpoint
	May       bool    // it may act: it is the one who does, nobody has paused it, it is no dry run
	Chooser   Chooser // nil: the foreman chooses
}

// Chooser is an Actuator that says itself which of its servers go first.
type Chooser interface {
	// Choose returns those of the endpoints' names that go if n fewer are wanted, the first first; nil: any may.
	Choose(names []string, n int) []string
}

// Deeds is what is to be done now.
type Deeds struct {
	Depart, Return []string // endpoints that get no new requests, and those that get them again
	Order          *Order   // nil: none. Tell Done how it went
	Notes          []Note
}

// Note is something that people should know.
type Note struct {
	Kind         NoteKind
	Cause, Doing string
}

// NoteKind is what a note is about.
type NoteKind uint8

// The kinds of notes.
const (
	NoteOut     NoteKind = iota // more were ordered
	NoteIn                      // drained ones were ordered to be stopped
	NoteFailed                  // an order, or a start, has failed
	NoteWorks                   // orders are carried out again
	NoteAdopted                 // somebody else has changed the number
	NoteKept                    // servers that were to go stay, as they are needed again
)

// Foreman carries decisions out: one order at a time, servers drained before they are stopped. It keeps no state that a
// restart must not lose: what is to be done follows from what there is. It is for one goroutine.
type Foreman struct {
	upstream string
	settings Settings

	starts starts
	last   int                  // the number that was asked for last; -1: none was
	leave  map[string]time.Time // since when each leaves
	why    string               // the last of them was chosen
	given  *Order               // that is being given, or whose effect is waited for
	taken  bool                 // given was accepted

	tries    int       // of given that failed
	retry    time.Time // when given is tried again
	failures int       // starts and orders that failed, one after the other
	waits    time.Time // nothing is started before
	failing  bool      // it was told that orders or starts fail
	orders   []time.Time
}

const (
	mostOrders    = 120 // in an hour
	firstBackOff  = time.Minute
	lastBackOff   = 32 * time.Minute
	firstRetry    = time.Second
	lastRetry     = time.Minute
	orderDeadline = 2 * time.Minute // for an order to be accepted
)

// NewForeman is one that has ordered nothing.
func NewForeman(upstream string, s Settings) *Foreman {
	return &Foreman{upstream: upstream, settings: s.withDefaults(), last: -1, leave: map[string]time.Time{}}
}

// Configure puts other settings in force.
func (f *Foreman) Configure(s Settings) { f.settings = s.withDefaults() }

// Usual is how long a start usually takes; 0: none was seen yet.
func (f *Foreman) Usual() time.Duration { return f.starts.usual() }

// Have is how many there are, those that start and those that leave included; and how many of them start.
func (f *Foreman) Have(now time.Time, count *Count, uncounted bool, endpoints []Endpoint) (have, starting int) {
	seen, ready := 0, 0
	for i := range endpoints {
		if e := &endpoints[i]; !e.Gone {
			seen++
			if e.Ready || e.Broken {
				ready++
			}
		}
	}
	have = seen
	switch {
	case count != nil:
		have = max(seen, count.Wanted)
	case uncounted && f.last > seen && len(f.orders) > 0 && now.Sub(f.orders[len(f.orders)-1]) < f.settings.StartTimeout+orderDeadline:
		have = f.last
	}
	return have, have - ready
}

// Step says what is to be done now.
func (f *Foreman) Step(now time.Time, s Scene) (d Deeds) {
	have, starting := f.Have(now, s.Count, s.Uncounted, s.Endpoints)
	if s.Count == nil && !s.Uncounted {
		return d // who runs them cannot be asked: nothing is known to be safe
	}
	if f.starts.look(now, starting, have-starting) > 0 {
		f.works(&d, "a server has become ready")
	}
	f.forget(s.Endpoints)
	if !s.May {
		f.stand(&d)
		f.last, f.given = have, nil
		return d
	}
	f.follow(now, have, &s, &d)
	if f.given != nil {
		f.again(now, &d)
		return d
	}
	f.adopted(have, &d)
	leaving := len(f.leave)
	switch wanted := s.Decision.Wanted; {
	case f.startFailed(now, have, &s, &d):
	case wanted > have-leaving:
		f.keep(wanted-(have-leaving), &d)
		if wanted > have && !now.Before(f.waits) && f.mayOrder(now) {
			f.order(now, have, wanted, nil, s.Decision.Reason, &d)
		}
	default:
		f.shrink(now, have, wanted, starting, &s, &d)
	}
	return d
}

// stand gives up all that is under way: somebody else acts now, or nobody.
func (f *Foreman) stand(d *Deeds) {
	for name := range f.leave {
		d.Return = append(d.Return, name)
	}
	slices.Sort(d.Return)
	clear(f.leave)
}

// forget drops those that are gone.
func (f *Foreman) forget(endpoints []Endpoint) {
	for name := range f.leave {
		if !slices.ContainsFunc(endpoints, func(e Endpoint) bool { return e.Name == name && !e.Gone }) {
			delete(f.leave, name)
		}
	}
}

// follow looks whether the order that was given is carried out, or is of no use any more.
func (f *Foreman) follow(now time.Time, have int, s *Scene, d *Deeds) {
	o := f.given
	if o == nil || !f.taken {
		if o != nil && f.tries > 0 && stale(o, s.Decision.Wanted) {
			f.given, f.last = nil, -1 // it could not be given, and is not wanted any more
		}
		return
	}
	switch {
	case o.To > o.From && have >= o.To, o.To < o.From && have <= o.To, s.Uncounted:
		f.given = nil
	case !now.Before(o.Deadline):
		f.given = nil
		f.fail(now, d, fmt.Sprintf("%s asked for, and %s there by the actuator's own account", count(o.To, "was", "were"), count(have, "is", "are")))
	}
}

// stale says whether an order goes where nobody wants to go any more.
func stale(o *Order, wanted int) bool {
	return o.To > o.From && wanted <= o.From || o.To < o.From && wanted >= o.From
}

// again gives an order once more that could not be given.
func (f *Foreman) again(now time.Time, d *Deeds) {
	if !f.taken && f.tries > 0 && !now.Before(f.retry) {
		d.Order = f.given
		f.retry = now.Add(time.Hour) // Done says when
	}
}

// adopted tells of a number that nobody here has asked for.
func (f *Foreman) adopted(have int, d *Deeds) {
	if f.last >= 0 && have != f.last {
		d.Notes = append(d.Notes, Note{NoteAdopted, fmt.Sprintf("%s there, and %s asked for", count(have, "server is", "servers are"), count(f.last, "was", "were")), fmt.Sprintf("from now on %d counts", have)})
	}
	f.last = have
}

// startFailed gives up a start that takes too long.
func (f *Foreman) startFailed(now time.Time, have int, s *Scene, d *Deeds) bool {
	late := f.starts.late(now, f.settings.StartTimeout)
	if late == 0 {
		return false
	}
	var victims []string
	for i := range s.Endpoints {
		if e := &s.Endpoints[i]; !e.Ready && !e.Broken && !e.Gone && len(victims) < late && now.Sub(e.Since) >= f.settings.StartTimeout/2 {
			victims = append(victims, e.Name)
		}
	}
	f.fail(now, d, fmt.Sprintf("%s not ready after %s", count(late, "server is", "servers are"), short(f.settings.StartTimeout)))
	f.starts.begun = f.starts.begun[late:]
	f.order(now, have, max(have-late, 0), victims, "they do not become ready", d)
	return true
}

// fail notes that something has failed, and lets the next order wait, longer each time.
func (f *Foreman) fail(now time.Time, d *Deeds, why string) {
	wait := min(firstBackOff<<min(f.failures, 10), lastBackOff)
	f.failures++
	f.waits, f.failing = now.Add(wait), true
	d.Notes = append(d.Notes, Note{NoteFailed, why, "nothing more is started for " + short(wait)})
}

func (f *Foreman) works(d *Deeds, why string) {
	if f.failures = 0; f.failing {
		f.failing = false
		d.Notes = append(d.Notes, Note{NoteWorks, why, ""})
	}
}

// mayOrder says whether one more order may be given within this hour.
func (f *Foreman) mayOrder(now time.Time) bool {
	f.orders = slices.DeleteFunc(f.orders, func(at time.Time) bool { return now.Sub(at) >= time.Hour || now.Before(at) })
	return len(f.orders) < mostOrders
}

func (f *Foreman) order(now time.Time, from, to int, victims []string, why string, d *Deeds) {
	o := &Order{
		ID:       fmt.Sprintf("%s-%d-%d-%s", f.upstream, from, to, strconv.FormatInt(now.Unix(), 36)),
		Upstream: f.upstream, From: from, To: to, Victims: victims, Reason: why, Deadline: now.Add(orderDeadline),
	}
	f.given, f.taken, f.tries, f.last = o, false, 0, to
	f.orders = append(f.orders, now)
	d.Order = o
}

// keep lets servers that were to go stay: that is cheaper than a start. Those chosen last stay first.
func (f *Foreman) keep(n int, d *Deeds) {
	var names []string
	for name := range f.leave {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int { return f.leave[b].Compare(f.leave[a]) })
	for _, name := range names[:min(n, len(names))] {
		delete(f.leave, name)
		d.Return = append(d.Return, name)
	}
	if len(d.Return) > 0 {
		d.Notes = append(d.Notes, Note{NoteKept, "they are needed again", count(len(d.Return), "server stays", "servers stay")})
	}
}

// shrink stops those that have nothing left to do, and chooses those that go next.
func (f *Foreman) shrink(now time.Time, have, wanted, starting int, s *Scene, d *Deeds) {
	var done []string
	for i := range s.Endpoints {
		e := &s.Endpoints[i]
		switch since, leaves := f.leave[e.Name]; {
		case !leaves:
		case !e.Leaving: // it crashed and started anew, and gets requests
			d.Depart = append(d.Depart, e.Name)
		case e.InFlight == 0 || now.Sub(since) >= f.settings.DrainTimeout:
			done = append(done, e.Name)
		}
	}
	surplus := have - wanted - len(f.leave)
	unseen := starting // that start, and have no name yet
	for i := range s.Endpoints {
		if e := &s.Endpoints[i]; !e.Ready && !e.Broken && !e.Gone {
			unseen--
		}
	}
	unnamed := max(min(surplus, unseen), 0)
	if (len(done) > 0 || unnamed > 0) && f.mayOrder(now) {
		why := f.why
		if len(done) == 0 {
			why = s.Decision.Reason
		}
		f.order(now, have, have-len(done)-unnamed, done, why, d)
		return
	}
	for _, name := range f.choose(surplus-unnamed, s) {
		f.leave[name], f.why = now, s.Decision.Reason
		d.Depart = append(d.Depart, name)
	}
}

// choose is which n go: what does not serve, then those that have least to do, and of these the newest.
func (f *Foreman) choose(n int, s *Scene) []string {
	if n <= 0 {
		return nil
	}
	var able []Endpoint
	for _, e := range s.Endpoints {
		if _, leaves := f.leave[e.Name]; !leaves && !e.Gone {
			able = append(able, e)
		}
	}
	slices.SortStableFunc(able, func(a, b Endpoint) int {
		if a.Ready != b.Ready {
			if a.Ready {
				return 1
			}
			return -1
		}
		if a.InFlight != b.InFlight {
			return a.InFlight - b.InFlight
		}
		return b.Since.Compare(a.Since)
	})
	names := make([]string, len(able))
	for i := range able {
		names[i] = able[i].Name
	}
	if s.Chooser != nil {
		if chosen := s.Chooser.Choose(slices.Clone(names), n); chosen != nil {
			chosen = slices.DeleteFunc(chosen, func(name string) bool { return !slices.Contains(names, name) })
			names = chosen
		}
	}
	return names[:min(n, len(names))]
}

// Done says how an order went that Step has given.
func (f *Foreman) Done(now time.Time, id string, err error) (notes []Note) {
	o := f.given
	if o == nil || o.ID != id {
		return nil
	}
	var d Deeds
	var refused *Refused
	switch {
	case err == nil:
		f.taken, o.Deadline = true, now.Add(f.settings.StartTimeout)
		kind, doing := NoteOut, fmt.Sprintf("%s asked for, %s there", count(o.To, "is", "are"), count(o.From, "was", "were"))
		if o.To < o.From {
			kind = NoteIn
		}
		d.Notes = append(d.Notes, Note{kind, o.Reason, doing})
	case errors.As(err, &refused):
		f.given, f.last = nil, -1
		f.fail(now, &d, "the actuator refuses: "+refused.Reason)
	case !now.Before(o.Deadline):
		f.given, f.last = nil, -1
		f.fail(now, &d, "the actuator does not take the order: "+err.Error())
	default:
		f.retry = now.Add(min(firstRetry<<min(f.tries, 10), lastRetry))
		f.tries++
	}
	return d.Notes
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
