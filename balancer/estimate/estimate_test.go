package estimate

import (
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func auto(n int, slots int) []Options {
	options := make([]Options, n)
	for i := range options {
		options[i] = Options{Capacity: 100, AutoCapacity: true, Slots: slots}
	}
	return options
}

// TestFindsCapacities begins with equal estimates in front of unequal servers.
func TestFindsCapacities(t *testing.T) {
	for name, c := range map[string]struct {
		slots, told int
		arrivals    float64
	}{
		"one slot":                 {1, 1, 150},
		"one slot, little traffic": {1, 1, 40},
		"eight slots":              {8, 8, 190},
		"one slot, nobody told":    {1, 0, 180},
		"eight slots, nobody told": {8, 0, 200},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFleet(7, c.arrivals, auto(3, c.told),
				&server{rate: 50, slots: c.slots}, &server{rate: 100, slots: c.slots}, &server{rate: 75, slots: c.slots})
			f.run(60)
			got := f.average(30)
			for i, want := range []float64{300 * 50 / 225., 300 * 100 / 225., 300 * 75 / 225.} {
				assert.InEpsilon(t, want, got[i], 0.12, "endpoint %d of %v", i, got)
			}
		})
	}
}

// average is what the capacities were in the mean over so many seconds more.
func (f *fleet) average(seconds int) []float64 {
	mean := make([]float64, len(f.servers))
	for range seconds {
		f.run(1)
		for i, v := range f.values {
			mean[i] += v.Capacity / float64(seconds)
		}
	}
	return mean
}

// TestFollowsAStep makes one server twice as fast, or half as fast, under steady traffic.
//
// Where every request counts as one unit an estimate is as sharp as its some 200 requests of
// exponential work let it be; with predictions it is sharper.
func TestFollowsAStep(t *testing.T) {
	for _, factor := range []float64{2, 0.5} {
		for seed := range uint64(10) {
			followsAStep(t, seed, factor, 0.35, func(float64) float64 { return 1 })
			followsAStep(t, seed, factor, 0.02, func(work float64) float64 { return work })
		}
	}
}

func followsAStep(t *testing.T, seed uint64, factor, tolerance float64, predict func(float64) float64) {
	f := newFleet(seed, 120, auto(3, 1),
		&server{rate: 75, slots: 1}, &server{rate: 75, slots: 1}, &server{rate: 75, slots: 1})
	f.predict = predict
	ratio := func() float64 { return math.Log(f.values[0].Capacity / f.values[1].Capacity) }
	f.run(60)
	assert.InDelta(t, 0, ratio(), tolerance, "before the step, seed %d", seed)
	f.servers[0].rate *= factor
	f.run(30)
	assert.InDelta(t, math.Log(factor), ratio(), tolerance, "30 s after the step, seed %d", seed)
}

// TestFindsSlots begins with 64 in front of servers that work on fewer and more at once.
func TestFindsSlots(t *testing.T) {
	options := auto(1, 0)
	options[0].AutoSlots = true
	for _, slots := range []int{1, 2, 8, 32} {
		var found []int // where all requests count alike an estimate strays now and then: most do not
		for seed := range uint64(7) {
			f := newFleet(seed, 400, options, &server{rate: 100, slots: slots}) // more than it can do
			f.run(120)
			found = append(found, f.usualSlots())
		}
		slices.Sort(found)
		assert.InEpsilon(t, slots, found[len(found)/2], 0.5, "of %d: %v", slots, found)
	}
}

// TestSlotsAfterAStep makes a server slower and faster again: the limit comes back to what
// the server works on at once, which has not changed.
func TestSlotsAfterAStep(t *testing.T) {
	options := auto(1, 0)
	options[0].AutoSlots = true
	f := newFleet(4, 400, options, &server{rate: 100, slots: 8})
	f.run(60)
	for _, factor := range []float64{0.5, 2} {
		f.servers[0].rate *= factor
		f.run(30)
		assert.InDelta(t, 8, f.usualSlots(), 4, "30 s after a step by %v", factor)
	}
}

