// The bounds of each priority.

package admission

import "slices"

// Limits are what the whole process may have; 0: no limit.
type Limits struct {
	Requests int64 // under way at once
	Memory   int64 // bytes
}

// Class is what may be in use, all priorities together, when a request of one priority comes; 0:
// any number.
type Class struct {
	Requests, Memory int64
}

// firstShare is the share of the limits at which the lowest of several priorities begins to be
// turned away. The highest has all of them, and the others lie between, evenly.
const firstShare = 0.8

// Classes returns the bounds for each of these priorities.
func (l Limits) Classes(priorities []uint8) map[uint8]Class {
	sorted := slices.Clone(priorities)
	slices.Sort(sorted)
	sorted = slices.Compact(sorted)
	classes := map[uint8]Class{}
	for i, p := range sorted {
		share := 1.0
		if above := len(sorted) - 1 - i; above > 0 {
			share -= (1 - firstShare) * float64(above) / float64(len(sorted)-1)
		}
		classes[p] = Class{Requests: part(l.Requests, share), Memory: part(l.Memory, share)}
	}
	return classes
}

// part is a share of a limit, at least 1 so that it stays one.
func part(limit int64, share float64) int64 {
	if limit == 0 {
		return 0
	}
	return max(1, int64(float64(limit)*share))
}
