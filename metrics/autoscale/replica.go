// Replicas, and who runs them.

package autoscale

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// State is how far a replica is.
type State uint8

// The states of a replica.
const (
	Starting State = iota // it was ordered, and does not serve yet
	Running               // it runs; whether it serves well its probes say
	Stopping              // it ends
	Failed                // it could not be started, or has ended by itself; Problem says why
)

var stateNames = [...]string{"starting", "running", "stopping", "failed"}

// String is the state's name, as the API shows it.
func (s State) String() string {
	if int(s) >= len(stateNames) {
		return fmt.Sprintf("state %d", s)
	}
	return stateNames[s]
}

// ParseState reads a name.
func ParseState(name string) (State, bool) {
	i := slices.Index(stateNames[:], name)
	return State(max(i, 0)), i >= 0
}

// Replica is one server that an actuator runs.
type Replica struct {
	Name    string
	URL     string // scheme://host:port; "": only discovery knows it
	Since   time.Time
	State   State
	Problem string // "": none
}

// Count is what an actuator knows of its replicas.
type Count struct {
	Wanted   int       // how many it was asked for, by whoever asked last
	Running  int       // how many there are, those that start included
	Replicas []Replica // nil: it knows a number only
}

// Order asks for a number of replicas. The same ID may come again, and must do nothing more.
type Order struct {
	ID, Upstream string
	From, To     int
	Victims      []string // names of endpoints that are drained and may be stopped, in this order; of a scale-in only
	Reason       string
	Deadline     time.Time // when it is too late
}

// Check refuses an order that no actuator could carry out, where there may be so many replicas at most.
func (o *Order) Check(most int) error {
	switch {
	case o.To < 0 || o.To > most:
		return &Refused{Reason: fmt.Sprintf("asked for: %d, and there may be 0 to %d", o.To, most)}
	case !o.Deadline.IsZero() && time.Now().After(o.Deadline):
		return &Refused{Reason: "it is too late: the order's deadline has passed"}
	}
	return nil
}

// Left refuses an order of which so many replicas are left that were to go; nil of none.
func (o *Order) Left(rest int) error {
	if rest == 0 {
		return nil
	}
	return &Refused{Reason: fmt.Sprintf("asked for: %d, left: %d: only servers that have been drained are stopped", o.To, o.To+rest)}
}

// Actuator runs the replicas of one upstream. All methods may be called from any goroutine.
type Actuator interface {
	// Count is what there is, by its own account. It returns when ctx ends. The error is ErrUnknown where that is so for good.
	Count(ctx context.Context) (Count, error)
	// Scale begins to carry an order out; it is done when Count says so. It returns when ctx ends. A *Refused is an
	// order that it is of no use to repeat.
	Scale(ctx context.Context, o Order) error
	// Run is its upkeep until ctx ends, such as to start what has crashed again; changed is called when Count would say
	// something else. It may return at once.
	Run(ctx context.Context, changed func()) error
	// Close ends what must not outlive the gateway. It is called once, when nothing is asked for any more, and returns when ctx ends.
	Close(ctx context.Context) error
}

// ErrUnknown is Count's, where nobody can say how many there are: then what discovery finds counts.
var ErrUnknown = errors.New("nobody can say how many there are")

// Refused is an order that it is of no use to repeat.
type Refused struct{ Reason string }

func (r *Refused) Error() string { return r.Reason }
