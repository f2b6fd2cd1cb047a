package sim

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/balancer/policy"
	"github.com/steelyard-proxy/steelyard/bench/engine"
	"github.com/steelyard-proxy/steelyard/bench/theory"
	"github.com/steelyard-proxy/steelyard/bench/trace"
)

// dealt is the policy that the formulas of static splits are about: every request goes to
// endpoint i with the probability T_i/T, whatever happened before.
type dealt struct {
	rates  []float64
	total  float64
	chance *rand.Rand
}

func newDealt(rates []float64) *dealt {
	d := &dealt{rates: rates, chance: rand.New(rand.NewPCG(11, 13))}
	for _, r := range rates {
		d.total += r
	}
	return d
}

func (d *dealt) Name() string                               { return "dealt" }
func (d *dealt) Build([]balancer.Candidate) balancer.Picker { return d }
func (d *dealt) Open(int, bool)                             {}
func (d *dealt) Inherit(balancer.Picker)                    {}

func (d *dealt) Pick(*balancer.Request) (int, bool) {
	at := d.chance.Float64() * d.total
	last := len(d.rates) - 1
	for i, r := range d.rates[:last] {
		if at -= r; at < 0 {
			return i, true
		}
	}
	return last, true
}

func fleetOf(capacities []float64, slots int, discipline engine.Discipline) []Endpoint {
	var endpoints []Endpoint
	for _, c := range capacities {
		endpoints = append(endpoints, Endpoint{Engine: engine.Options{Capacity: c, Slots: slots, Discipline: discipline}})
	}
	return endpoints
}

// TestStaticSplitsFollowTheirFormulas: what is simulated must be what is calculated.
func TestStaticSplitsFollowTheirFormulas(t *testing.T) {
	capacities := []float64{100, 200, 150}
	const rate = 300
	proportional, optimal := theory.ProportionalSplit(capacities, rate), theory.OptimalSplit(capacities, rate)
	for _, c := range []struct {
		name       string
		rates      []float64
		work       trace.Work
		slots      int
		discipline engine.Discipline
		want       float64
		tolerance  float64
	}{
		{"proportional", proportional.Rates, trace.Exponential, 1, engine.FirstCome, proportional.Mean, 0.02},
		{"optimal", optimal.Rates, trace.Exponential, 1, engine.FirstCome, optimal.Mean, 0.02},
		{"uneven", []float64{50, 160, 90}, trace.Exponential, 1, engine.FirstCome,
			theory.StaticSplit(capacities, []float64{50, 160, 90}).Mean, 0.02},
		{"sharing, exponential", proportional.Rates, trace.Exponential, 0, engine.Sharing, proportional.Mean, 0.02},
		{"sharing, whatever the work", proportional.Rates, trace.Heavy, 0, engine.Sharing, proportional.Mean, 0.05},
		{"sharing, constant", proportional.Rates, trace.Constant, 0, engine.Sharing, proportional.Mean, 0.02},
		{"first come, heavy", proportional.Rates, trace.Heavy, 1, engine.FirstCome,
			theory.FirstComeSplit(capacities, proportional.Rates, 10).Mean, 0.06},
		{"first come, constant", proportional.Rates, trace.Constant, 1, engine.FirstCome,
			theory.FirstComeSplit(capacities, proportional.Rates, 0).Mean, 0.02},
		{"eight slots", proportional.Rates, trace.Exponential, 8, engine.FirstCome,
			theory.SlotsSplit(capacities, []int{8, 8, 8}, proportional.Rates).Mean, 0.02},
		{"sharing by eight slots", proportional.Rates, trace.Heavy, 8, engine.Sharing,
			theory.SlotsSplit(capacities, []int{8, 8, 8}, proportional.Rates).Mean, 0.05},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			made := asked(t, trace.Options{Seed: 1, Requests: 300_000, Rate: rate, Work: c.work})
			got := ran(t, Options{Endpoints: fleetOf(capacities, c.slots, c.discipline), Policy: newDealt(c.rates)}, made)
			t.Logf("formula %.2f ms, simulated %.2f ms", c.want*1000, ms(got))
			assert.InEpsilon(t, c.want, got.Mean().Seconds(), c.tolerance)
		})
	}
}

