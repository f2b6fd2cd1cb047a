// What the judges have learned, for the next start.

package anomaly

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"time"
)

// state is all that takes hours or weeks to learn. Faults and windows are not: what goes on is found again in a minute.
type state struct {
	At        time.Time
	Overhead  *past
	Gauges    map[string]*hours
	Upstreams map[string]upstreamState
}

type upstreamState struct {
	Measures  json.RawMessage            // an upstream
	Endpoints map[string]json.RawMessage // an endpoint each
}

// State is what was learned, to be given to Restore. Others may go on meanwhile, but for the time that one upstream takes.
func (d *Detector) State() ([]byte, error) {
	d.mu.Lock()
	s := state{At: d.looked, Upstreams: map[string]upstreamState{}}
	names := slices.Collect(maps.Keys(d.upstreams))
	overhead, err := json.Marshal(d.overhead)
	gauges, err2 := json.Marshal(d.gauges)
	d.mu.Unlock()
	if err = errors.Join(err, err2); err != nil {
		return nil, err
	}
	for _, name := range names {
		if s.Upstreams[name], err = d.stateOf(name); err != nil {
			return nil, err
		}
	}
	return json.Marshal(struct {
		state
		Overhead, Gauges json.RawMessage
	}{s, overhead, gauges})
}

func (d *Detector) stateOf(name string) (s upstreamState, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	u := d.upstreams[name]
	if u == nil {
		u = newUpstream(name, &d.options)
	}
	s.Endpoints = map[string]json.RawMessage{}
	if s.Measures, err = json.Marshal(u); err != nil {
		return s, err
	}
	for _, e := range u.list {
		if s.Endpoints[e.name], err = json.Marshal(e); err != nil {
			return s, err
		}
	}
	return s, nil
}

// Restore begins with what State said before a restart: all of it, or nothing where there is an error. What was learned
// longer ago than trends reach, or later than now, says nothing.
func (d *Detector) Restore(text []byte, now time.Time) error {
	s := state{Overhead: newPast(true, leastOverhead)}
	if err := json.Unmarshal(text, &s); err != nil {
		return err
	}
	if age := now.Sub(s.At); age > trendHours*time.Hour || age < -time.Hour {
		return nil
	}
	if s.Overhead == nil || !s.Overhead.sound() || len(s.Gauges) > mostGauges || len(s.Upstreams) > mostUpstreams || !sound(s.Gauges) {
		return errors.New("its figures cannot be")
	}
	upstreams := map[string]*upstream{}
	for name, of := range s.Upstreams {
		u := newUpstream(name, &d.options)
		if err := u.restore(of); err != nil {
			return fmt.Errorf("upstream %q: %w", name, err)
		}
		upstreams[name] = u
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.upstreams, d.last, d.overhead, d.gauges = upstreams, nil, s.Overhead, s.Gauges
	if d.gauges == nil {
		d.gauges = map[string]*hours{}
	}
	return nil
}

func (u *upstream) restore(of upstreamState) error {
	if err := json.Unmarshal(of.Measures, u); err != nil {
		return err
	}
	ok := reasonable(u.AllSum, u.Centre, u.Base) && counted(u.AllN, u.Scatter, u.Scatters, u.Shape.All) && counted(u.Shape.Counts[:]...)
	ok = ok && u.Speed != nil && u.Speed.sound() && u.Demand != nil && u.Demand.sound() && settled(&u.Trouble) && len(u.Models) <= mostModels && u.Models != nil
	for name, m := range u.Models {
		if ok = ok && m != nil && m.Past != nil && m.Past.sound(); ok {
			fresh := newGroup(name)
			m.name, m.Past.limit, m.Past.hour = name, fresh.Past.limit, fresh.Past.hour
			u.restart(m)
		}
	}
	for name, text := range of.Endpoints {
		e := u.endpoint(name)
		if err := json.Unmarshal(text, e); err != nil {
			return fmt.Errorf("endpoint %q: %w", name, err)
		}
		ok = ok && reasonable(e.Promise, e.Offset) && counted(e.Minutes) && e.Past != nil && e.Past.sound() && settled(&e.Trouble) && e.Trends != nil && sound(e.Trends)
	}
	if !ok {
		return errors.New("its figures cannot be")
	}
	u.Shape.settle(u.slower())
	return nil
}

// sound says whether a past can be one.
func (p *past) sound() bool {
	return len(p.Last) <= 24 && p.Minutes >= 0 && counted(p.Variance, p.Weight) && reasonable(p.Product, p.Before, p.Drift) &&
		reasonable(p.Last...) && reasonable(p.Week[:]...) && reasonable(p.Day[:]...)
}

// reasonable says whether figures may be what was measured: sums of larger ones would have no end, and could not be saved again.
func reasonable(figures ...float64) bool {
	return !slices.ContainsFunc(figures, func(v float64) bool { return !(math.Abs(v) <= 1e30) })
}

// counted says whether they may be what was counted.
func counted(figures ...float64) bool {
	return reasonable(figures...) && !slices.ContainsFunc(figures, func(v float64) bool { return v < 0 })
}

func sound(trends map[string]*hours) bool {
	for _, h := range trends {
		if h == nil || len(h.Means) > trendHours {
			return false
		}
	}
	return true
}

// settled takes the usual parts from what was read. It reports whether all are there that must be.
func settled(trouble *[symptoms]*ratio) bool {
	for s, r := range trouble {
		switch {
		case (r != nil) != (bands[s].least > 0):
			return false
		case r != nil && !(counted(r.Bad, r.All) && r.Bad <= r.All):
			return false
		case r != nil:
			r.settle()
		}
	}
	return true
}

// means are figures of hours; NaN, which JSON has not, is null there.
type means []float64

// MarshalJSON implements json.Marshaler. Six digits are enough.
func (m means) MarshalJSON() ([]byte, error) {
	text := []byte{'['}
	for i, v := range m {
		if i > 0 {
			text = append(text, ',')
		}
		if math.IsNaN(v) || math.IsInf(v, 0) {
			text = append(text, "null"...)
		} else {
			text = strconv.AppendFloat(text, v, 'g', 6, 64)
		}
	}
	return append(text, ']'), nil
}

// UnmarshalJSON implements json.Unmarshaler.
func (m *means) UnmarshalJSON(text []byte) error {
	var list []*float64
	if err := json.Unmarshal(text, &list); err != nil {
		return err
	}
	*m = make(means, len(list))
	for i, v := range list {
		(*m)[i] = math.NaN()
		if v != nil {
			(*m)[i] = *v
		}
	}
	return nil
}
