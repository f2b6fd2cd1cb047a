package policy

import (
	"encoding/binary"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/balancer"
)

// rig drives a picker as a pool does, and holds at each pick what is true of every policy:
// the picked candidate is open and not excluded, and there is one if any is.
type rig struct {
	t        testing.TB
	list     []balancer.Candidate
	picker   balancer.Picker
	closed   []bool
	inFlight []int64
	last     []int // by candidate: which pick it was last given, from 1
	picks    int
	// expect, when it is not nil, tells which candidate must be picked.
	expect func(*rig, *balancer.Request) int
}

func newRig(t testing.TB, b balancer.Builder, capacities []float64) *rig {
	g := &rig{t: t, list: candidates(t, capacities), closed: make([]bool, len(capacities)), inFlight: make([]int64, len(capacities)), last: make([]int, len(capacities))}
	g.replace(b)
	return g
}

// replace lets a picker of this policy take over.
func (g *rig) replace(b balancer.Builder) {
	next := b.Build(slices.Clone(g.list))
	next.Inherit(g.picker)
	g.picker = next
	for i := range g.list {
		g.tell(i)
		if g.closed[i] {
			g.picker.Open(i, false)
		}
	}
}

func (g *rig) tell(i int) {
	if c, ok := g.picker.(balancer.Counter); ok {
		c.Count(i, g.inFlight[i])
	}
}

// may says whether a request may go to the candidate.
func (g *rig) may(i int, r *balancer.Request) bool {
	return !g.closed[i] && (r == nil || !slices.Contains(r.Exclude, g.list[i].Endpoint))
}

// pick places a request, and returns absent if it has no place.
func (g *rig) pick(r *balancer.Request) int {
	i, ok := g.picker.Pick(r)
	if !ok {
		for j := range g.list {
			require.False(g.t, g.may(j, r), "nobody was picked, though %d may be", j)
		}
		return absent
	}
	if !g.may(i, r) {
		g.t.Fatalf("picked %d, which is closed or excluded", i)
	}
	if g.expect != nil {
		require.Equal(g.t, g.expect(g, r), i, "in flight %v", g.inFlight)
	}
	if s, ok := g.picker.(interface{ turns() *schedule }); ok {
		if turn := s.turns().turn; math.IsNaN(turn) || math.IsInf(turn, 0) {
			g.t.Fatalf("the turn is %v", turn)
		}
	}
	g.inFlight[i]++
	g.picks++
	g.last[i] = g.picks
	g.tell(i)
	return i
}

func (g *rig) release(i int) {
	if g.inFlight[i] > 0 {
		g.inFlight[i]--
		g.tell(i)
	}
}

func (g *rig) open(i int, open bool) {
	if g.closed[i] == open {
		g.closed[i] = !open
		g.picker.Open(i, open)
	}
}

// run does what the bytes say: two for each step.
func (g *rig) run(steps []byte, builders []balancer.Builder) {
	g.t.Helper()
	for ; len(steps) >= 2; steps = steps[2:] {
		what, arg := steps[0], int(steps[1])
		i := arg % len(g.list)
		switch what % 8 {
		case 0, 1, 2:
			g.pick(nil)
		case 3:
			g.pick(g.without(arg))
		case 4, 5:
			g.release(i)
		case 6:
			g.open(i, arg >= 128)
		case 7:
			if arg%8 == 0 {
				g.replace(builders[arg/8%len(builders)])
			} else {
				g.open(i, arg%2 == 0)
			}
		}
	}
}

// without excludes the candidates whose bits are set, eight in a row for each bit.
func (g *rig) without(bits int) *balancer.Request {
	r := new(balancer.Request)
	for i := range g.list {
		if bits&(1<<(i%8)) != 0 {
			r.Exclude = append(r.Exclude, g.list[i].Endpoint)
		}
	}
	return r
}

// readCapacities takes up to 16 capacities off the front of a fuzzer's bytes: any positive
// finite ones there are.
func readCapacities(data []byte) (capacities []float64, rest []byte) {
	if len(data) == 0 {
		return nil, nil
	}
	n := int(data[0])%16 + 1
	data = data[1:]
	for len(capacities) < n && len(data) >= 8 {
		c := math.Abs(math.Float64frombits(binary.LittleEndian.Uint64(data)))
		data = data[8:]
		if c > 0 && !math.IsInf(c, 1) && !math.IsNaN(c) {
			capacities = append(capacities, c)
		}
	}
	return capacities, data
}

// seeds are beginnings for a fuzzer that reads capacities and then steps.
func seeds(f *testing.F) {
	add := func(capacities []float64, steps ...byte) {
		data := []byte{byte(len(capacities) - 1)}
		for _, c := range capacities {
			data = binary.LittleEndian.AppendUint64(data, math.Float64bits(c))
		}
		f.Add(append(data, steps...))
	}
	add([]float64{1}, 0, 0, 6, 0, 0, 0, 3, 1, 6, 200, 0, 0, 4, 0)
	add([]float64{50, 100, 75}, 0, 0, 0, 0, 0, 0, 3, 2, 4, 1, 6, 1, 0, 0, 6, 130, 0, 0, 7, 8, 3, 7)
	add([]float64{1e-300, 1, 1e300}, 0, 0, 0, 0, 0, 0, 7, 1, 0, 0, 7, 2, 3, 2, 0, 0, 7, 16, 7, 24, 7, 32, 0, 0)
	add([]float64{1, 1, 1, 1, 1, 1}, 0, 0, 7, 1, 7, 3, 7, 5, 7, 7, 0, 0, 7, 0, 0, 0, 3, 21, 7, 2, 0, 0)
}
