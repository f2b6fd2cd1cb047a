package elastic

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/balancer/policy"
	"github.com/steelyard-proxy/steelyard/bench/engine"
	"github.com/steelyard-proxy/steelyard/bench/sim"
	"github.com/steelyard-proxy/steelyard/bench/trace"
	"github.com/steelyard-proxy/steelyard/configs"
)

// even is a course of so many requests per second, all alike, at equal distances; level changes them.
func even(span, rate float64, level func(at float64) float64) *course {
	c := &course{name: "even", setup: usualSetup}
	c.setup.span, c.setup.from = span, min(c.setup.from, span/2)
	c.draw(rate, level, func() float64 { return 1 }, func() float32 { return 1 })
	return c
}

func one(float64) float64 { return 1 }

// TestServedAsByTheSimulation: the real balancer before the engines of slots serves the same requests at the same times.
func TestServedAsByTheSimulation(t *testing.T) {
	chance := rand.New(rand.NewPCG(1, 2))
	c := &course{setup: usualSetup}
	c.setup.span, c.setup.from, c.setup.most = 3000, 0, 1e6
	c.draw(2.25, one, chance.ExpFloat64, func() float32 { return drawWork(chance) })
	made := trace.Trace{}
	for i, at := range c.at {
		made.Requests = append(made.Requests, trace.Request{At: seconds(at), Work: float64(c.work[i])})
	}
	const replicas = 3
	o := sim.Options{Policy: policy.LeastLoad(), Queue: balancer.QueueOptions{MaxRequests: 1e6, MaxWait: 1000 * time.Hour}}
	for range replicas {
		o.Endpoints = append(o.Endpoints, sim.Endpoint{Limit: c.setup.slots, Engine: engine.Options{Capacity: c.setup.capacity(), Slots: c.setup.slots}})
	}
	r, err := sim.Run(o, made)
	require.NoError(t, err)
	late := map[int]bool{}
	for i, wait := range r.Wait {
		if wait > seconds(c.setup.wait) {
			late[int(c.at[i])] = true
		}
	}
	s := c.setup
	s.first, s.min, s.max, s.span = replicas, replicas, replicas, 1e6 // until all are done
	f := simulate(s, c.requests(), fixed(replicas))
	assert.Greater(t, len(late), 100, "they do wait")
	assert.InDelta(t, len(late), f.Over, 1)
	assert.InEpsilon(t, r.Mean().Seconds(), f.Response, 1e-6)
}

// TestConstantLoad has exactly as many replicas as it needs, by each rule.
func TestConstantLoad(t *testing.T) {
	c := even(3*3600, 2, one) // 20 slots are busy: 2.5 replicas
	p := &prepared{course: c, foretold: foretell(c), foreseen: foresee(c)}
	hours := func(name string, target float64) float64 {
		for _, r := range contenders {
			if r.name == name {
				f := r.run(p, target)
				assert.Zero(t, f.Over, name)
				assert.Zero(t, f.Turns, name)
				return f.Hours * 3600 / float64(f.Seconds)
			}
		}
		panic("BUG: no rule " + name)
	}
	assert.InDelta(t, 3, hours(ofOracle, 8), 0.02)
	assert.InDelta(t, 5, hours(ofHPA, 0.5), 0.05, "20 in flight, 4 for each")
	assert.InDelta(t, 5, hours(ofScraped, 0.5), 0.05)
	assert.InDelta(t, 5, hours(ofUse, 0.5), 0.05)
	assert.InDelta(t, 3, hours(toldNow, 0.7), 0.05)
	assert.InDelta(t, 3, hours(toldAhead, 0.7), 0.05)
	assert.InDelta(t, 5, hours(ofKEDA, 0.5), 0.05)
	assert.InDelta(t, 5, hours(ofKnative, 0.5), 0.05)
	assert.InDelta(t, 4, hours(ofFixed, 4), 0.02)
	assert.InDelta(t, 3, hours(reactive, 0.7), 0.05, "2.5 + 0.36 × √2.5 = 3.07, which is within what is let be")
	assert.InDelta(t, 4, hours(reactive, 0.5), 0.05, "2.5 + 0.71 × √2.5 = 3.6")
}

