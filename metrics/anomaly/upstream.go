// One upstream as the judges see it.

package anomaly

import (
	"math"
	"slices"
	"time"

	"github.com/steelyard-proxy/steelyard/metrics/stats"
)

// mostModels is how many models are judged by their own past, those with most of the work.
const mostModels = 16

// upstream is one upstream.
type upstream struct {
	name      string
	options   *Options
	endpoints map[string]*endpoint
	list      []*endpoint // by name
	Models    map[string]*group
	tally     *tally
	Trouble   [symptoms]*ratio
	Speed     *past   // how long requests take for their work
	Demand    *past   // how much work is asked for, as a logarithm
	sum, n    float64 // of all requests' times, since the last minute
	// AllSum and AllN are the same of all time; Centre is the mean, around which times are cut.
	AllSum, AllN, Centre float64
	// Base is the centre as it was first known: what the peers' judge counts times from.
	Base              float64
	Shape             shape
	together          [longest]spread // by look: the requests of all endpoints that are not accused
	calmNow           spread          // the same of this look, beside the level of their peers
	Scatter, Scatters float64         // how much more looks differ than by chance, and how many say so
	work              float64         // asked for since the last minute, without what clients ask again
	outage            outage
	faults            map[string]*held
	freeze            int // looks for which nothing becomes part of the calm past, as a fault is up or has just been
}

// held is a fault that a sign holds up.
type held struct {
	fault *Fault
	began int // look
	sign  sign
	up    bool // at this look
	fixed bool // its place is not looked for any more
}

func newUpstream(name string, o *Options) *upstream {
	u := &upstream{
		Scatter: 1, Scatters: scatterKnown, name: name, options: o, endpoints: map[string]*endpoint{}, Models: map[string]*group{}, tally: newTally(),
		Speed: newPast(true, leastShift), Demand: newPast(true, leastDemand), faults: map[string]*held{},
	}
	for s, band := range bands {
		if band.least > 0 {
			u.Trouble[s] = newRatio(band, nil)
		}
	}
	return u
}

// endpoint is the one of a name, made where it is new.
func (u *upstream) endpoint(name string) *endpoint {
	e := u.endpoints[name]
	if e == nil {
		e = newEndpoint(name, u)
		u.endpoints[name] = e
		at, _ := slices.BinarySearchFunc(u.list, name, func(e *endpoint, name string) int {
			if e.name < name {
				return -1
			}
			return 1
		})
		u.list = slices.Insert(u.list, at, e)
	}
	return e
}

// model is the one of a name; nil where there are too many.
func (u *upstream) model(name string) *group {
	m := u.Models[name]
	if m == nil && name != "" && len(u.Models) < mostModels {
		g := newGroup(name)
		m = &g
		u.restart(m)
		u.Models[name] = m
	}
	return m
}

const (
	// centreOf is the number of requests that the centre is the mean of, at most, and centreKnown at least.
	centreOf, centreKnown = 100_000, 50
	// scatterKnown is for how many looks it counts that none scatter more than by chance.
	scatterKnown = 20
)

// timed counts how long a request took for its work, beside what it should.
func (u *upstream) timed(look int, e *endpoint, model string, x float64) (longer float64) {
	measure := u.measure(e)
	u.Centre += (min(max(x-measure-u.Centre, -4*cut), 4*cut)) / min(u.AllN+1, centreOf)
	longer = u.Centre + min(max(x-measure-u.Centre, -cut), cut)
	if u.AllN == centreKnown {
		u.Base = u.Centre
	}
	if u.AllN >= centreKnown {
		u.heard(e, look, x, longer)
	}
	e.sum, e.n = e.sum+longer+measure, e.n+1
	u.sum, u.n = u.sum+longer, u.n+1
	u.AllSum, u.AllN = u.AllSum+longer, u.AllN+1
	if m := u.model(model); m != nil {
		m.sum, m.n = m.sum+longer, m.n+1
	}
	return longer
}

