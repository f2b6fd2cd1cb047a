package policy

import (
	"encoding/binary"
	"math"
	"testing"

	"github.com/steelyard-proxy/steelyard/balancer"
)

// FuzzCapacity reads capacities (8 bytes each) and then operations (1 byte each) and
// holds what must be true of any history: a pick is a candidate that was not excluded, and
// there is one as long as not all are. Without exclusions, shares are exact.
func FuzzCapacity(f *testing.F) {
	f.Add([]byte{3, 0, 0, 0, 0, 0, 0, 0, 64, 0, 0, 0, 0, 0, 0, 0, 65, 0, 0, 0, 0, 0, 0, 0, 66, 0, 0, 0, 1, 2, 3, 0, 0, 200, 0, 0, 255})
	f.Add([]byte{1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) == 0 {
			return
		}
		n := int(data[0])%16 + 1
		data = data[1:]
		var capacities []float64
		for len(capacities) < n && len(data) >= 8 {
			c := math.Abs(math.Float64frombits(binary.LittleEndian.Uint64(data)))
			data = data[8:]
			if c > 0 && !math.IsInf(c, 1) && !math.IsNaN(c) {
				capacities = append(capacities, c)
			}
		}
		if len(capacities) == 0 {
			return
		}
		fuzzHistory(t, capacities, data)
	})
}

func fuzzHistory(t *testing.T, capacities []float64, operations []byte) {
	list := candidates(t, capacities)
	picker := Capacity(CapacityOptions{}).Build(list)
	had := make([]float64, len(list))
	total, exact := 0.0, true
	for _, op := range operations {
		if op == 255 {
			picker = succeed(picker, list)
			continue
		}
		r := new(balancer.Request)
		for i := range min(len(list), 8) {
			if op&(1<<i) != 0 {
				r.Exclude = append(r.Exclude, list[i].Endpoint)
				exact = false
			}
		}
		i, ok := picker.Pick(r)
		if ok != (len(r.Exclude) < len(list)) {
			t.Fatalf("%v: pick without %d of %d candidates: %v", capacities, len(r.Exclude), len(list), ok)
		}
		if !ok {
			continue
		}
		for _, e := range r.Exclude {
			if e == list[i].Endpoint {
				t.Fatalf("%v: picked %d, which was excluded", capacities, i)
			}
		}
		total++
		had[i]++
		for j, s := range proportions(list) {
			if away := math.Abs(had[j] - s*total); exact && away >= 1+rounding {
				t.Fatalf("%v: endpoint %d is %v requests from its share after %v", capacities, j, away, total)
			}
		}
	}
}