// TestAStep: who waits for a start is late for as long as that takes, and the oracle is not.
func TestAStep(t *testing.T) {
	c := even(2*3600, 1, func(at float64) float64 {
		if at < 4000 {
			return 1
		}
		return 4
	})
	p := &prepared{course: c, foretold: foretell(c), foreseen: foresee(c)}
	f := p.ours(0.7, nil)
	assert.Greater(t, f.Over, 30)
	assert.Less(t, f.Over, 240, "two starts and what had to be worked off")
	assert.GreaterOrEqual(t, f.Starts, 3)
	assert.Zero(t, p.oracle(8).Over)
	assert.Less(t, p.oracle(8).Hours, f.Hours)
}

// TestAnImpossibleObjective: where the most replicas are too few all seconds are over, and no target is found.
func TestAnImpossibleObjective(t *testing.T) {
	c := even(3600, 4, one) // 40 slots are busy
	c.setup.max = 3
	p := &prepared{course: c, foretold: foretell(c), foreseen: foresee(c)}
	var ours curve
	for _, target := range []float64{0.3, 0.7} {
		ours = append(ours, tuned{target, p.ours(target, nil)})
		assert.InDelta(t, ours[len(ours)-1].Seconds, ours[len(ours)-1].Over, 3, "but those who have only just come")
		assert.Positive(t, ours[len(ours)-1].Refused)
		assert.LessOrEqual(t, ours[len(ours)-1].Peak, 3)
	}
	hours, _ := ours.hoursAt(0.01)
	assert.True(t, math.IsNaN(hours))
}

// TestEqualSeconds: between two targets by the logarithm, and what is dearer and no better counts for nothing.
func TestEqualSeconds(t *testing.T) {
	at := func(target, hours float64, over int) tuned {
		return tuned{target, Figures{Hours: hours, Over: over, Seconds: 1000}}
	}
	c := curve{at(0.5, 20, 0), at(0.7, 14, 1), at(0.75, 15, 30), at(0.8, 12, 4), at(0.9, 10, 99)}
	hours, target := c.hoursAt(0.004)
	assert.InDelta(t, 12, hours, 1e-9)
	assert.InDelta(t, 0.8, target, 1e-9)
	hours, _ = c.hoursAt(0.02)
	assert.InDelta(t, 10+2*(math.Log(99.5)-math.Log(20.5))/(math.Log(99.5)-math.Log(4.5)), hours, 1e-9)
	hours, _ = c.hoursAt(0.5)
	assert.InDelta(t, 10, hours, 1e-9, "the cheapest is better than was asked for")
	hours, _ = curve{at(0.5, 20, 9)}.hoursAt(0.001)
	assert.True(t, math.IsNaN(hours))
}

// TestTheHPA lets be what is within a tenth, doubles at once, and goes in by the most of five minutes.
func TestTheHPA(t *testing.T) {
	f := &fleet{setup: usualSetup}
	f.counts[serving] = 4
	h := newHPA(f.setup, 0.5).(*hpa)
	look := func(inFlight float64) int {
		f.now += hpaSync
		f.together += hpaSync * inFlight
		return h.decide(f)
	}
	look(16)
	assert.Equal(t, 4, look(17.5))
	assert.Equal(t, 5, look(17.7))
	assert.Equal(t, 8, look(400))
	for range hpaStabilization / hpaSync {
		assert.Equal(t, 4, look(4))
	}
	assert.Equal(t, 1, look(4))
}

// TestTheScrapedHPA sees a gauge as it was when it was scraped last, every other time it looks.
func TestTheScrapedHPA(t *testing.T) {
	f := &fleet{setup: usualSetup}
	f.counts[serving] = 4
	h := newScraped(f.setup, 0.5).(*hpa)
	look := func(inFlight int) int {
		f.now += hpaSync
		f.running = inFlight
		return h.decide(f)
	}
	assert.Equal(t, 4, look(16))
	assert.Equal(t, 4, look(32))
	assert.Equal(t, 8, look(32))
}

