// Steelyard's own controller and forecast, driven as the gateway does.

package elastic

import (
	"cmp"
	"math"
	"time"

	"github.com/steelyard-proxy/steelyard/metrics/autoscale"
	"github.com/steelyard-proxy/steelyard/metrics/forecast"
	"github.com/steelyard-proxy/steelyard/metrics/usage"
)

// monday is when courses begin.
var monday = time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// controlled asks the real controller.
type controlled struct {
	controller *autoscale.Controller
	interval   float64
	foretold   *foretold // nil: there is no forecast
	arrived    float64   // when it was asked last
	looked     float64
}

func newControlled(s setup, utilization float64, f *foretold) *controlled {
	settings := autoscale.Settings{
		Min: s.min, Max: s.max, Capacity: s.capacity(), Slots: s.slots, TargetUtilization: utilization,
		TargetWait: seconds(s.wait), StartTime: seconds(s.start), Predict: autoscale.PredictOff,
		Interval: seconds(s.interval), ScaleInAfter: seconds(s.keep),
	}
	if f != nil {
		settings.Predict = autoscale.PredictFloor
	}
	return &controlled{controller: autoscale.New(settings), interval: cmp.Or(s.interval, 5), foretold: f}
}

func (c *controlled) every() float64 { return c.interval }

func (c *controlled) decide(f *fleet) int {
	s := autoscale.Sample{
		Ready: f.counts[serving], Starting: f.counts[starting], Draining: f.counts[draining],
		Capacity: f.capacity(), Lead: seconds(f.start), InFlight: f.running, Slots: f.counts[serving] * f.slots,
		WaitingRequests: f.held(), Waiting: float64(f.held()), // each is taken for a mean one
		Arriving: math.NaN(), Forecast: math.NaN(),
	}
	if f.held() > 0 {
		s.OldestWait = seconds(f.now - f.waiting[f.head].at)
	}
	if f.now > c.looked {
		s.Arriving = (f.arrived - c.arrived) / (f.now - c.looked)
	}
	c.arrived, c.looked = f.arrived, f.now
	if c.foretold != nil {
		s.Forecast = c.foretold.at(f.now)
	}
	return c.controller.Step(monday.Add(seconds(f.now)), s).Wanted
}

// foretold is what the forecast says of a course, as time goes on. Rules change when requests end by little, so that it is made
// once, as if nobody waited.
type foretold struct {
	work  []forecast.Range // by ticks of forecastTick
	known bool             // there is history enough for a floor
}

// forecastTick is how often the gateway steps its forecast, in seconds.
const forecastTick = 10.0

// foretell shows the real forecast the weeks before a course, and then each request when it ends.
func foretell(c *course) *foretold {
	t := forecast.New(forecast.Options{Step: seconds(stepSeconds)})
	begin := monday.Add(-seconds(float64(len(c.past)) * stepSeconds))
	for i, work := range c.past {
		t.Past(c.name, begin.Add(seconds(float64(i)*stepSeconds)), work, work)
	}
	t.Keep([]string{c.name})
	f := &foretold{}
	for _, u := range t.Outlooks() {
		f.known = u.Work.Known // no course without history lasts for a day
	}
	if !f.known {
		return f
	}
	from := c.requests()
	var open pending
	for tick := 0.0; tick < c.setup.span; tick += forecastTick {
		for next := min(from.next(), open.next()); next < tick; next = min(from.next(), open.next()) {
			if from.next() <= open.next() {
				q := from.take()
				open.push(q, q.at+q.service)
				continue
			}
			q, at := open.pop()
			from.ended(q, at)
			t.Add(&usage.Row{
				At: monday.Add(seconds(q.at)), Upstream: c.name, Endpoint: "one", Status: 200, Response: seconds(at - q.at), Work: q.service / c.setup.unit,
			})
		}
		t.Step(monday.Add(seconds(tick)))
		_, work := t.Ahead(c.name, forecast.Lead)
		f.work = append(f.work, work)
	}
	return f
}

// at is what is foretold at a time, in work per second, as the gateway takes it: the middle; NaN: nothing is.
func (f *foretold) at(now float64) float64 {
	if !f.known {
		return math.NaN()
	}
	return f.work[min(int(now/forecastTick), len(f.work)-1)].P50
}
