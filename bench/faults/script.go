// The faults of a timeline, and what is true of each.

package faults

import (
	"math/rand/v2"
	"time"

	"github.com/steelyard-proxy/steelyard/metrics/anomaly"
	"github.com/steelyard-proxy/steelyard/metrics/usage"
)

// incident is one fault, and its truth.
type incident struct {
	name       string
	begin, end time.Time
	cause      anomaly.Cause
	place      anomaly.Place // what must be named

	apply       func(f *incident, now time.Time, endpoint string, r *usage.Row, e *effects)
	user        string
	extra, size float64 // requests of the user, as a part of all others', and how large they are
}

func (f *incident) active(now time.Time) bool { return !now.Before(f.begin) && now.Before(f.end) }

// after is how long alarms may be late for them to be those of a fault: a judge by windows has them still full of it.
const after = 20 * time.Minute

// covers says whether an alarm at a time is of this fault.
func (f *incident) covers(at time.Time) bool {
	return !at.Before(f.begin) && at.Before(f.end.Add(after))
}

// kinds are the faults in the order of a timeline, and how long each lasts.
var kinds = []struct {
	name  string
	lasts time.Duration
	make  func(f *incident, endpoint, model string)
}{
	{"2x slow endpoint", 20 * time.Minute, func(f *incident, endpoint, _ string) {
		f.of(endpoint, func(_ time.Time, _ *usage.Row, e *effects) { e.factor *= 2 })
	}},
	{"2x slow model", 40 * time.Minute, func(f *incident, _, model string) {
		f.cause, f.place.Model = anomaly.OfModel, model
		f.apply = func(_ *incident, _ time.Time, _ string, r *usage.Row, e *effects) {
			if r.Model == model {
				e.factor *= 2
			}
		}
	}},
	{"5 % errors", 20 * time.Minute, func(f *incident, endpoint, _ string) {
		f.of(endpoint, func(_ time.Time, _ *usage.Row, e *effects) { e.failing += 0.05 })
	}},
	{"1 % truncation", time.Hour, func(f *incident, endpoint, _ string) {
		f.of(endpoint, func(_ time.Time, _ *usage.Row, e *effects) { e.cut += 0.01 })
	}},
	{"stalls", 20 * time.Minute, func(f *incident, endpoint, _ string) {
		f.of(endpoint, func(_ time.Time, _ *usage.Row, e *effects) { e.stall += 0.05 })
	}},
	{"capacity -20 % over an hour", 150 * time.Minute, func(f *incident, endpoint, _ string) {
		f.of(endpoint, func(now time.Time, _ *usage.Row, e *effects) {
			e.factor /= 1 - 0.2*min(now.Sub(f.begin).Hours(), 1)
		})
	}},
	{"all endpoints 1.8x slow", 30 * time.Minute, func(f *incident, _, _ string) {
		f.cause = anomaly.OfUpstream
		f.apply = func(_ *incident, _ time.Time, _ string, _ *usage.Row, e *effects) { e.factor *= 1.8 }
	}},
	{"one abusive user", 30 * time.Minute, func(f *incident, _, _ string) {
		f.cause, f.place.User = anomaly.OfUser, "crawler"
		f.user, f.extra, f.size = "crawler", 1.5, 2
		f.apply = func(_ *incident, _ time.Time, _ string, _ *usage.Row, e *effects) { e.factor *= 1.4 }
	}},
	{"10 % of connections fail", 20 * time.Minute, func(f *incident, endpoint, _ string) {
		f.of(endpoint, func(_ time.Time, _ *usage.Row, e *effects) { e.refused += 0.1 })
		f.cause, f.place.Phase = anomaly.OfNetwork, "connect"
	}},
}

// of makes it a fault of one endpoint.
func (f *incident) of(endpoint string, what func(now time.Time, r *usage.Row, e *effects)) {
	f.cause, f.place.Endpoint = anomaly.OfEndpoint, endpoint
	f.apply = func(_ *incident, now time.Time, at string, r *usage.Row, e *effects) {
		if at == endpoint {
			what(now, r, e)
		}
	}
}

// newScript puts all faults one after the other, with hours between, each at an endpoint or a model drawn by lot.
func newScript(f fleet, weeks int, seed uint64) (list []*incident) {
	chance := rand.New(rand.NewPCG(seed, 78))
	at := monday.Add(time.Duration(weeks) * 7 * 24 * time.Hour).Add(8 * time.Hour)
	for _, k := range kinds {
		at = at.Add(time.Duration(chance.Float64() * float64(time.Hour)))
		i := &incident{name: k.name, begin: at, end: at.Add(k.lasts), place: anomaly.Place{Upstream: upstream}}
		k.make(i, endpointName(chance.IntN(f.endpoints)), modelNames[1+chance.IntN(2)])
		list = append(list, i)
		at = i.end.Add(3 * time.Hour)
		if hour := at.Hour(); hour < 8 || hour > 19 { // on the next morning, when there is traffic
			day := at.Truncate(24 * time.Hour)
			if hour > 19 {
				day = day.Add(24 * time.Hour)
			}
			at = day.Add(8 * time.Hour)
		}
	}
	return list
}

// names says whether an alarm has the right cause and place.
func (f *incident) names(a alarm) bool {
	p := f.place
	return a.cause == f.cause && (p.Endpoint == "" || a.place.Endpoint == p.Endpoint) && (p.Model == "" || a.place.Model == p.Model) &&
		(p.User == "" || a.place.User == p.User)
}
