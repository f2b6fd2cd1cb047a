// Figures that are watched for trends.

package anomaly

import (
	"maps"
	"math"
	"slices"
	"time"
)

// mostGauges bounds the memory: 14 days of hours take 3 KB.
const mostGauges = 4096

// Observe takes the present values of figures. Call it a few times an hour at least.
func (d *Detector) Observe(now time.Time, gauges []Gauge) {
	d.mu.Lock()
	now = now.In(d.options.Location)
	var news []Trend
	for _, g := range gauges {
		key := g.Upstream + "\x00" + g.Endpoint + "\x00" + g.Quantity
		h := d.gauges[key]
		if h == nil {
			if len(d.gauges) >= mostGauges {
				continue
			}
			h = &hours{Quantity: g.Quantity}
			d.gauges[key] = h
		}
		h.Factor, h.Place = g.Factor, Place{Upstream: g.Upstream, Endpoint: g.Endpoint}
		if g.Portion == 0 {
			h.Limit = g.Limit
		} else if h.Limit == 0 {
			h.Limit = g.Portion * g.Value
		}
		if h.add(now, g.Value) && h.judge(now, h.Place) {
			news = append(news, *h.trend)
		}
	}
	d.mu.Unlock()
	for _, t := range news {
		if d.options.TellTrend != nil {
			d.options.TellTrend(t)
		}
	}
}

// trends takes the values that the detector has itself, once a minute, and returns those that are new.
func (d *Detector) trends(now time.Time) (news []Trend) {
	if d.look%looksPerMinute != 0 {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(d.upstreams)) {
		u := d.upstreams[name]
		took := u.took(d.look)
		for _, e := range u.list {
			others, known := took.but(e)
			if !known || !e.known() || d.look-e.valued > fresh {
				continue
			}
			h := e.Trends[serviceTrend]
			if h == nil {
				h = &hours{Quantity: serviceTrend, Factor: true, Place: Place{Upstream: u.name, Endpoint: e.name}}
				e.Trends[serviceTrend] = h
			}
			// What it is beside the others has no season. The limit counts from where it began.
			ratio := math.Exp(e.value - others)
			if len(h.Means) == 0 {
				h.Limit = ratio * d.options.Slow
			}
			if h.add(now, ratio) && h.judge(now, h.Place) {
				news = append(news, *h.trend)
			}
		}
	}
	return news
}

// serviceTrend is the quantity of the time that requests take.
const serviceTrend = "the time for its work, beside the others',"

// Trends are those that are seen now, the soonest first.
func (d *Detector) Trends() (list []Trend) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, u := range d.upstreams {
		for _, e := range u.list {
			for _, h := range e.Trends {
				if h.trend != nil {
					list = append(list, *h.trend)
				}
			}
		}
	}
	for _, h := range d.gauges {
		if h.trend != nil {
			list = append(list, *h.trend)
		}
	}
	slices.SortFunc(list, func(a, b Trend) int { return a.Earliest.Compare(b.Earliest) })
	return list
}
