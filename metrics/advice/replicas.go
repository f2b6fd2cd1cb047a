// Advice on replicas: how many are needed, and from when on.

package advice

import (
	"fmt"
	"math"
	"slices"
	"time"
)

const (
	// target is the part of their capacity that endpoints may have to do.
	target = 0.7
	// spare is how many endpoints are left at least where some are to go: one may fail.
	spare = 2
	// slower is by how much R may be longer with fewer endpoints.
	slower = 0.25
	// lasting is for how long a number must have been found too small, or too large, to be told: what comes and goes is for whoever scales.
	lasting = 2 * time.Hour
	// fastest is how many times as fast recorded requests are replayed at most.
	fastest = 10
)

func replicas(v *view) []Advice {
	there := v.setup.inUse()
	total := 0.0
	for _, e := range there {
		if e.Slots == 0 {
			return v.unsure(Replicas, len(v.log), "how busy endpoints are is not known without their slots: give each endpoint slots, or auto", nil)
		}
		total += e.Capacity
	}
	points := v.ahead()
	if !v.foreseen.Enough || len(points) == 0 || len(there) == 0 {
		return v.unsure(Replicas, len(v.log), "there is not enough history to foresee traffic by", nil)
	}
	mean := total / float64(len(there))
	most := points[0]
	for _, p := range points {
		if p.P95 > most.P95 {
			most = p
		}
	}
	needed := max(int(math.Ceil(most.P95/target/mean)), 1)
	evidence := map[string]any{
		"endpoints": len(there), "capacity": total, "needed": needed, "target": target, "most_work_p95": most.P95, "most_work_at": most.At.Format(time.RFC3339),
		"work_now": points[0].P50,
	}
	needed = max(needed, min(len(there), spare))
	if seen := v.busiest.most(); needed < len(there) && seen > 0 { // a quiet forecast alone takes nobody away
		needed = min(max(needed, int(math.Ceil(seen/target/mean))), len(there))
		evidence["most_work_seen"] = seen
	}
	if !v.lasts(needed-len(there)) && needed != len(there) {
		return v.well(Replicas, len(v.log), fmt.Sprintf("%d endpoints would be needed, and there are %d: it is told when it has been so for %s", needed, len(there), lasting), evidence)
	}
	switch {
	case needed > len(there):
		return v.more(needed-len(there), most, points, evidence, total, mean)
	case needed < len(there):
		return v.fewer(len(there)-needed, most, points[len(points)-1].At, evidence)
	}
	return v.well(Replicas, len(v.log), fmt.Sprintf("%d endpoints are what the busiest time foreseen takes, %s", len(there), when(most.At)), evidence)
}

// wanted is since when there are too few, or too many.
type wanted struct {
	sign  int
	since time.Time
}

// lasts says whether there have been too few, or too many, for long enough. It hears of each look.
func (v *view) lasts(off int) bool {
	sign := 0
	switch {
	case off > 0:
		sign = 1
	case off < 0:
		sign = -1
	}
	if v.wanted.sign != sign {
		v.wanted = wanted{sign, v.now}
	}
	return v.ofLog || v.now.Sub(v.wanted.since) >= lasting
}

// ahead is what is foreseen from now on, in the unit of capacities: by how much work a usual request was of late.
func (v *view) ahead() (points []Point) {
	work, sizes := 0.0, 0.0
	for i := range v.log {
		if q := &v.log[i]; q.Endpoint != "" {
			work += q.work()
			if sizes++; q.Size > 0 {
				sizes += q.Size - 1
			}
		}
	}
	if work <= 0 || sizes <= 0 {
		return nil
	}
	for _, p := range v.foreseen.Points {
		if p.At.After(v.now) {
			points = append(points, Point{p.At, p.P50 * work / sizes, p.P95 * work / sizes})
		}
	}
	return points
}

// when is a time as people say it.
func when(t time.Time) string { return t.Format("Monday 15:04") }

