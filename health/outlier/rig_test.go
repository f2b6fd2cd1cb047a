package outlier

import (
	"context"
	"maps"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// usual are the options that most tests begin with.
func usual() Options {
	return Options{
		Enforced: [detectors]bool{Consecutive: true, Ratio: true, Slow: true, Stall: true}, Consecutive: 3, SlowRatio: 3, Stall: 10 * time.Second, FailureRatio: 0.5, Window: time.Minute, MinRequests: 10,
		EjectTime: 10 * time.Second, MaxEjectTime: 5 * time.Minute,
	}
}

// rig is a group whose endpoints are eligible while they are not ejected.
type rig struct {
	*Group
	endpoints map[string]*Endpoint
	mu        sync.Mutex // guards readings and told: the judge reads and tells on its own goroutine
	readings  map[string]Reading
	obeys     func(name string) bool // whether an ejection keeps requests away
	told      []told
}

type told struct {
	name string
	Decision
}

type recorder struct {
	r    *rig
	name string
}

func (s recorder) Judged(d Decision) {
	s.r.mu.Lock()
	s.r.told = append(s.r.told, told{s.name, d})
	s.r.mu.Unlock()
	s.r.edit(s.name, func(reading *Reading) {
		switch d.Action {
		case Eject:
			reading.Eligible = !s.r.obeys(s.name)
		case Restore:
			reading.Eligible = true
		}
	})
}

func newRig(o Options, names ...string) *rig {
	r := &rig{endpoints: map[string]*Endpoint{}, readings: map[string]Reading{}, obeys: func(string) bool { return true }}
	r.Group = New(func() map[string]Reading {
		r.mu.Lock()
		defer r.mu.Unlock()
		return maps.Clone(r.readings)
	})
	var list []*Endpoint
	for _, name := range names {
		e := NewEndpoint(name, recorder{r, name})
		r.endpoints[name], r.readings[name] = e, Reading{Eligible: true, Capacity: 100}
		list = append(list, e)
	}
	r.Configure(o, list)
	return r
}

// joins adds an endpoint.
func (r *rig) joins(name string) {
	e := NewEndpoint(name, recorder{r, name})
	r.endpoints[name] = e
	r.edit(name, func(reading *Reading) { *reading = Reading{Eligible: true, Capacity: 100} })
	r.Configure(r.options, append(r.members, e))
}

// edit changes what is read of an endpoint.
func (r *rig) edit(name string, change func(*Reading)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	reading := r.readings[name]
	change(&reading)
	r.readings[name] = reading
}

// configure gives all endpoints other options.
func (r *rig) configure(o Options) { r.Configure(o, r.members) }

// runs lets f run while the group judges, in virtual time.
func (r *rig) runs(t *testing.T, f func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	f()
	synctest.Wait()
	cancel()
	<-done
}

// ends lets so many attempts at an endpoint end.
func (r *rig) ends(name string, n int, ending Ending) {
	for range n {
		r.endpoints[name].Ended(Attempt{Ending: ending, Held: time.Millisecond, Took: time.Millisecond, FirstByte: time.Millisecond})
	}
	synctest.Wait()
}

// takes the decisions told since the last call.
func (r *rig) takes() []told {
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	all := r.told
	r.told = nil
	return all
}

// actions are the decisions in short.
func actions(all []told) (short []string) {
	names := map[Action]string{Eject: "eject", WouldEject: "would eject", Restore: "restore", Passed: "passed", Warn: "warn"}
	for _, d := range all {
		short = append(short, names[d.Action]+" "+d.name+" "+d.Detector.String())
	}
	return short
}
