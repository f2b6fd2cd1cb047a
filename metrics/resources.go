// The metrics of what machines say of themselves.

package metrics

import "time"

// ResourceState is what a scrape shows of an endpoint whose machine is asked. A figure that is NaN is not known, and left out.
type ResourceState struct {
	Upstream, Endpoint string

	Age         time.Duration // of the oldest of what was said last
	Stale       bool          // it is too old to count
	Ratios      []ResourceRatio
	ReadOnly    bool
	OOMKills    float64
	Temperature float64 // in degrees Celsius
	Power       float64 // in watts
	GPUError    float64
}

// ResourceRatio is how much of one resource is in use.
type ResourceRatio struct {
	Resource string
	Value    float64
}

// ObserveResources makes source the origin of the metrics of machines. It is called once per scrape, from any goroutine,
// and should name each pair of upstream and endpoint once. A later call replaces it.
func (r *Registry) ObserveResources(source func() []ResourceState) { r.resourceSource.Store(&source) }

var (
	resourceRatio = family("endpoint_resource_ratio", "How much of a resource of the endpoint's machine is in use, 0 to 1; absent where that is not known, or too old.", "upstream", "endpoint", "resource")
	resourceAge   = family("endpoint_resource_age_seconds", "Age of what the exporters of the endpoint's machine said last; of several that of the oldest.", "upstream", "endpoint")
	resourceStale = family("endpoint_resource_stale", "Whether that of one of them is too old to count.", "upstream", "endpoint")
	oomKills      = family("endpoint_oom_kills_total", "Processes of the endpoint's machine that its kernel has killed for want of memory, since it was first asked.", "upstream", "endpoint")
	diskReadOnly  = family("endpoint_disk_read_only", "Whether a file system of the machine can no longer be written to that could before.", "upstream", "endpoint")
	gpuCelsius    = family("endpoint_gpu_temperature_celsius", "Temperature of the hottest of the endpoint's GPUs.", "upstream", "endpoint")
	gpuWatts      = family("endpoint_gpu_power_watts", "Power that the endpoint's GPUs draw together.", "upstream", "endpoint")
	gpuXID        = family("endpoint_gpu_xid_error", "The last XID error that the driver has told of one of the endpoint's GPUs; 0: none.", "upstream", "endpoint")
)

func (s *page) resources(g *ResourceState) {
	s.gauge(resourceAge, g.Age.Seconds(), g.Upstream, g.Endpoint)
	s.flag(resourceStale, g.Stale, g.Upstream, g.Endpoint)
	s.flag(diskReadOnly, g.ReadOnly, g.Upstream, g.Endpoint)
	for _, r := range g.Ratios {
		s.gauge(resourceRatio, r.Value, g.Upstream, g.Endpoint, r.Resource)
	}
	if g.OOMKills >= 0 {
		s.counter(oomKills, uint64(g.OOMKills), g.Upstream, g.Endpoint)
	}
	for _, f := range []struct {
		of    *aFamily
		value float64
	}{{gpuCelsius, g.Temperature}, {gpuWatts, g.Power}, {gpuXID, g.GPUError}} {
		if f.value >= 0 {
			s.gauge(f.of, f.value, g.Upstream, g.Endpoint)
		}
	}
}
