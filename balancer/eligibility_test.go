package balancer

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// standingOf makes a standing whose ejection, if any, was at this second.
func standingOf(c Condition, second int) (s standing) {
	for bit := Draining; bit <= Ejected; bit <<= 1 {
		if c&bit != 0 {
			s, _ = s.with(bit, true, "", time.Unix(int64(second), 0))
		}
	}
	return s
}

func TestEligible(t *testing.T) {
	ok := standing{}
	draining, departing := standingOf(Draining, 0), standingOf(Departing, 0)
	failed, ejected := standingOf(ProbeFailed, 0), standingOf(Ejected, 0)
	half := ejectionRules{MaxEjectedRatio: 0.5, PanicRatio: 0.5}
	tests := map[string]struct {
		rules     ejectionRules
		standings []standing
		eligible  []bool
		panicking bool
	}{
		"none":                      {half, nil, []bool{}, false},
		"all well":                  {half, []standing{ok, ok}, []bool{true, true}, false},
		"facts are obeyed":          {half, []standing{ok, draining, departing, failed}, []bool{true, false, false, false}, false},
		"to the last":               {half, []standing{failed, draining, failed}, []bool{false, false, false}, false},
		"several conditions":        {half, []standing{ok, standingOf(Draining|ProbeFailed|Ejected, 0)}, []bool{true, false}, false},
		"one of three ejected":      {half, []standing{ok, ejected, ok}, []bool{true, false, true}, false},
		"one of two ejected":        {half, []standing{ok, ejected}, []bool{true, false}, false},
		"the only one ejected":      {half, []standing{ejected}, []bool{true}, false},
		"the last usable ejected":   {half, []standing{failed, ejected}, []bool{false, true}, false},
		"cap obeys the earliest":    {half, []standing{standingOf(Ejected, 3), standingOf(Ejected, 1), standingOf(Ejected, 2), ok}, []bool{true, false, false, true}, false},
		"cap, equal times":          {half, []standing{ejected, ejected, ejected, ejected}, []bool{false, false, true, true}, false},
		"cap of nothing":            {ejectionRules{MaxEjectedRatio: 0, PanicRatio: 0}, []standing{ok, ejected, ok}, []bool{true, true, true}, false},
		"never the last one":        {ejectionRules{MaxEjectedRatio: 1, PanicRatio: 0}, []standing{ejected, ejected}, []bool{false, true}, false},
		"panic brings ejected back": {ejectionRules{MaxEjectedRatio: 1, PanicRatio: 0.5}, []standing{ejected, ejected, ok}, []bool{true, true, true}, true},
		"panic counts probe failed": {half, []standing{failed, ejected, ok}, []bool{false, true, true}, true},
		"panic never uses draining": {ejectionRules{MaxEjectedRatio: 1, PanicRatio: 0.5}, []standing{draining, departing, ejected, ejected, failed}, []bool{false, false, true, true, false}, true},
		"draining is not missed":    {half, []standing{draining, draining, draining, ejected, ok}, []bool{false, false, false, false, true}, false},
		"failed probes do not call it panic": {half, []standing{failed, failed, failed, ok},
			[]bool{false, false, false, true}, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			eligible, panicking := test.rules.eligible(test.standings, equals(len(test.standings)))
			assert.Equal(t, test.eligible, eligible)
			assert.Equal(t, test.panicking, panicking)
		})
	}
}

func TestConditionString(t *testing.T) {
	assert.Equal(t, "none", Condition(0).String())
	assert.Equal(t, "probe failed", ProbeFailed.String())
	assert.Equal(t, "draining, probe failed, ejected, arriving", settable.String())
}

func TestStanding(t *testing.T) {
	then, now := time.Unix(1, 0), time.Unix(2, 0)
	first, changed := standing{}.with(ProbeFailed, true, "status 503", then)
	assert.True(t, changed)
	both, _ := first.with(Draining, true, "operator", now)
	assert.Equal(t, []Reason{{ProbeFailed, "status 503", then}, {Draining, "operator", now}}, both.reasons)
	assert.Len(t, first.reasons, 1, "what a snapshot shares is never written")

	same, changed := both.with(ProbeFailed, true, "status 500", now)
	assert.False(t, changed)
	assert.Equal(t, both, same)

	none, changed := first.with(ProbeFailed, false, "", now)
	assert.True(t, changed)
	assert.Equal(t, standing{}, none)
}

