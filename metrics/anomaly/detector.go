// The detector: rows in, faults out.

package anomaly

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/steelyard-proxy/steelyard/metrics/usage"
)

const (
	// mostUpstreams bounds the memory; keptFaults is how many that are over are remembered, for keptFor.
	mostUpstreams, keptFaults = 256, 100
	keptFor                   = 7 * 24 * time.Hour
)

// Detector finds faults in all upstreams.
type Detector struct {
	options Options

	mu        sync.Mutex // guards what follows
	upstreams map[string]*upstream
	last      *upstream // that a row was of; nil: it may have gone
	overhead  *past     // of the gateway itself, as a logarithm
	overSum   float64
	overN     float64
	look      int
	looked    time.Time
	past      []*Fault // that are over, oldest first
	gauges    map[string]*hours
	ids       int
	gateway   *held
}

// New is a detector that knows nothing yet.
func New(o Options) *Detector {
	return &Detector{options: o.withDefaults(), upstreams: map[string]*upstream{}, overhead: newPast(true, leastOverhead), gauges: map[string]*hours{}}
}

// Add takes a request that has ended.
func (d *Detector) Add(r *usage.Row) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.add(r)
}

// AddAll is Add for each of the rows.
func (d *Detector) AddAll(rows []usage.Row) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i := range rows {
		d.add(&rows[i])
	}
}

func (d *Detector) add(r *usage.Row) {
	u := d.of(r.Upstream)
	if u == nil {
		return
	}
	now := d.looked
	if now.IsZero() {
		now = r.At
	}
	if r.Overhead > 0 {
		d.overSum, d.overN = d.overSum+math.Log(r.Overhead.Seconds()), d.overN+1
	}
	u.take(now, d.look, r)
}

// of is the upstream of a name, made where it is new; nil where it has none, or there are too many.
func (d *Detector) of(name string) *upstream {
	if d.last != nil && d.last.name == name {
		return d.last
	}
	u := d.upstreams[name]
	if u == nil {
		if name == "" || len(d.upstreams) >= mostUpstreams {
			return nil
		}
		u = newUpstream(name, &d.options)
		d.upstreams[name] = u
	}
	d.last = u
	return u
}

// take counts a row.
func (u *upstream) take(now time.Time, look int, r *usage.Row) {
	v := read(r)
	if r.Retry > 0 { // no demand of its own
		v.work = 0
	}
	c := counts{work: v.work}
	u.work += v.work
	u.outage.add(r)
	names := [dimensions]string{byModel: r.Model, byUser: string(r.User)}
	if r.Endpoint == "" || v.kind == notTheirs {
		u.tally.add(look, names, &c)
		return
	}
	e := u.endpoint(r.Endpoint)
	e.heard = look
	e.promised(r)
	names[byEndpoint] = r.Endpoint
	c.requests = 1
	if v.kind == failed {
		names[byPhase] = r.Phase
		c.bad[v.symptom] = 1
	}
	if v.kind == answered || v.kind == left {
		x := v.time - e.Promise
		long := u.AllN >= centreKnown && x-u.measure(e)-u.Base-e.race.level > logStalled
		if long {
			c.bad[Stalls] = 1
		}
		if v.kind == answered {
			c.timed, c.slow = 1, u.timed(look, e, r.Model, x)
		} else if !long { // a client that left early says nothing
			u.tally.add(look, names, &counts{work: v.work})
			return
		}
	}
	for s := range c.bad {
		if Symptom(s) == Stalls && len(u.list) > 1 && !e.known() { // how long is long is not known of unlike servers
			continue
		}
		if ratio := e.Trouble[s]; ratio != nil {
			ratio.add(now, c.bad[s] > 0)
			u.Trouble[s].add(now, c.bad[s] > 0)
		}
	}
	u.tally.add(look, names, &c)
}

// promised notes what the endpoint's capacity and slots promise. A step begins its measure anew, until that is known. Then
// the promise stands until Reset: a measured capacity falls as its server slows, and would hide it.
func (e *endpoint) promised(r *usage.Row) {
	const step = 0.25
	if e.known() {
		return
	}
	promise := promised(r.Capacity, r.Slots)
	if math.Abs(promise-e.Promise) > step && len(e.samples.list) > 0 {
		e.reset()
	}
	e.Promise = promise
}

// Step looks, where it is time for that. It is to be called each ten seconds or more often. A clock that jumps, or a long
// time without a call, begins the windows anew.
func (d *Detector) Step(now time.Time) {
	d.mu.Lock()
	now = now.In(d.options.Location)
	gap := now.Sub(d.looked)
	if !d.looked.IsZero() && gap >= 0 && gap < lookEvery {
		d.mu.Unlock()
		return
	}
	if !d.looked.IsZero() && (gap < 0 || gap > longestGap) {
		d.begin()
	}
	d.looked = now
	told := d.lookAt(now)
	trends := d.trends(now)
	d.mu.Unlock()
	for _, f := range told {
		if d.options.Tell != nil {
			d.options.Tell(f)
		}
	}
	for _, t := range trends {
		if d.options.TellTrend != nil {
			d.options.TellTrend(t)
		}
	}
}

