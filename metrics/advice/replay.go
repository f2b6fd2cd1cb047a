// Serving recorded requests once more, and what a change gains by it.

package advice

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// Replay finds out what engines there must have been for the requests to take as long as they did, and returns a way to
// serve them once more. The log is by arrival. An error says why that cannot be, in words for people. It is called from one goroutine.
type Replay func(log []Request, present Upstream) (Serve, error)

// Serve serves the recorded requests under another configuration. They come speed times as fast as they did. It returns the
// response time of each; Unserved for one that was refused.
type Serve func(u Upstream, speed float64) ([]time.Duration, error)

// Unserved stands for the response time of a request that was refused.
const Unserved = time.Duration(-1)

const (
	// leastReplay is how many requests a replay takes at least.
	leastReplay = 1000
	// warmUp is the part of the requests at the start that do not count: the replay begins with nothing in flight.
	warmUp = 0.05
	// MostOff is by how much the R of a replay may differ from the one that was measured, for the replay to be believed.
	MostOff = 0.25
	// mostUnservedOff is the same of the part that was refused.
	mostUnservedOff = 0.05
	// parts are compared one by one, for the interval.
	parts = 10
	// lasts is for how long the result of a replay holds.
	lasts = 6 * time.Hour
)

// fit is a replay of what is configured, held against what was measured.
type fit struct {
	problem             string // why no replay can be believed; "": it can
	serve               Serve
	measured, simulated outcome
	present             []time.Duration // of the replay
}

// outcome is how requests fared as a whole.
type outcome struct {
	mean     float64 // R in seconds, of those that were served
	unserved float64 // the part that was not
	n        int
}

func outcomeOf(responses []time.Duration) (o outcome) {
	served := 0
	for _, r := range responses {
		if o.n++; r == Unserved {
			continue
		}
		served++
		o.mean += r.Seconds()
	}
	if served > 0 {
		o.mean /= float64(served)
	}
	if o.n > 0 {
		o.unserved = 1 - float64(served)/float64(o.n)
	}
	return o
}

// warm leaves out the beginning.
func warm(responses []time.Duration) []time.Duration {
	return responses[int(warmUp*float64(len(responses))):]
}

// fit calibrates the replay, once for each look.
func (v *view) fit() *fit {
	if v.fitted == nil {
		v.fitted = v.calibrate()
	}
	return v.fitted
}

func (v *view) calibrate() *fit {
	f := &fit{}
	switch {
	case v.replay == nil:
		f.problem = "nothing is replayed here"
		return f
	case len(v.log) < leastReplay:
		f.problem = fmt.Sprintf("a replay takes %d recorded requests, and there are %d", leastReplay, len(v.log))
		return f
	}
	slices.SortStableFunc(v.log, func(a, b Request) int { return a.At.Compare(b.At) })
	serve, err := v.replay(v.log, v.setup)
	if err == nil {
		f.serve = serve
		f.present, err = serve(v.setup, 1)
	}
	if err != nil {
		f.problem = "the requests cannot be replayed: " + err.Error()
		return f
	}
	was := make([]time.Duration, len(v.log))
	for i := range v.log {
		was[i] = v.log[i].Response()
		if v.log[i].Endpoint == "" {
			was[i] = Unserved
		}
	}
	f.measured, f.simulated = outcomeOf(warm(was)), outcomeOf(warm(f.present))
	ratio := f.simulated.mean / f.measured.mean
	if !(ratio >= 1-MostOff && ratio <= 1/(1-MostOff)) || math.Abs(f.simulated.unserved-f.measured.unserved) > mostUnservedOff {
		f.problem = fmt.Sprintf("the simulation does not fit: R was %s with %s refused, and is simulated as %s with %s, which is more than %s off",
			brief(f.measured.mean), percent(f.measured.unserved), brief(f.simulated.mean), percent(f.simulated.unserved), percent(MostOff))
	}
	return f
}

// verdict is what a change has come to in a replay.
type verdict struct {
	at       time.Time
	problem  string // why nothing is known; "": it is
	effect   Effect
	unserved [2]float64 // the part that was refused, without and with the change
	n        int
}

// try replays a change, unless that was done lately. speed is how many times as fast requests come, both without the change
// and with it.
func (v *view) try(a *Advice, speed float64, changed Upstream) verdict {
	a.Upstream = v.setup.Name
	a.identify()
	if known, ok := v.replayed[a.ID]; ok && v.now.Sub(known.at) < lasts {
		return known
	}
	done := v.compare(speed, changed)
	done.at = v.now
	v.replayed[a.ID] = done
	return done
}

func (v *view) compare(speed float64, changed Upstream) (done verdict) {
	f := v.fit()
	if f.problem != "" {
		done.problem = f.problem
		return done
	}
	before := f.present
	var err error
	if speed != 1 {
		if before, err = f.serve(v.setup, speed); err != nil {
			done.problem = "the requests cannot be replayed: " + err.Error()
			return done
		}
	}
	after, err := f.serve(changed, speed)
	if err != nil {
		done.problem = "the change cannot be replayed: " + err.Error()
		return done
	}
	before, after = warm(before), warm(after)
	was, is := outcomeOf(before), outcomeOf(after)
	if was.mean <= 0 || is.mean <= 0 {
		done.problem = "none of the requests is served in the replay"
		return done
	}
	done.n = is.n
	done.unserved = [2]float64{was.unserved, is.unserved}
	done.effect = Effect{Ratio: is.mean / was.mean, By: ByReplay, Measured: f.measured.mean, Before: was.mean, After: is.mean}
	var ratios []float64
	blocks(len(before), parts, func(from, to int) {
		if a, b := outcomeOf(after[from:to]).mean, outcomeOf(before[from:to]).mean; a > 0 && b > 0 {
			ratios = append(ratios, math.Log(a/b))
		}
	})
	if s := spreadOf(ratios); s.n > 1 {
		done.effect.Interval = &[2]float64{math.Exp(s.mean - s.error), math.Exp(s.mean + s.error)}
	}
	return done
}

// gains says whether R is clearly shorter with the change, and no more are refused.
func (d *verdict) gains() bool {
	const enough = 0.98
	return d.effect.Ratio < enough && d.effect.Interval != nil && d.effect.Interval[1] < 1 && d.unserved[1] <= d.unserved[0]+0.005
}

// harms says whether R is longer by more than a part of it, or more are refused.
func (d *verdict) harms(most float64) bool {
	return d.effect.Ratio > 1+most || d.unserved[1] > d.unserved[0]+0.005
}

// settle finishes an advice whose change was replayed: it is given if the change does what it is for.
func (v *view) settle(a Advice, d verdict, good bool) Advice {
	switch {
	case d.problem != "":
		a.Status, a.Changes = NotEnoughData, nil
		a.Text += "; but what a change would do is not known: " + d.problem
		return a
	case !good:
		a.Status, a.Changes = NoChange, nil
		a.Text += fmt.Sprintf("; but in a replay of %d requests the change gains nothing: R %s without it, %s with it", d.n, brief(d.effect.Before), brief(d.effect.After))
		return a
	}
	a.Status = Advised
	effect := d.effect
	a.Effect = &effect
	return a
}