// minute gives the slower judges their values.
func (u *upstream) minute(now time.Time, look int) {
	if !u.outage.raised { // who comes then comes again and again
		u.Demand.add(now, math.Log1p(u.work), false)
	}
	u.work = 0
	u.differ(now, look)
	slow := u.slowNow()
	for _, m := range u.Models {
		// All of one upstream's work may be of one model: then there is nothing to hold it against.
		if rest := u.AllN - m.allN - m.n; m.n >= perMinute && rest >= perMinute {
			m.Past.add(now, m.sum/m.n-(u.AllSum-m.allSum-m.sum)/rest, slow)
			u.restart(m)
		}
	}
	if u.n >= perMinute {
		u.Speed.add(now, u.sum/u.n, slow)
		u.sum, u.n = 0, 0
	}
}

// restart begins to add a model up anew.
func (u *upstream) restart(m *group) {
	m.sum, m.n, m.allSum, m.allN = 0, 0, u.AllSum, u.AllN
}

// slowNow says whether a fault of speed is up.
func (u *upstream) slowNow() bool {
	for _, h := range u.faults {
		if s := h.fault.Symptom; s == Slow || s == Apart || s == Stalls {
			return true
		}
	}
	return false
}

// fresh is for how many looks the mean of an endpoint's last minute counts.
const fresh = 15 * looksPerMinute

// differ is how much longer than the others each endpoint took in a minute, for its own measure and its past.
func (u *upstream) differ(now time.Time, look int) {
	var new []*endpoint
	for _, e := range u.list {
		if e.n >= perMinute {
			e.value, e.valued = e.sum/e.n, look
			e.sum, e.n = 0, 0
			new = append(new, e)
		}
	}
	took := u.took(look)
	all, known := took.middle()
	if !known {
		return
	}
	for _, e := range new {
		others, known := took.but(e)
		if !known {
			continue
		}
		e.Past.add(now, e.value-others, e.slow || e.apart >= apartTimes)
		if !e.accused() {
			e.learn(e.value - all)
		}
	}
}

// took is what endpoints took in their last minute, each less its own measure: of those that are not accused, and of all.
type took struct {
	well, all []float64             // sorted
	of        map[*endpoint]float64 // of all
	isWell    map[*endpoint]bool
}

func (u *upstream) took(look int) took {
	t := took{of: map[*endpoint]float64{}, isWell: map[*endpoint]bool{}}
	for _, e := range u.list {
		if e.value <= unknown || look-e.valued > fresh {
			continue
		}
		v := e.value - e.Offset
		t.of[e], t.all = v, append(t.all, v)
		if !e.accused() {
			t.isWell[e], t.well = true, append(t.well, v)
		}
	}
	slices.Sort(t.well)
	slices.Sort(t.all)
	return t
}

// middle is that of those that are not accused, or of all where all are.
func (t *took) middle() (v float64, known bool) {
	if len(t.well) > 0 {
		return middleBut(t.well, -1)
	}
	return middleBut(t.all, -1)
}

// but is the middle of the others.
func (t *took) but(e *endpoint) (v float64, known bool) {
	place := func(of []float64, is bool) int {
		if !is {
			return -1
		}
		at, _ := slices.BinarySearch(of, t.of[e])
		return at
	}
	if v, known := middleBut(t.well, place(t.well, t.isWell[e])); known {
		return v, true
	}
	_, there := t.of[e]
	return middleBut(t.all, place(t.all, there))
}

// middleBut is the middle of sorted values but one; a negative place leaves none out.
func middleBut(sorted []float64, but int) (v float64, known bool) {
	n := len(sorted)
	if but >= 0 {
		n--
	}
	if n == 0 {
		return 0, false
	}
	at := func(i int) float64 {
		if but >= 0 && i >= but {
			i++
		}
		return sorted[i]
	}
	return (at((n-1)/2) + at(n/2)) / 2, true
}