// TestTheHPAByThoseWhoWait has so many of them for each replica, and asks for none when nobody waits.
func TestTheHPAByThoseWhoWait(t *testing.T) {
	f := &fleet{setup: usualSetup}
	f.counts[serving] = 2
	h := newWaiting(f.setup, 5).(*hpa)
	look := func(waiting float64) int {
		f.now += hpaSync
		f.queued += hpaSync * waiting
		return h.decide(f)
	}
	look(10)
	assert.Equal(t, 4, look(17))
	for range hpaStabilization / hpaSync {
		assert.Equal(t, 2, look(0))
	}
	assert.Equal(t, 0, look(0), "the fleet keeps its least")
}

// TestWhoIsToldTheRate knows what comes while a replica starts, or only what comes now.
func TestWhoIsToldTheRate(t *testing.T) {
	f := &fleet{setup: usualSetup, now: 50}
	k := informed{rates: make([]float64, 100), utilization: 0.5}
	for i := range k.rates {
		k.rates[i] = 1
		if i >= 20 { // from 100 s on
			k.rates[i] = 4
		}
	}
	assert.Equal(t, 2, k.decide(f), "1 + 0.71 × √1, and a tenth is let be")
	k.ahead = f.start
	assert.Equal(t, 6, k.decide(f), "4 + 0.71 × √4")
	f.now = 1e4
	assert.Equal(t, 6, k.decide(f))
}

// TestOneSettingForAll: courses count the same, whatever they are long.
func TestOneSettingForAll(t *testing.T) {
	run := func(target, hours float64, over, seconds int) tuned {
		return tuned{target, Figures{Hours: hours, Over: over, Seconds: seconds}}
	}
	oracle := func(hours float64, seconds int) curve { return curve{run(0, hours, 0, seconds)} }
	rules := func(c, o curve) map[string]curve {
		all := map[string]curve{ofOracle: o}
		for _, r := range contenders {
			if r.name != ofOracle {
				all[r.name] = c
			}
		}
		return all
	}
	courses := [][]*done{
		{{kind: kind{name: "short"}, curves: rules(curve{run(0.6, 20, 1, 1000), run(0.8, 10, 9, 1000)}, oracle(10, 1000))}},
		{{kind: kind{name: "long"}, curves: rules(curve{run(0.6, 300, 0, 10000), run(0.8, 200, 100, 10000)}, oracle(100, 10000))}},
	}
	all := together(courses, ofHPA)
	require.Len(t, all, 2)
	assert.InDelta(t, 2.5, all[0].Hours, 1e-9)
	assert.InDelta(t, 0.0005, all[0].part(), 1e-9)
	half := all.at(0.7)
	assert.InDelta(t, 2, half.Hours, 1e-9)
	assert.InDelta(t, 0.005, half.part(), 1e-6)
	assert.True(t, math.IsNaN(curve(nil).at(0.7).Hours))
	assert.InDelta(t, 2.5, all.least(0.00001), 1e-9, "it never gets there: the fewest that it has")
	assert.InDelta(t, 1.5, all.least(1), 1e-9)
	assert.Empty(t, together([][]*done{courses[0], {{curves: map[string]curve{}}}}, ofHPA), "it does not run on all")
	assert.Len(t, oneTable(courses).Rows, len(usual)+len(hpas))
}

// TestKnativePanics where six seconds ask for twice what is ready, and does not go in then.
func TestKnativePanics(t *testing.T) {
	f := &fleet{setup: usualSetup}
	f.counts[serving] = 2
	k := newKPA(f.setup, 1).(*kpa)
	look := func(inFlight float64) int {
		f.now += kpaTick
		f.together += kpaTick * inFlight
		return k.decide(f)
	}
	for range 60 {
		require.Equal(t, 1, look(8))
	}
	look(64)
	look(64)
	assert.Equal(t, 8, look(64))
	assert.Equal(t, 8, look(0), "in a panic it stays")
}

