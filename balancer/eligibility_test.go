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
		"cap of all":                {ejectionRules{MaxEjectedRatio: 1, PanicRatio: 0}, []standing{ejected, ejected}, []bool{false, false}, false},
		"panic brings ejected back": {ejectionRules{MaxEjectedRatio: 1, PanicRatio: 0.5}, []standing{ejected, ejected, ok}, []bool{true, true, true}, true},
		"panic counts probe failed": {half, []standing{failed, ejected, ok}, []bool{false, true, true}, true},
		"panic never uses draining": {ejectionRules{MaxEjectedRatio: 1, PanicRatio: 0.5}, []standing{draining, departing, ejected}, []bool{false, false, true}, true},
		"draining is not missed":    {half, []standing{draining, draining, draining, ejected, ok}, []bool{false, false, false, false, true}, false},
		"failed probes do not call it panic": {half, []standing{failed, failed, failed, ok},
			[]bool{false, false, false, true}, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			eligible, panicking := test.rules.eligible(test.standings)
			assert.Equal(t, test.eligible, eligible)
			assert.Equal(t, test.panicking, panicking)
		})
	}
}

func TestConditionString(t *testing.T) {
	assert.Equal(t, "none", Condition(0).String())
	assert.Equal(t, "probe failed", ProbeFailed.String())
	assert.Equal(t, "draining, departing, probe failed, ejected", settable.String())
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
