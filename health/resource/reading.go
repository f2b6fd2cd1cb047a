// What one page said.

package resource

import (
	"math"
	"time"
)

// reading is what one page said. What it did not say is not in the maps, or NaN.
type reading struct {
	at     time.Time              // by our clock
	single [cacheUsed + 1]float64 // figures of which a machine has one; NaN: not said
	cpus   map[string]*cpuTimes
	mounts map[string]*mount
	disks  map[string]float64 // time each has worked
	gpus   map[string]*gpu    // by number and instance
	cache  mean
}

type cpuTimes struct{ idle, all float64 }

type mount struct {
	size, available float64 // NaN: not said
	readOnly        bool
}

// gpu is one GPU, or one instance of it.
type gpu struct {
	number                                string // by which an endpoint names it
	busy, used, free, all, degrees, power float64
	err                                   float64
}

type mean struct {
	sum float64
	n   int
}

// newReading takes a page in. Lines that are there twice count once, with the larger value.
func newReading(at time.Time, page []sample) *reading {
	r := &reading{at: at, cpus: map[string]*cpuTimes{}, mounts: map[string]*mount{}, disks: map[string]float64{}, gpus: map[string]*gpu{}}
	for i := range r.single {
		r.single[i] = math.NaN()
	}
	modes := map[[2]string]float64{}
	for i := range page {
		s := &page[i]
		switch s.what {
		case cpuTime:
			key := [2]string{s.labels["cpu"], s.labels["mode"]}
			modes[key] = max(s.value, modes[key])
		case mountSize, mountAvailable, mountReadOnly:
			r.takeMount(s)
		case diskTime:
			device := s.labels["device"]
			r.disks[device] = max(s.value, r.disks[device])
		case gpuBusyPercent, gpuBusyRatio, gpuUsed, gpuFree, gpuAll, gpuTemperature, gpuPower, gpuError:
			r.takeGPU(s)
		case cacheUsed:
			r.cache.sum += s.value
			r.cache.n++
		default:
			r.single[s.what] = larger(r.single[s.what], s.value)
		}
	}
	for key, v := range modes {
		c := r.cpus[key[0]]
		if c == nil {
			c = &cpuTimes{}
			r.cpus[key[0]] = c
		}
		if c.all += v; key[1] == "idle" || key[1] == "iowait" {
			c.idle += v
		}
	}
	return r
}

func larger(a, b float64) float64 {
	if math.IsNaN(a) {
		return b
	}
	return max(a, b)
}

func (r *reading) takeMount(s *sample) {
	if noDisk[s.labels["fstype"]] {
		return
	}
	at := s.labels["mountpoint"]
	m := r.mounts[at]
	if m == nil {
		m = &mount{size: math.NaN(), available: math.NaN()}
		r.mounts[at] = m
	}
	switch s.what {
	case mountSize:
		m.size = larger(m.size, s.value)
	case mountAvailable:
		m.available = larger(m.available, s.value)
	default:
		m.readOnly = m.readOnly || s.value != 0
	}
}

func (r *reading) takeGPU(s *sample) {
	number := s.labels["gpu"]
	if number == "" {
		number = s.labels["gpu_uuid"] // of Triton
	}
	key := number + "/" + s.labels["GPU_I_ID"]
	g := r.gpus[key]
	if g == nil {
		none := math.NaN()
		g = &gpu{number: number, busy: none, used: none, free: none, all: none, degrees: none, power: none, err: none}
		r.gpus[key] = g
	}
	switch s.what {
	case gpuBusyPercent:
		g.busy = larger(g.busy, s.value/100)
	case gpuBusyRatio:
		g.busy = larger(g.busy, s.value)
	case gpuUsed:
		g.used = larger(g.used, s.value)
	case gpuFree:
		g.free = larger(g.free, s.value)
	case gpuAll:
		g.all = larger(g.all, s.value)
	case gpuTemperature:
		g.degrees = larger(g.degrees, s.value)
	case gpuPower:
		g.power = larger(g.power, s.value)
	default:
		g.err = larger(g.err, s.value)
	}
}