// signs are what all judges say now. Where too many endpoints are accused it is the upstream.
func (u *upstream) signs(now time.Time, look int) (list []sign) {
	accused := map[Symptom][]sign{}
	for _, e := range u.list {
		for _, s := range e.signs() {
			if s.part && u.faults[s.key()] == nil && !u.stands(e, &s, now, look) {
				continue
			}
			accused[s.symptom] = append(accused[s.symptom], s)
		}
	}
	for s, of := range accused {
		if len(u.list) > 1 && len(of) > max(len(u.list)/mostAccused, 1) {
			list = append(list, sign{symptom: s, since: of[0].since, ratio: of[0].ratio, evidence: map[string]any{"endpoints_odd": len(of), "endpoints": len(u.list)}})
			continue
		}
		list = append(list, of...)
	}
	if u.Speed.raised {
		list = append(list, pastSign(Slow, u.Speed))
	}
	for name, m := range u.Models {
		if m.Past.raised {
			s := pastSign(Slow, m.Past)
			s.model = name
			list = append(list, s)
		}
	}
	if u.outage.raised {
		list = append(list, u.outage.sign())
	}
	if u.Demand.raised && !u.outage.raised {
		list = append(list, pastSign(Demand, u.Demand))
	}
	for s, r := range u.Trouble {
		if r != nil && r.raised {
			list = append(list, ratioSign(Symptom(s), r))
		}
	}
	slices.SortFunc(list, func(a, b sign) int {
		// Those that accuse an endpoint come first: the wider ones may be the same fault.
		if (a.endpoint == "") != (b.endpoint == "") {
			if a.endpoint != "" {
				return -1
			}
			return 1
		}
		switch ka, kb := a.key(), b.key(); {
		case ka < kb:
			return -1
		case ka > kb:
			return 1
		}
		return 0
	})
	return list
}

// standsOut is how many times the part of the others an endpoint's must be for it to be accused.
const standsOut = 2

// stands says whether more of an endpoint's requests go wrong than of the others' in the same time: what happens to all
// is soon seen at one of them, and is the upstream's.
func (u *upstream) stands(e *endpoint, s *sign, now time.Time, look int) bool {
	v := u.tally.values[byEndpoint][e.name]
	if v == nil || len(u.list) < 2 {
		return true
	}
	looks := looksSince(s.since, now)
	own, all := v.since(look, looks), u.tally.total.since(look, looks)
	return part(own.bad[s.symptom], own.requests) >= standsOut*part(all.bad[s.symptom]-own.bad[s.symptom], all.requests-own.requests)
}

// looksSince is how many looks a time was ago, within what is remembered.
func looksSince(since, now time.Time) int {
	looks := int(math.Ceil(float64(now.Sub(since)) / float64(lookEvery)))
	return min(max(looks, leastLooks), longest)
}

// signs are what judges say of one endpoint.
func (e *endpoint) signs() (list []sign) {
	switch {
	case e.slow:
		list = append(list, sign{symptom: Slow, endpoint: e.name, since: e.since, ratio: math.Exp(e.shift), evidence: map[string]any{
			"judge": "peers", "log_likelihood": stats.Round(e.race.certain), "ratio_to_peers": stats.Round(math.Exp(e.shift)), "window_seconds": e.window.Seconds(),
		}})
	case e.Past.raised:
		s := pastSign(Slow, e.Past)
		s.endpoint = e.name
		list = append(list, s)
	case e.apart >= apartTimes:
		list = append(list, sign{symptom: Apart, endpoint: e.name, ratio: 1, evidence: map[string]any{"judge": "cluster"}})
	}
	for s, r := range e.Trouble {
		if r != nil && r.raised {
			s := ratioSign(Symptom(s), r)
			s.endpoint = e.name
			list = append(list, s)
		}
	}
	return list
}

func pastSign(s Symptom, p *past) sign {
	return sign{symptom: s, since: p.since, ratio: math.Exp(p.shift()), evidence: map[string]any{
		"judge": "past", "ratio_to_past": stats.Round(math.Exp(p.shift())), "minutes": p.risen, "cusum": stats.Round(p.high),
	}}
}

func ratioSign(s Symptom, r *ratio) sign {
	return sign{symptom: s, since: r.since, ratio: r.now(), part: true, evidence: map[string]any{
		"judge": "ratio", "part": stats.Round(r.now()), "usual_at_most": stats.Round(r.usual), "requests": r.seen,
	}}
}