// usualSlots is the least limit of the next ticks: some look a step beyond.
func (f *fleet) usualSlots() int {
	least := f.values[0].Slots
	for range probeEvery {
		f.run(1)
		least = min(least, f.values[0].Slots)
	}
	return least
}

func TestLevels(t *testing.T) {
	assert.Equal(t, 0, levelOf(1))
	for level := range levelCount {
		n := slotsOf(level)
		assert.Equal(t, level, levelOf(int64(n)), "of %d", n)
		if level > 0 {
			assert.Equal(t, level-1, levelOf(int64(n-1)), "of %d", n-1)
		}
	}
	assert.Equal(t, 4096, slotsOf(levelCount-1))
	assert.Equal(t, levelCount-1, levelOf(1<<40))
}

// TestIdleSpellsChangeNothing lets an hour pass without a request.
func TestIdleSpellsChangeNothing(t *testing.T) {
	options := auto(3, 1)
	options[2].AutoSlots = true
	f := newFleet(5, 150, options, &server{rate: 50, slots: 1}, &server{rate: 100, slots: 1}, &server{rate: 75, slots: 1})
	f.run(60)
	f.arrivals = 1e-9
	f.run(5) // what was under way ends
	before := f.values
	for range 3600 {
		f.run(1)
		require.Equal(t, before, f.values)
	}
}

// TestLooksBeyondOnlyWhatIsReached: with a request now and then the limit is settled.
func TestLooksBeyondOnlyWhatIsReached(t *testing.T) {
	options := auto(1, 0)
	options[0].AutoSlots = true
	f := newFleet(3, 400, options, &server{rate: 100, slots: 8})
	f.run(120)
	f.arrivals = 3
	f.run(30) // what waits in the server ends, and the levels below the knee become known
	before := f.values[0].Slots
	for range 100 {
		f.run(1)
		require.Equal(t, before, f.values[0].Slots)
	}
}

// TestAtOnceIsNotWhatIsTriedOut: while the limit is a step beyond, work is reckoned as before.
func TestAtOnceIsNotWhatIsTriedOut(t *testing.T) {
	options := auto(1, 0)
	options[0].AutoSlots = true
	f := newFleet(3, 400, options, &server{rate: 100, slots: 8})
	f.run(120)
	beyond := 0
	for range 10 * probeEvery {
		f.run(1)
		assert.InDelta(t, 8, f.values[0].AtOnce, 4)
		if f.values[0].Slots > f.values[0].AtOnce {
			beyond++
		}
	}
	assert.Positive(t, beyond)
}

// TestTornWindows lets a tick fall between the four sums of a request that is being told.
func TestTornWindows(t *testing.T) {
	const service = 10 * time.Millisecond
	for name, half := range map[string]func(*sums){
		"no work": func(s *sums) {
			s.service.Add(int64(service))
			s.inFlight.Add(3)
			s.requests.Add(1)
		},
		"no time": func(s *sums) {
			s.work.Store(math.Float64bits(1))
			s.inFlight.Add(3)
			s.requests.Add(1)
		},
		"work alone":  func(s *sums) { s.work.Store(math.Float64bits(1)) },
		"count alone": func(s *sums) { s.requests.Add(1) },
	} {
		t.Run(name, func(t *testing.T) {
			options := auto(1, 0)
			options[0].AutoSlots = true
			u := New(options)
			second := func(levels ...int64) {
				for range 40 {
					for _, n := range levels {
						u.Meter(0).Finished(1, service, n)
					}
				}
			}
			for range 30 {
				second(3, 4, 6)
				u.Tick(time.Second)
			}
			second(4)
			half(&u.Meter(0).levels[levelOf(3)])
			half(&u.Meter(0).busy)
			u.Tick(time.Second)
			requireSound(t, u)
			half(&u.Meter(0).busy)
			before := u.Tick(time.Second) // with nothing else
			requireSound(t, u)
			for range 100 {
				second(3, 4, 6)
				u.Tick(time.Second)
			}
			assert.InEpsilon(t, 0.01, u.endpoints[0].slots.memory[levelOf(3)].perWork(), 1e-6)
			assert.InEpsilon(t, before[0].Capacity, u.Values()[0].Capacity, 0.01)
		})
	}
}