// begin forgets what is in windows, and what has been added up of a minute.
func (d *Detector) begin() {
	d.look += longest
	for _, u := range d.upstreams {
		u.sum, u.n, u.work, u.outage = 0, 0, 0, outage{}
		for _, m := range u.Models {
			u.restart(m)
		}
		for _, e := range u.list {
			e.samples.reset()
			e.race = race{}
			e.sum, e.n, e.value = 0, 0, unknown
		}
		u.together, u.calmNow = [longest]spread{}, spread{}
		for look := range longest {
			u.tally.turn(look, false)
		}
	}
	d.overSum, d.overN = 0, 0
}

// lookAt has all judges look, and returns what is news.
func (d *Detector) lookAt(now time.Time) (news []Fault) {
	for _, name := range slices.Sorted(maps.Keys(d.upstreams)) {
		u := d.upstreams[name]
		u.judgePeers(now, d.look)
		u.judgeCluster(d.look)
		u.each(func(r *ratio) { r.look() })
		u.outage.look(now)
		if d.look%looksPerMinute == looksPerMinute-1 {
			u.minute(now, d.look)
		}
		news = append(news, d.hold(u, now)...)
	}
	if d.look%looksPerMinute == looksPerMinute-1 {
		if d.overN >= perMinute {
			d.overhead.add(now, d.overSum/d.overN, false)
		}
		d.overSum, d.overN = 0, 0
		news = append(news, d.judgeGateway(now)...)
	}
	d.look++
	for _, u := range d.upstreams {
		u.tally.turn(d.look, u.freeze == 0)
		u.freeze = max(u.freeze-1, 0)
	}
	d.forget(now)
	return news
}

func (u *upstream) each(f func(*ratio)) {
	for s, r := range u.Trouble {
		if r != nil {
			f(r)
			for _, e := range u.list {
				f(e.Trouble[s])
			}
		}
	}
}

// silentFor is after how many looks without a request an endpoint is forgotten.
const silentFor = 48 * 60 * looksPerMinute

// forget leaves out what has been over for long, and who has been silent for long.
func (d *Detector) forget(now time.Time) {
	if d.look%(60*looksPerMinute) == 0 {
		for _, u := range d.upstreams {
			u.leave(func(e *endpoint) bool { return d.look-e.heard > silentFor })
		}
		maps.DeleteFunc(d.gauges, func(_ string, h *hours) bool { return now.Unix()-3600*h.Hour > silentFor*int64(lookEvery/time.Second) })
	}
	d.past = slices.DeleteFunc(d.past, func(f *Fault) bool { return now.Sub(f.Until) > keptFor })
	if n := len(d.past) - keptFaults; n > 0 {
		d.past = slices.Delete(d.past, 0, n)
	}
}

// Keep forgets all upstreams and endpoints but these: a reload has taken the others away. An upstream without any is found
// elsewhere: its endpoints stay until they have been silent for long.
func (d *Detector) Keep(names map[string][]string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.last = nil
	maps.DeleteFunc(d.gauges, func(_ string, h *hours) bool {
		endpoints, there := names[h.Place.Upstream]
		return h.Place.Upstream != "" && (!there || h.Place.Endpoint != "" && len(endpoints) > 0 && !slices.Contains(endpoints, h.Place.Endpoint))
	})
	maps.DeleteFunc(d.upstreams, func(name string, u *upstream) bool {
		endpoints, there := names[name]
		if !there {
			return true
		}
		if len(endpoints) > 0 {
			u.leave(func(e *endpoint) bool { return !slices.Contains(endpoints, e.name) })
		}
		return false
	})
}

// leave takes endpoints out.
func (u *upstream) leave(gone func(*endpoint) bool) {
	u.list = slices.DeleteFunc(u.list, func(e *endpoint) bool {
		is := gone(e)
		if is {
			delete(u.endpoints, e.name)
			u.tally.gone(e.name)
		}
		return is
	})
}

// Reset begins the measures of an upstream anew, or of one of its endpoints: its policy or capacity has changed.
func (d *Detector) Reset(upstreamName, endpointName string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	u := d.upstreams[upstreamName]
	if u == nil {
		return
	}
	for _, e := range u.list {
		if endpointName == "" || e.name == endpointName {
			e.reset()
		}
	}
	if endpointName == "" {
		u.Speed.accept()
		for _, m := range u.Models {
			m.Past.accept()
		}
	}
}

// Faults are those that go on, and those that are over, the newest first.
func (d *Detector) Faults() (list []Fault) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, u := range d.upstreams {
		for _, h := range u.faults {
			list = append(list, *h.fault)
		}
	}
	if d.gateway != nil {
		list = append(list, *d.gateway.fault)
	}
	for _, f := range d.past {
		list = append(list, *f)
	}
	slices.SortFunc(list, func(a, b Fault) int {
		if a.Over() != b.Over() {
			if a.Over() {
				return 1
			}
			return -1
		}
		return b.Found.Compare(a.Found)
	})
	// Several signs may hold the same fault up.
	return slices.CompactFunc(list, func(a, b Fault) bool { return a.ID == b.ID })
}

func (d *Detector) newID() string {
	d.ids++
	return fmt.Sprintf("%x-%d", d.looked.Unix(), d.ids)
}