// equals are n equal capacities.
func equals(n int) []float64 {
	capacities := make([]float64, n)
	for i := range capacities {
		capacities[i] = 100
	}
	return capacities
}

// TestEligibleByCapacity: what counts is what endpoints can do, not how many they are.
func TestEligibleByCapacity(t *testing.T) {
	ok, ejected, failed, draining := standing{}, standingOf(Ejected, 0), standingOf(ProbeFailed, 0), standingOf(Draining, 0)
	half := ejectionRules{MaxEjectedRatio: 0.5, PanicRatio: 0.5}
	tests := map[string]struct {
		rules      ejectionRules
		standings  []standing
		capacities []float64
		eligible   []bool
		panicking  bool
	}{
		"a small one":                      {half, []standing{ejected, ok}, []float64{1, 9}, []bool{false, true}, false},
		"more than half in one":            {half, []standing{ejected, ok}, []float64{9, 1}, []bool{true, true}, true},
		"that, and panic is off":           {ejectionRules{0.5, 0}, []standing{ejected, ok}, []float64{9, 1}, []bool{false, true}, false},
		"three small of four":              {half, []standing{ejected, ejected, ejected, ok}, []float64{1, 1, 1, 3}, []bool{false, false, false, true}, false},
		"a later one that fits":            {half, []standing{standingOf(Ejected, 1), standingOf(Ejected, 2), standingOf(Ejected, 3), ok}, []float64{3, 4, 2, 4}, []bool{false, true, false, true}, false},
		"the large one has failed":         {half, []standing{failed, ejected, ok}, []float64{10, 1, 1}, []bool{false, true, true}, true},
		"the large one drains":             {half, []standing{draining, ejected, ok}, []float64{10, 1, 1}, []bool{false, false, true}, false},
		"sums that overflow":               {half, []standing{ejected, ok}, []float64{1.5e308, 1.5e308}, []bool{false, true}, false},
		"a third of thirds that are not":   {ejectionRules{1.0 / 3, 0.5}, []standing{ejected, ok, ok}, []float64{0.1, 0.1, 0.1}, []bool{false, true, true}, false},
		"never the last, whatever it says": {ejectionRules{1, 0}, []standing{failed, ejected, ejected}, []float64{9, 1, 2}, []bool{false, false, true}, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			eligible, panicking := test.rules.eligible(test.standings, test.capacities)
			assert.Equal(t, test.eligible, eligible)
			assert.Equal(t, test.panicking, panicking)
		})
	}
}

// FuzzEligible: facts are always obeyed, one of the usable is always left, and what is kept out
// leaves enough.
func FuzzEligible(f *testing.F) {
	f.Add([]byte{8, 1, 0, 2, 8, 3, 8, 4}, 0.5, 0.5)
	f.Add([]byte{4, 9, 8, 1, 8, 1}, 1.0, 0.0)
	f.Fuzz(func(t *testing.T, data []byte, most, panicRatio float64) {
		if !(most >= 0 && most <= 1 && panicRatio >= 0 && panicRatio <= 1) {
			return
		}
		rules := ejectionRules{most, panicRatio}
		var standings []standing
		var capacities []float64
		for i := 0; i+1 < len(data); i += 2 {
			standings = append(standings, standingOf(Condition(data[i])&settable, i))
			capacities = append(capacities, float64(data[i+1])+1)
		}
		eligible, panicking := rules.eligible(standings, capacities)
		usable, left, kept := 0, 0, 0
		for i, s := range standings {
			fact := s.set&(Draining|Departing|ProbeFailed) != 0
			if fact && eligible[i] || !fact && s.set == 0 && !eligible[i] {
				t.Fatalf("%v of %v: %v", rules, standings, eligible)
			}
			if !fact {
				usable++
			}
			if eligible[i] {
				left++
			} else if !fact {
				kept++
			}
		}
		if usable > 0 && left == 0 || panicking && kept > 0 || kept > 0 && !rules.enough(eligible, standings, capacities) {
			t.Fatalf("%v of %v, %v: %v, panicking %v", rules, standings, capacities, eligible, panicking)
		}
	})
}
