// What is looked for.

package anomaly

import (
	"cmp"
	"time"
)

const (
	// lookEvery is the time between two looks, and looksPerMinute how many of them make a minute of the slower judges.
	lookEvery      = 10 * time.Second
	looksPerMinute = 6
	// longestGap is for how long nobody may have looked; after that windows begin anew.
	longestGap = 5 * time.Minute

	defaultSlow = 1.5
	// leastShift is the ratio that a judge by the past must see, whatever the figures say of chance, and over is where a
	// fault ends.
	leastShift = 1.2
	over       = 1.2
	// leastDemand is how many times the usual work is too much, and leastOverhead that of our own time.
	leastDemand, leastOverhead = 2.0, 2.0
)

// Options say how faults are judged and who is told.
type Options struct {
	// Slow is how many times as long as its peers an endpoint may take; 1.5 when 0.
	Slow float64
	// Location is whose days and weeks the profiles have; nil: UTC.
	Location *time.Location
	// Tell is called when a fault begins or ends, without any lock; nil: nobody is told.
	Tell func(Fault)
	// TellTrend is called when a trend is seen first.
	TellTrend func(Trend)
}

func (o Options) withDefaults() Options {
	o.Slow = cmp.Or(o.Slow, defaultSlow)
	if o.Location == nil {
		o.Location = time.UTC
	}
	return o
}
