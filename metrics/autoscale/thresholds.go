// Thresholds: figures of the servers themselves that ask for more of them.

package autoscale

import (
	"fmt"
	"math"
	"time"
)

// gates are the thresholds of a controller, and how each stands.
type gates []gate

type gate struct {
	Threshold
	value float64   // NaN: not known
	since time.Time // it is above; zero: it is not
	open  bool      // it asks for one more
}

func newGates(list []Threshold) (g gates) {
	for _, t := range list {
		if t.Clear <= 0 || t.Clear > t.Above {
			t.Clear = t.Above
		}
		g = append(g, gate{Threshold: t, value: math.NaN()})
	}
	return g
}

// step takes figures in. One that is not known changes nothing, so that it neither asks nor is over.
func (g gates) step(now time.Time, figures []Resource) {
	for i := range g {
		t := &g[i]
		t.value = math.NaN()
		for _, f := range figures {
			if f.Metric == t.Metric {
				t.value = f.Value
			}
		}
		switch {
		case !known(t.value):
		case t.value > t.Above:
			if t.since.IsZero() || now.Before(t.since) {
				t.since = now
			}
			t.open = t.open || now.Sub(t.since) >= t.For
		case t.value < t.Clear:
			t.since, t.open = time.Time{}, false
		case !t.open:
			t.since = time.Time{}
		}
	}
}

// over says which one asks for more; "": none.
func (g gates) over() string {
	for i := range g {
		if t := &g[i]; t.open && known(t.value) {
			return fmt.Sprintf("%s is at %.0f %%, which shall not be over %.0f %% for %s", t.Metric, 100*t.value, 100*t.Above, short(t.For))
		}
	}
	return ""
}

// busy says which one would not bear fewer servers; "": none.
func (g gates) busy(servers, fewer float64) string {
	for i := range g {
		if t := &g[i]; t.open || known(t.value) && fewer > 0 && t.value*servers/fewer > t.Above {
			return fmt.Sprintf("%s would be over %.0f %%", t.Metric, 100*t.Above)
		}
	}
	return ""
}

// unknown says which figure is missing; "": none.
func (g gates) unknown() string {
	for i := range g {
		if !known(g[i].value) {
			return g[i].Metric + " of the servers is not known"
		}
	}
	return ""
}
