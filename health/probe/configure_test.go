package probe

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
)

// TestConfiguredFasterThanTheThreshold: however often the options change, whether to something
// else or not, a dead endpoint is Down after so many failures, at the pace of the slower ones.
func TestConfiguredFasterThanTheThreshold(t *testing.T) {
	for name, other := range map[string]func(*Options){
		"nothing":   func(*Options) {},
		"path":      func(o *Options) { o.Path = "/other" },
		"interval":  func(o *Options) { o.Interval = 130 * time.Millisecond },
		"a far one": func(o *Options) { o.Interval = time.Hour },
		"timeout":   func(o *Options) { o.Timeout = 20 * time.Millisecond },
	} {
		for _, every := range []time.Duration{time.Millisecond, 20 * time.Millisecond, 99 * time.Millisecond, 120 * time.Millisecond} {
			t.Run(name+" each "+every.String(), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					r := newRecorder()
					p := scripted(r, "gpu", always(Passed, "connected"))
					p.First(t.Context())
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					o := r.options("gpu")
					o.Interval, o.UnhealthyThreshold = 100*time.Millisecond, 3
					changed := o
					other(&changed)
					dead := always(FailedConnect, "connect: connection refused")
					p.reconfigure(o, dead)
					go func() { _ = p.Run(ctx) }()
					for range time.Second / every {
						<-time.After(every)
						o, changed = changed, o
						p.reconfigure(o, dead)
					}
					assert.Equal(t, Down, p.Report().State)
					assert.Equal(t, []string{"gpu up: connected", "gpu down: connect: connection refused"}, r.changes)
					cancel()
					synctest.Wait()
				})
			})
		}
	}
}

// TestThresholdsChange: the run of results so far counts by the new ones.
func TestThresholdsChange(t *testing.T) {
	r := newRecorder()
	dead := always(FailedConnect, "refused")
	p := scripted(r, "gpu", always(Passed, "connected"))
	p.First(t.Context())
	o := r.options("gpu")
	o.UnhealthyThreshold = 10
	p.reconfigure(o, dead)
	for range 4 {
		p.First(t.Context())
	}
	assert.Equal(t, Up, p.Report().State)
	o.UnhealthyThreshold, o.HealthyThreshold = 5, 3
	p.reconfigure(o, dead)
	p.First(t.Context())
	assert.Equal(t, Down, p.Report().State)
	p.reconfigure(o, always(Passed, "connected"))
	for _, want := range []State{Down, Down, Up} {
		p.First(t.Context())
		assert.Equal(t, want, p.Report().State)
	}
}

// TestIntervalChanges: a shorter one counts at once, a longer one from the next probe on.
func TestIntervalChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecorder()
		well := always(Passed, "")
		p := scripted(r, "gpu", well)
		o := r.options("gpu")
		o.Interval = 10 * time.Hour
		p.reconfigure(o, well)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go func() { _ = p.Run(ctx) }()
		<-time.After(2 * time.Hour) // the first place is the beginning
		synctest.Wait()
		assert.Len(t, r.probes["gpu"], 1)
		o.Interval = time.Minute
		p.reconfigure(o, well)
		<-time.After(time.Hour)
		synctest.Wait()
		assert.InDelta(t, 61, len(r.probes["gpu"]), 1)
		o.Interval = time.Hour
		p.reconfigure(o, well)
		<-time.After(10 * time.Hour)
		synctest.Wait()
		assert.InDelta(t, 61+11, len(r.probes["gpu"]), 2)
		cancel()
		synctest.Wait()
	})
}
