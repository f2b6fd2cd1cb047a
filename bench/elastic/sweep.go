// Rules by their own targets, and where they are alike in what users bear.

package elastic

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// contender is a rule with a target that it is swept over.
type contender struct {
	name    string
	target  string // what the target is, in words
	targets []float64
	run     func(c *prepared, target float64) Figures
	told    bool // it is told the rate, and runs only where that is known
}

// prepared is a course with what is made of it once.
type prepared struct {
	*course
	foretold *foretold
	foreseen *foreseen
}

func prepare(c *course) *prepared {
	return &prepared{course: c, foretold: foretell(c), foreseen: foresee(c)}
}

// The names of the rules.
const (
	withFloor = "steelyard, floor"
	reactive  = "steelyard, reactive"
	ofHPA     = "HPA, in flight"
	ofScraped = "HPA, in flight, scraped"
	ofUse     = "HPA, use"
	ofKEDA    = "KEDA, queue and running"
	ofWaiting = "HPA, waiting"
	ofKnative = "Knative"
	toldNow   = "told the rate"
	toldAhead = "told ahead"
	ofFixed   = "fixed"
	ofOracle  = "oracle"
)

var (
	ourTargets     = []float64{.5, .6, .7, .75, .8, .85, .9, .95}
	theirTargets   = []float64{.4, .5, .6, .7, .75, .8, .85, .9, .95, 1, 1.1}
	useTargets     = []float64{.3, .4, .5, .6, .7, .75, .8, .85, .9}
	waitingTargets = []float64{1, 2, 5, 10, 20}
)

// hpas are the rules of Kubernetes by what they go by.
var hpas = []string{ofHPA, ofScraped, ofUse, ofWaiting}

// contenders are all rules.
var contenders = []contender{
	{reactive, "target_utilization", ourTargets, func(c *prepared, target float64) Figures { return c.ours(target, nil) }, false},
	{withFloor, "target_utilization", ourTargets, func(c *prepared, target float64) Figures { return c.ours(target, c.foretold) }, false},
	{ofHPA, "requests in flight and waiting, for each slot", theirTargets, others(newHPA), false},
	{ofScraped, "requests in flight and waiting, for each slot", theirTargets, others(newScraped), false},
	{ofUse, "slots in use", useTargets, others(newUse), false},
	{ofWaiting, "requests that wait, for each replica", waitingTargets, others(newWaiting), false},
	{ofKEDA, "slots in use, and one request that waits", theirTargets, others(newKEDA), false},
	{ofKnative, "requests in flight and waiting, for each slot", theirTargets, others(newKPA), false},
	{ofFixed, "replicas", []float64{2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 14, 16, 24, 32, 48}, func(c *prepared, target float64) Figures {
		s := c.setup
		s.first, s.min, s.max = int(target), int(target), int(target)
		return simulate(s, c.requests(), fixed(target))
	}, false},
	{toldNow, "as target_utilization", ourTargets, informs(false), true},
	{toldAhead, "as target_utilization", ourTargets, informs(true), true},
	{ofOracle, "part of the objective that it plans for, and the replica-seconds that a second over it is worth to it", oracleTargets, (*prepared).oracle, false},
}

// shows is a target for people.
func (r *contender) shows(target float64) string {
	if r.name == ofOracle {
		part, price := oracleTarget(target)
		return fmt.Sprintf("%g/%g", part, price)
	}
	return fmt.Sprintf("%g", target)
}

func others(rule func(setup, float64) rule) func(*prepared, float64) Figures {
	return func(c *prepared, target float64) Figures {
		return simulate(c.setup, c.requests(), rule(c.setup, target))
	}
}

func (c *prepared) ours(target float64, f *foretold) Figures {
	s := c.setup
	s.revives = true
	return simulate(s, c.requests(), newControlled(s, target, f))
}

// oracleTargets number the pairs of what the oracle plans for.
var oracleTargets = []float64{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}

// oracleTarget is the pair of a number: work is fluid to its plan, so that it must plan for less than the objective to keep it.
func oracleTarget(number float64) (part, price float64) {
	pairs := [...][2]float64{
		{1, 10}, {1, 50}, {.5, 10}, {.5, 20}, {.5, 50}, {.2, 10}, {.2, 20}, {.2, 50}, {.2, 200}, {0, 5}, {0, 10}, {0, 20}, {0, 50},
	}
	p := pairs[int(number)]
	return p[0], p[1]
}

// oracle carries its plan out: replicas serve at once, and the start is charged.
func (c *prepared) oracle(number float64) Figures {
	s := c.setup
	part, price := oracleTarget(number)
	p := planFor(&s, c.foreseen, price, part)
	s.charge, s.start, s.revives = s.start, 0, true
	return simulate(s, c.requests(), p)
}

// tuned is what came of one target.
type tuned struct {
	Target float64
	Figures
}

// curve are the figures of one rule on one course.
type curve []tuned

// hoursAt is how many replica-hours it takes at a part of seconds over the objective, and by which target: between two that it was run
// with, by the logarithm. NaN: it never gets there.
func (c curve) hoursAt(part float64) (hours, target float64) {
	list := slices.Clone(c)
	slices.SortFunc(list, func(a, b tuned) int { return cmp.Or(cmp.Compare(a.Hours, b.Hours), cmp.Compare(a.Over, b.Over)) })
	over := func(t tuned) float64 { return math.Log(float64(t.Over) + 0.5) }
	if len(list) == 0 {
		return math.NaN(), math.NaN()
	}
	goal := math.Log(part*float64(list[0].Seconds) + 0.5)
	before := -1 // the last one of those that nobody cheaper was better than
	for i, t := range list {
		if before >= 0 && over(t) >= over(list[before]) {
			continue
		}
		if over(t) <= goal {
			if before < 0 {
				return t.Hours, t.Target
			}
			b := list[before]
			x := (goal - over(b)) / (over(t) - over(b))
			return b.Hours + x*(t.Hours-b.Hours), b.Target + x*(t.Target-b.Target)
		}
		before = i
	}
	return math.NaN(), math.NaN()
}
