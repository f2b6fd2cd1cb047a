// What a controller says.

package autoscale

import "time"

// Direction is where a decision goes.
type Direction uint8

// The directions.
const (
	Stay Direction = iota
	Out
	In
)

var directionNames = [...]string{"stay", "out", "in"}

// String is the direction's name, as the API and the metrics show it.
func (d Direction) String() string { return directionNames[min(int(d), len(directionNames)-1)] }

// Decision is how many replicas there shall be.
type Decision struct {
	At     time.Time
	Wanted int // from Settings.Min to Settings.Max
	Now    int // those that there are, those that start included and those that drain not
	Coming int // those of Now that start
	// Direction is that of Wanted from Now.
	Direction Direction
	// Need is what is needed in servers' worth of work, not rounded and not bounded; NaN: not known.
	Need   float64
	Reason string // in words
	// Held says that less or more would have been wanted, and that Reason says what spoke against it.
	Held  bool
	Panic bool // so much came at once that a short look counts, and nothing goes for a minute
	// Inputs are the figures behind it by name, those that are known.
	Inputs map[string]float64
}
