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
	models    map[string]*group
	tally     *tally
	trouble   [symptoms]*ratio
	speed     *past   // how long requests take for their work
	demand    *past   // how much work is asked for, as a logarithm
	sum, n    float64 // of all requests' times, since the last minute
	// allSum and allN are the same of all time; centre is the mean, around which times are cut.
	allSum, allN, centre float64
	work                 float64 // asked for since the last minute, without what clients ask again
	outage               outage
	faults               map[string]*held
	freeze               int // looks for which nothing becomes part of the calm past, as a fault is up or has just been
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
		name: name, options: o, endpoints: map[string]*endpoint{}, models: map[string]*group{}, tally: newTally(),
		speed: newPast(true, leastShift), demand: newPast(true, leastDemand), faults: map[string]*held{},
	}
	for s, band := range bands {
		if band.least > 0 {
			u.trouble[s] = newRatio(band, nil)
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
	m := u.models[name]
	if m == nil && name != "" && len(u.models) < mostModels {
		g := newGroup(name)
		m = &g
		u.models[name] = m
	}
	return m
}

// centreOf is the number of requests that the centre is the mean of, at most.
const centreOf = 100_000

// timed counts how long a request took for its work, beside what it should.
func (u *upstream) timed(look int, e *endpoint, model string, x float64) (longer float64) {
	measure := u.measure(e)
	u.centre += (min(max(x-measure-u.centre, -4*cut), 4*cut)) / min(u.allN+1, centreOf)
	longer = u.centre + min(max(x-measure-u.centre, -cut), cut)
	e.samples.add(look, x)
	e.sum, e.n = e.sum+longer+measure, e.n+1
	u.sum, u.n = u.sum+longer, u.n+1
	u.allSum, u.allN = u.allSum+longer, u.allN+1
	if m := u.model(model); m != nil {
		m.sum, m.n = m.sum+longer, m.n+1
	}
	return longer
}

// minute gives the slower judges their values.
func (u *upstream) minute(now time.Time, look int) {
	if !u.outage.raised { // who comes then comes again and again
		u.demand.add(now, math.Log1p(u.work), false)
	}
	u.work = 0
	u.differ(now, look)
	slow := u.slowNow()
	for _, m := range u.models {
		// All of one upstream's work may be of one model: then there is nothing to hold it against.
		if rest := u.allN - m.allN - m.n; m.n >= perMinute && rest >= perMinute {
			m.past.add(now, m.sum/m.n-(u.allSum-m.allSum-m.sum)/rest, slow)
			u.restart(m)
		}
	}
	if u.n >= perMinute {
		u.speed.add(now, u.sum/u.n, slow)
		u.sum, u.n = 0, 0
	}
}

// restart begins to add a model up anew.
func (u *upstream) restart(m *group) {
	m.sum, m.n, m.allSum, m.allN = 0, 0, u.allSum, u.allN
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
	all, known := u.level(nil, look)
	if !known {
		return
	}
	for _, e := range new {
		others, known := u.level(e, look)
		if !known {
			continue
		}
		e.past.add(now, e.value-others, e.slow || e.apart >= apartTimes)
		if !e.accused() {
			e.learn(e.value - all)
		}
	}
}

// level is the middle of what endpoints took in their last minute, each less its own measure, but for one: of those that
// are not accused, where there are any.
func (u *upstream) level(but *endpoint, look int) (mean float64, known bool) {
	var well, all []float64
	for _, e := range u.list {
		if e == but || e.value <= unknown || look-e.valued > fresh {
			continue
		}
		all = append(all, e.value-e.offset)
		if !e.accused() {
			well = append(well, e.value-e.offset)
		}
	}
	if len(well) == 0 {
		well = all
	}
	return stats.Median(well), len(well) > 0
}

// signs are what all judges say now. Where too many endpoints are accused it is the upstream.
func (u *upstream) signs(now time.Time) (list []sign) {
	accused := map[Symptom][]sign{}
	for _, e := range u.list {
		for _, s := range e.signs() {
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
	if u.speed.raised {
		list = append(list, pastSign(Slow, u.speed))
	}
	for name, m := range u.models {
		if m.past.raised {
			s := pastSign(Slow, m.past)
			s.model = name
			list = append(list, s)
		}
	}
	if u.outage.raised {
		list = append(list, u.outage.sign())
	}
	if u.demand.raised && !u.outage.raised {
		list = append(list, pastSign(Demand, u.demand))
	}
	for s, r := range u.trouble {
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

// signs are what judges say of one endpoint.
func (e *endpoint) signs() (list []sign) {
	switch {
	case e.slow:
		list = append(list, sign{symptom: Slow, endpoint: e.name, since: e.since, ratio: math.Exp(e.shift), evidence: map[string]any{
			"judge": "peers", "deviations": stats.Round(e.z), "ratio_to_peers": stats.Round(math.Exp(e.shift)), "window_seconds": e.window.Seconds(),
		}})
	case e.past.raised:
		s := pastSign(Slow, e.past)
		s.endpoint = e.name
		list = append(list, s)
	case e.apart >= apartTimes:
		list = append(list, sign{symptom: Apart, endpoint: e.name, ratio: 1, evidence: map[string]any{"judge": "cluster"}})
	}
	for s, r := range e.trouble {
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
	return sign{symptom: s, since: r.since, ratio: r.now(), evidence: map[string]any{
		"judge": "ratio", "part": stats.Round(r.now()), "usual_at_most": stats.Round(r.usual), "requests": r.seen,
	}}
}