// TestADrainEnds when what is in flight has, and counts until then.
func TestADrainEnds(t *testing.T) {
	c := &course{setup: usualSetup, at: []float64{1, 1}, work: []float32{5, 5}} // for 50 s, on both
	c.setup.span, c.setup.from, c.setup.first = 100, 0, 2
	f := simulate(c.setup, c.requests(), &plan{list: []int{2, 1, 1, 1, 1, 1, 1}, length: planSeconds})
	assert.InDelta(t, (51+100)/3600.0, f.Hours, 1e-9)
	assert.Zero(t, f.Over)
}

// TestCoursesAreTheSameForASeed.
func TestCoursesAreTheSameForASeed(t *testing.T) {
	for _, k := range kinds {
		if k.file != "" {
			continue
		}
		k.days = max(0.1, k.least)
		a, err := k.course("", 3)
		require.NoError(t, err)
		b, _ := k.course("", 3)
		require.Equal(t, a.at, b.at, k.name)
		assert.Len(t, a.past, pastDays*int(daySeconds/stepSeconds), k.name)
		if a.users != nil {
			one, two := simulate(a.setup, a.requests(), fixed(4)), simulate(b.setup, b.requests(), fixed(4))
			assert.Equal(t, one, two)
			assert.Positive(t, one.Requests)
		}
	}
}

// TestRun is the whole of it, on an hour of a night.
func TestRun(t *testing.T) {
	var night kind
	for _, k := range kinds {
		if k.name == "week" {
			night = k
		}
	}
	night.days = 0.05
	jobs := []*done{{kind: night, seed: 1, curves: map[string]curve{}}}
	require.NoError(t, all(t.Context(), Options{}, jobs))
	courses := join(jobs)
	require.Len(t, courses, 1)
	assert.Len(t, equalTable(courses).Rows, 1)
	assert.Len(t, partsTable(courses).Rows, 1)
	assert.Len(t, usualTable(courses).Rows, len(contenders))
	assert.Len(t, sweepTable(courses).Rows, len(contenders))
	goals := goals(courses)
	require.Len(t, goals, 2)
	for _, check := range goals[1].Checks {
		assert.True(t, check.Got.Exists(), check.Name)
	}
	list, missing := Options{Days: 1}.wanted()
	assert.Len(t, missing, 4)
	assert.Len(t, list, len(kinds)-4)
}

func TestBadOptions(t *testing.T) {
	for _, c := range []struct {
		o    Options
		says string
	}{
		{Options{Only: []string{"weak"}}, `--only: there is no course "weak"`},
		{Options{Only: []string{"azure conv"}}, "give its folder by --traces"},
		{Options{Folder: t.TempDir()}, "none of the published files is there"},
		{Options{Seeds: -1}, "--seeds -1: give 1 to 1000"},
		{Options{Days: 29}, "--days 29: give 1 to 28"},
		{Options{Live: true, Days: 1}, "--live: is one day of its own"},
	} {
		require.ErrorContains(t, c.o.Check(), c.says)
	}
}

// TestTheLiveConfiguration is one that the gateway takes, whatever its program is called.
func TestTheLiveConfiguration(t *testing.T) {
	s := liveSetup
	c, err := configs.Parse("live.yaml", []byte(s.config("127.0.0.1:8080", "127.0.0.1:9090", `/tmp/a "b"/steelyard`)), nil)
	require.NoError(t, err)
	scale := c.Upstreams[0].Scale
	require.NotNil(t, scale)
	assert.False(t, scale.DryRun)
	assert.Equal(t, seconds(s.keep), scale.ScaleInAfter)
	assert.Equal(t, []string{`/tmp/a "b"/steelyard`, "{port}"}, scale.Actuator.Command[3:])
	day := compressed(1, 60)
	assert.Greater(t, len(day.at), 100)
	assert.Len(t, day.trace().Requests, len(day.at))
}
