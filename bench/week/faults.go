// The search for causes, and the forecast that recommendations go by.

package week

import (
	"fmt"
	"time"

	"github.com/steelyard-proxy/steelyard/metrics/advice"
	"github.com/steelyard-proxy/steelyard/metrics/anomaly"
	"github.com/steelyard-proxy/steelyard/metrics/forecast"
)

// seekCauses shows the week to the search for faults.
func (w *watch) seekCauses() {
	d := anomaly.New(anomaly.Options{Tell: w.found})
	w.others = append(w.others, other{d.Add, d.Step})
}

func (w *watch) found(f anomaly.Fault) {
	of := ""
	switch f.Cause {
	case anomaly.OfEndpoint:
		of = f.Place.Endpoint
	case anomaly.OfUser:
		of = f.Place.User
	case anomaly.OfModel:
		of = f.Place.Model
	}
	h := Happening{At: w.now, What: Cause, Name: f.Symptom.String() + " by " + string(f.Cause), Of: of, Text: f.Text}
	if f.Over() {
		h.What, h.Text = CauseOver, fmt.Sprintf("%s %s", h.Name, of)
	}
	w.told(h)
}

// foresee shows it to the forecast, and the forecast to the advisor.
func (w *watch) foresee() {
	t := forecast.New(forecast.Options{})
	w.others = append(w.others, other{t.Add, func(now time.Time) {
		t.Step(now)
		if now.Sub(Monday)%adviseEvery != 0 {
			return
		}
		for _, u := range t.Outlooks() {
			w.advisor.Foresee(u.Upstream, Foreseen(u.Work))
		}
	}})
}

// Foreseen is an outlook as the advisor takes it.
func Foreseen(o forecast.Outlook) advice.Forecast {
	f := advice.Forecast{Enough: o.Known}
	for _, p := range o.Points {
		f.Points = append(f.Points, advice.Point{At: p.At, P50: p.P50, P95: p.P95})
	}
	return f
}