// TestSurprisesAreBounded: a tick of times beyond all reason is followed only so far, and soon forgotten.
func TestSurprisesAreBounded(t *testing.T) {
	options := auto(1, 0)
	options[0].AutoSlots = true
	u := New(options)
	for second := range 100 {
		for range 40 {
			work := 1.0
			if second == 50 {
				work = 100
			}
			u.Meter(0).Finished(work, 10*time.Millisecond, 4)
		}
		u.Tick(time.Second)
		requireSound(t, u)
	}
	assert.InEpsilon(t, 0.01, u.endpoints[0].slots.memory[levelOf(4)].perWork(), 0.01)
}

// TestWhatCannotBeIsNotKept begins anew where what was learned is no number.
func TestWhatCannotBeIsNotKept(t *testing.T) {
	ill, well := NewEndpoint(auto(1, 1)[0]), NewEndpoint(auto(1, 1)[0])
	ill.slots.memory[3] = window{1, math.NaN(), 1, 1}
	ill.capacity = capacity{memory: window{1, 1, 1, 1}, rate: math.Inf(1)}
	well.slots.memory[3] = window{1, 2, 1, 1}
	before := well.slots
	for _, e := range []*Endpoint{ill, well} {
		e.Configure(Options{Capacity: 200, AutoCapacity: true, Slots: 1})
	}
	requireSound(t, Of(ill, well))
	assert.Equal(t, before, well.slots)
	assert.Zero(t, ill.capacity)
}

func requireSound(t *testing.T, u *Upstream) {
	t.Helper()
	for i := range u.endpoints {
		e := u.endpoints[i]
		require.True(t, e.slots.sound(), "slots of %d: %+v", i, e.slots.memory)
		require.True(t, e.capacity.sound(), "capacity of %d: %+v", i, e.capacity)
		v := u.Values()[i]
		require.Greater(t, v.Capacity, 0.0)
		require.False(t, math.IsInf(v.Capacity, 1))
	}
}

// TestConfiguredOnesSetTheUnit mixes endpoints whose capacity is known with one whose is not.
func TestConfiguredOnesSetTheUnit(t *testing.T) {
	options := []Options{{Capacity: 5, Slots: 1}, {Capacity: 10, Slots: 1}, {Capacity: 100, AutoCapacity: true, Slots: 1}}
	f := newFleet(6, 150, options, &server{rate: 50, slots: 1}, &server{rate: 100, slots: 1}, &server{rate: 75, slots: 1})
	f.run(60)
	assert.Equal(t, Value{5, 1, 1}, f.values[0])
	assert.Equal(t, Value{10, 1, 1}, f.values[1])
	assert.InEpsilon(t, 7.5, f.average(30)[2], 0.1)
	assert.InEpsilon(t, 10, f.upstream.Scale(), 0.1, "requests/s for each unit of capacity")
}

// TestSumStays: whatever unit the work is predicted in, and however it changes, capacities
// sum to what they began with.
func TestSumStays(t *testing.T) {
	f := newFleet(8, 150, auto(3, 1), &server{rate: 50, slots: 1}, &server{rate: 100, slots: 1}, &server{rate: 75, slots: 1})
	scale := 1.0
	f.predict = func(work float64) float64 { return work * scale }
	for range 20 {
		f.run(20)
		scale *= 3
		sum := 0.0
		for _, v := range f.values {
			sum += v.Capacity
		}
		assert.InDelta(t, 300, sum, 1e-6)
	}
	assert.InEpsilon(t, 300*100/225., f.values[1].Capacity, 0.15)
}

