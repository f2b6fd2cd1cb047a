// The metrics of scaling: how many servers are wanted, and how many there are.

package metrics

import "math"

var (
	scaleWanted   = family("autoscale_wanted_endpoints", "Servers that the upstream is to have, between scale.min and scale.max.", "upstream")
	scaleNow      = family("autoscale_current_endpoints", "Servers that the upstream has, those that start included and those that are drained to be stopped not.", "upstream")
	scaleComing   = family("autoscale_coming_endpoints", "Those of them that start.", "upstream")
	scaleDraining = family("autoscale_draining_endpoints", "Servers that get no new requests and are stopped when they have none left.", "upstream")
	scaleNeed     = family("autoscale_needed_servers", "How many servers' worth of work there is, for those who scale by other means: not rounded, with no bounds, and absent while it is not known.", "upstream")
	scaleArriving = family("autoscale_arriving_servers", "How many servers' worth of work arrives; absent while it is not known.", "upstream")
	scaleWaiting  = family("autoscale_waiting_work_seconds", "How long one server would work on what waits; absent while it is not known.", "upstream")
	scaleMade     = family("autoscale_decisions_total", "Decisions that changed how many servers are wanted, by their direction: out or in.", "upstream", "direction")
	scaleActing   = family("autoscale_acting", "Whether this gateway starts and stops the upstream's servers: 0 where nobody here does, in a dry run, while it is paused, and where another gateway does.", "upstream")
)

// ScaleState is what a scrape shows of how one upstream is scaled.
type ScaleState struct {
	Upstream                       string
	Wanted, Now, Coming, Draining  int
	Need, Arriving, WaitingSeconds float64 // NaN: not known
	Out, In                        uint64  // decisions
	Acting                         bool
}

// ObserveScales makes source the origin of steelyard_autoscale_…. It is called once per scrape, from any goroutine, and
// should name each upstream once. A later call replaces it.
func (r *Registry) ObserveScales(source func() []ScaleState) { r.scaleSource.Store(&source) }

func (r *Registry) collectScales(s *page) {
	source := r.scaleSource.Load()
	if source == nil {
		return
	}
	for _, u := range (*source)() {
		s.gauge(scaleWanted, float64(u.Wanted), u.Upstream)
		s.gauge(scaleNow, float64(u.Now), u.Upstream)
		s.gauge(scaleComing, float64(u.Coming), u.Upstream)
		s.gauge(scaleDraining, float64(u.Draining), u.Upstream)
		for _, f := range []struct {
			f *aFamily
			v float64
		}{{scaleNeed, u.Need}, {scaleArriving, u.Arriving}, {scaleWaiting, u.WaitingSeconds}} {
			if !math.IsNaN(f.v) {
				s.gauge(f.f, f.v, u.Upstream)
			}
		}
		s.counter(scaleMade, u.Out, u.Upstream, "out")
		s.counter(scaleMade, u.In, u.Upstream, "in")
		acting := 0.0
		if u.Acting {
			acting = 1
		}
		s.gauge(scaleActing, acting, u.Upstream)
	}
}
