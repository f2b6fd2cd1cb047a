// From two readings of one machine to its figures.

package resource

import "math"

// Figures are what is known of a node. A figure that is not known is NaN.
type Figures struct {
	Ratios      [Resources]float64
	FullestDisk string  // the mount point of Disk; "": not known
	ReadOnly    string  // a mount point that could be written to before; "": none
	OOMKills    float64 // processes that the kernel has killed for want of memory since it was first asked
	Temperature float64 // of the hottest GPU, in degrees Celsius
	Power       float64 // of all GPUs, in watts
	GPUError    float64 // the last XID error of one of the GPUs; 0: none
}

// Of says which part of a machine an endpoint has. The zero Of is all of it.
type Of struct {
	GPUs   []string // as the exporter numbers them; none: all
	Mounts []string // mount points; none: all
}

func unknown() (f Figures) {
	for i := range f.Ratios {
		f.Ratios[i] = math.NaN()
	}
	f.OOMKills, f.Temperature, f.Power, f.GPUError = math.NaN(), math.NaN(), math.NaN(), math.NaN()
	return f
}

// figures are those of an endpoint by the last reading and the one before; before is nil where there is none.
func (now *reading) figures(before *reading, of *Of) Figures {
	f := unknown()
	now.memory(&f)
	now.fullest(&f, of)
	now.ofGPUs(&f, of)
	if now.cache.n > 0 {
		f.Ratios[Cache] = ratio(now.cache.sum, float64(now.cache.n))
	}
	f.Ratios[CPU] = ratio(now.single[cpuRatio], 1)
	if before == nil {
		return f
	}
	passed := now.since(before)
	if !(passed > 0) {
		return f
	}
	if used := now.cpu(before, passed); !math.IsNaN(used) {
		f.Ratios[CPU] = used
	}
	for resource, counter := range map[Resource]what{CPUWait: cpuWaits, MemoryWait: memWaits, DiskWait: ioWaits} {
		f.Ratios[resource] = ratio(increase(now.single[counter], before.single[counter]), passed)
	}
	for device, v := range now.disks {
		if was, is := before.disks[device]; is {
			f.Ratios[DiskBusy] = orLarger(f.Ratios[DiskBusy], ratio(increase(v, was), passed))
		}
	}
	return f
}

// since is how many seconds have passed on the machine: by its own clock, unless that or ours was set.
func (now *reading) since(before *reading) float64 {
	ours := now.at.Sub(before.at).Seconds() // by a clock that nobody sets
	theirs := now.single[clock] - before.single[clock]
	if math.Abs(theirs-ours) <= 1+ours/4 { // an answer may have been under way for a while
		return theirs
	}
	return ours
}

// cpu is the part of the time in which CPUs were busy: of those that both readings have and that have not begun anew.
// Where the agent says the limit of its container, that is the whole.
func (now *reading) cpu(before *reading, passed float64) float64 {
	if used := ratio(increase(now.single[cpuUsed], before.single[cpuUsed]), passed*now.single[cpuLimit]); !math.IsNaN(used) {
		return used
	}
	idle, all := 0.0, 0.0
	for name, c := range now.cpus {
		was := before.cpus[name]
		if was == nil || c.all <= was.all {
			continue
		}
		all += c.all - was.all
		idle += max(0, c.idle-was.idle) // the kernel's iowait is known to go back a little
	}
	return ratio(all-idle, all)
}

// memory is by the limit of the agent's container, where it has one; or else by the machine's.
func (now *reading) memory(f *Figures) {
	s := &now.single
	f.Ratios[Memory] = ratio(s[memTotal]-s[memAvailable], s[memTotal])
	for _, whole := range []float64{s[memAll], s[memLimit]} {
		if used := ratio(s[memUsed], whole); !math.IsNaN(used) {
			f.Ratios[Memory] = used
		}
	}
}

func (now *reading) fullest(f *Figures, of *Of) {
	for at, m := range now.mounts {
		if !among(of.Mounts, at) {
			continue
		}
		full := ratio(m.size-m.available, m.size)
		if worst := f.Ratios[Disk]; math.IsNaN(full) || full < worst || full == worst && at > f.FullestDisk {
			continue
		}
		f.Ratios[Disk], f.FullestDisk = full, at
	}
}

func (now *reading) ofGPUs(f *Figures, of *Of) {
	busy := mean{}
	for _, g := range now.gpus {
		if !among(of.GPUs, g.number) {
			continue
		}
		if !math.IsNaN(g.busy) {
			busy.sum, busy.n = busy.sum+g.busy, busy.n+1
		}
		all := g.all
		if math.IsNaN(all) {
			all = g.used + g.free
		}
		f.Ratios[GPUMemory] = orLarger(f.Ratios[GPUMemory], ratio(g.used, all))
		f.Temperature = orLarger(f.Temperature, g.degrees)
		f.GPUError = orLarger(f.GPUError, g.err)
		if !math.IsNaN(g.power) {
			f.Power = g.power + zeroIfUnknown(f.Power)
		}
	}
	if busy.n > 0 {
		f.Ratios[GPU] = ratio(busy.sum, float64(busy.n))
	}
}

func among(list []string, one string) bool {
	for _, l := range list {
		if l == one {
			return true
		}
	}
	return len(list) == 0
}

// orLarger is the larger of those that are known.
func orLarger(a, b float64) float64 {
	if math.IsNaN(b) {
		return a
	}
	return larger(a, b)
}

func zeroIfUnknown(v float64) float64 {
	if math.IsNaN(v) {
		return 0
	}
	return v
}

// increase is how much a counter has grown; NaN where it went back or is not known.
func increase(now, before float64) float64 {
	if d := now - before; d >= 0 {
		return d
	}
	return math.NaN()
}

// ratio is part of whole, 0 to 1; NaN where one of them cannot be.
func ratio(part, whole float64) float64 {
	if !(whole > 0) || math.IsNaN(part) || math.IsInf(whole, 1) {
		return math.NaN()
	}
	return min(max(part/whole, 0), 1)
}