// more advises to add so many. They are to be there before the first step that takes more than there is.
func (v *view) more(n int, most Point, points []Point, evidence map[string]any, total, mean float64) []Advice {
	from := most.At
	for _, p := range points {
		if p.P95 > target*total {
			from = p.At
			break
		}
	}
	a := v.told(Replicas, Advised, len(v.log), fmt.Sprintf("add %d of the mean capacity %s from %s on: up to %s of work per second is foreseen, and %d do %s at %s of what they can",
		n, number(mean), when(from), number(most.P95), len(v.setup.inUse()), number(target*total), percent(target)), evidence)
	evidence["add"], evidence["from"] = n, from.Format(time.RFC3339)
	a.Interval = &[2]float64{most.P50, most.P95}
	a.what = fmt.Sprintf("+%d", n)
	changed := v.setup.with(func(u *Upstream) {
		for i := range n {
			u.Endpoints = append(u.Endpoints, Endpoint{Name: fmt.Sprintf("new %d", i+1), Capacity: mean, Slots: usualSlots(v.setup.inUse())})
		}
	})
	speed, ok := v.speedTo(most.P95)
	if !ok {
		return v.unsure(Replicas, len(v.log), a.Text+"; but the requests that are recorded are too few, or too unlike that time", evidence)
	}
	d := v.try(&a, speed, changed)
	return []Advice{v.settle(a, d, d.gains() || !d.harms(0) && d.unserved[1] < d.unserved[0])}
}

// fewer advises to take so many away: the smallest, as that changes least.
func (v *view) fewer(n int, most Point, until time.Time, evidence map[string]any) []Advice {
	names := make([]string, 0, len(v.setup.Endpoints))
	there := v.setup.inUse()
	slices.SortStableFunc(there, func(a, b Endpoint) int {
		if a.Capacity < b.Capacity {
			return -1
		}
		if a.Capacity > b.Capacity {
			return 1
		}
		return 0
	})
	left := 0.0
	for i, e := range there {
		if i < n {
			names = append(names, e.Name)
		} else {
			left += e.Capacity
		}
	}
	a := v.told(Replicas, Advised, len(v.log), fmt.Sprintf("%d fewer would do from now to %s, such as without %s: no more than %s of work per second is foreseen, and the others do %s at %s of what they can",
		n, when(until), list(names), number(most.P95), number(target*left), percent(target)), evidence)
	evidence["remove"], evidence["from"] = n, v.now.Format(time.RFC3339)
	a.Interval = &[2]float64{most.P50, most.P95}
	a.what = fmt.Sprintf("-%d", n)
	changed := v.setup.with(func(u *Upstream) {
		u.Endpoints = slices.DeleteFunc(u.Endpoints, func(e Endpoint) bool { return slices.Contains(names, e.Name) })
	})
	speed, ok := v.speedTo(most.P95)
	if !ok {
		return v.unsure(Replicas, len(v.log), a.Text+"; but the requests that are recorded are too few, or too unlike that time", evidence)
	}
	d := v.try(&a, speed, changed)
	return []Advice{v.settle(a, d, !d.harms(slower))}
}

// speedTo is how many times as fast the recorded requests must come to be so much work per second.
func (v *view) speedTo(work float64) (speed float64, ok bool) {
	if len(v.log) < leastReplay {
		return 1, true // the replay says so
	}
	sum := 0.0
	for i := range v.log {
		sum += v.log[i].work()
	}
	span := v.log[len(v.log)-1].At.Sub(v.log[0].At).Seconds()
	if sum <= 0 || span <= 0 || work <= 0 {
		return 0, false
	}
	speed = work / (sum / span)
	return speed, speed <= fastest && speed >= 1.0/fastest
}

func usualSlots(list []Endpoint) int {
	slots := make([]int, len(list))
	for i, e := range list {
		slots[i] = e.Slots
	}
	slices.Sort(slots)
	return slots[len(slots)/2]
}

// list names things as people do.
func list(names []string) string {
	text := ""
	for i, name := range names {
		switch {
		case i > 0 && i == len(names)-1:
			text += " and "
		case i > 0:
			text += ", "
		}
		text += name
	}
	return text
}