// TestPredictionsSharpen: heavy-tailed work that is known beforehand does not make the
// estimate jump.
func TestPredictionsSharpen(t *testing.T) {
	f := newFleet(9, 150, auto(3, 1), &server{rate: 50, slots: 1}, &server{rate: 100, slots: 1}, &server{rate: 75, slots: 1})
	f.work = func(r *rand.Rand) float64 {
		if r.Float64() < 0.9 {
			return 0.293 * r.ExpFloat64()
		}
		return 7.364 * r.ExpFloat64()
	}
	f.predict = func(work float64) float64 { return work }
	f.run(30)
	for range 100 {
		f.run(1)
		assert.InEpsilon(t, 300*50/225., f.values[0].Capacity, 0.01)
	}
}

func TestImpossibleRequestsAreLeftOut(t *testing.T) {
	u := New(auto(1, 1))
	m := u.Meter(0)
	for _, work := range []float64{0, -1, math.NaN(), math.Inf(1), 1e-70, 1e70} {
		m.Finished(work, time.Second, 1)
	}
	m.Finished(1, 0, 1)
	m.Finished(1, -time.Second, 1)
	m.Finished(1, time.Second, 0)
	assert.Equal(t, window{}, m.levels[0].take())
	assert.Equal(t, []Value{{100, 1, 1}}, u.Tick(time.Second))
	assert.Zero(t, u.Scale())
}

// TestEndpointsGoOn: of three endpoints one leaves, another is told its capacity, and a new one
// comes. What was measured of those that stay is known as before.
func TestEndpointsGoOn(t *testing.T) {
	f := newFleet(10, 150, auto(3, 1), &server{rate: 50, slots: 1}, &server{rate: 100, slots: 1}, &server{rate: 75, slots: 1})
	f.run(60)
	before := f.values
	kept, told := f.upstream.endpoints[2], f.upstream.endpoints[0]
	meter := told.Meter()
	told.Configure(Options{Capacity: 10, Slots: 1})
	assert.Same(t, meter, told.Meter())
	now := Of(kept, told, NewEndpoint(auto(1, 1)[0])).Values()
	assert.InEpsilon(t, before[2].Capacity/before[0].Capacity, now[0].Capacity/now[1].Capacity, 1e-6)
	assert.Equal(t, []Value{{10, 1, 1}, {100, 1, 1}}, now[1:])
	assert.Equal(t, now[0], kept.Value())
	other := new(Meter)
	kept.Configure(Options{Capacity: 100, AutoCapacity: true, Slots: 1, Meter: other})
	assert.Same(t, other, kept.Meter())
}

// TestToldTheSame: who is told what was asked before loses nothing of what was found out.
func TestToldTheSame(t *testing.T) {
	f := newFleet(10, 150, auto(2, 1), &server{rate: 50, slots: 1}, &server{rate: 100, slots: 1})
	f.run(60)
	before := f.upstream.Values()
	f.upstream.endpoints[0].Configure(auto(1, 1)[0])
	assert.Equal(t, before, f.upstream.Values())
}

func TestMeterFromManyGoroutines(t *testing.T) {
	var m Meter
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 1000 {
				m.Finished(0.5, time.Millisecond, 2)
			}
		})
	}
	all.Wait()
	w := m.levels[1].take()
	assert.Equal(t, window{work: 4000, service: 8, inFlight: 16000, requests: 8000}, w)
	assert.Equal(t, w, m.busy.take())
	assert.Zero(t, testing.AllocsPerRun(100, func() { m.Finished(1, time.Second, 1) }))
}

func BenchmarkFinished(b *testing.B) {
	var m Meter
	b.ReportAllocs()
	for b.Loop() {
		m.Finished(1, time.Millisecond, 3)
	}
}