// TestCapacityIsBetterThanChance: the formula of the proportional split is of requests
// dealt at random. The exact scheduler deals them evenly, which makes the arrivals at each
// endpoint steadier than Poisson, and R less.
func TestCapacityIsBetterThanChance(t *testing.T) {
	capacities := []float64{100, 200, 150}
	for _, rate := range []float64{150, 300, 400} {
		made := asked(t, trace.Options{Seed: 2, Requests: 100_000, Rate: rate})
		got := ran(t, Options{Endpoints: fleetOf(capacities, 1, engine.FirstCome), Policy: policy.Capacity(policy.CapacityOptions{})}, made)
		formula := theory.ProportionalSplit(capacities, rate).Mean
		t.Logf("T = %v: formula %.2f ms, policy capacity %.2f ms", rate, formula*1000, ms(got))
		assert.Less(t, got.Mean().Seconds(), 0.9*formula)
		assert.Greater(t, got.Mean().Seconds(), theory.PreemptiveBound(capacities, rate))
		for e, n := range got.Counts() {
			assert.InDelta(t, 100_000*capacities[e]/450, n, 1, "every endpoint must have its share, to a request")
		}
	}
}

// TestOptimalSplitFollowsItsFormula: the measured traffic leads to the calculated shares,
// and they are worth it.
func TestOptimalSplitFollowsItsFormula(t *testing.T) {
	for _, c := range []struct {
		capacities []float64
		load       float64
	}{
		{[]float64{100, 200, 150}, 2.0 / 3},
		{[]float64{10, 10, 20, 40, 80}, 0.2},
		{[]float64{10, 10, 20, 40, 80}, 0.5},
		{[]float64{10, 10, 20, 40, 80}, 0.9},
	} {
		rate := 0.0
		for _, capacity := range c.capacities {
			rate += c.load * capacity
		}
		made := asked(t, trace.Options{Seed: 2, Requests: 60_000, Rate: rate})
		clock := new(Clock)
		endpoints := fleetOf(c.capacities, 1, engine.FirstCome)
		got := ran(t, Options{
			Endpoints: endpoints, Clock: clock,
			Policy: policy.OptimalSplit(policy.OptimalSplitOptions{Scale: 1, Now: clock.Now}),
		}, made)
		proportional := ran(t, Options{Endpoints: endpoints, Policy: policy.Capacity(policy.CapacityOptions{})}, made)
		want := theory.OptimalSplit(c.capacities, rate)
		t.Logf("load %.2f: formula %.1f ms, optimal_split %.1f ms, capacity %.1f ms, shares %.3f", c.load, want.Mean*1000, ms(got), ms(proportional), got.shares())
		for e, share := range got.shares() {
			assert.InDelta(t, want.Rates[e]/rate, share, 0.012, "what endpoint %d gets; 1 %% of a proportional share is the least", e)
		}
		assert.Less(t, ms(got), 1.01*ms(proportional))
		assert.Less(t, got.Mean().Seconds(), want.Mean*1.02, "dealt evenly, it is better than at random")
	}
}

// TestAnEvenSplitDrowns: at T/n = C the response time grows for as long as it lasts.
func TestAnEvenSplitDrowns(t *testing.T) {
	capacities := []float64{100, 200, 150}
	mean := func(requests int) float64 {
		made := asked(t, trace.Options{Seed: 2, Requests: requests, Rate: 300})
		return ms(ran(t, Options{Endpoints: fleetOf(capacities, 1, engine.FirstCome), Policy: newDealt([]float64{1, 1, 1})}, made))
	}
	assert.Greater(t, mean(160_000), 1.5*mean(10_000))
	published := ran(t, Options{
		Endpoints: fleetOf(capacities, 1, engine.FirstCome), Policy: newDealt(theory.PublishedSplit(capacities, 300).Rates),
	}, asked(t, trace.Options{Seed: 2, Requests: 20_000, Rate: 300}))
	assert.Greater(t, ms(published), 1000.0, "the published split drowns its slowest endpoint")
}

func ExampleRun() {
	made, err := trace.New(trace.Options{Seed: 1, Requests: 200_000, Rate: 300})
	if err != nil {
		panic(err)
	}
	fleet := []Endpoint{{Engine: engine.Options{Capacity: 100}, Limit: 1}, {Engine: engine.Options{Capacity: 200}, Limit: 1}, {Engine: engine.Options{Capacity: 150}, Limit: 1}}
	results, err := Run(Options{Endpoints: fleet, Policy: policy.LeastLoad(), Queue: endless(balancer.FIFO)}, made)
	if err != nil {
		panic(err)
	}
	fmt.Printf("R = %.1f ms\n", results.Mean().Seconds()*1000)
	// Output: R = 9.4 ms
}
