package probe

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestThreshold(t *testing.T) {
	const ok, busy, bad = Passed, PassedBusy, FailedStatus
	tests := map[string]struct {
		initial State
		results []Result
		states  []State // after each result
	}{
		"first decides, up":        {Unknown, []Result{ok}, []State{Up}},
		"first decides, down":      {Unknown, []Result{bad}, []State{Down}},
		"first decides, busy":      {Unknown, []Result{busy}, []State{Busy}},
		"three failures":           {Up, []Result{bad, bad, bad}, []State{Up, Up, Down}},
		"a success between":        {Up, []Result{bad, bad, ok, bad, bad, bad}, []State{Up, Up, Up, Up, Up, Down}},
		"busy is a success":        {Up, []Result{bad, bad, busy, bad, bad, bad}, []State{Up, Up, Busy, Busy, Busy, Down}},
		"two successes":            {Down, []Result{ok, ok}, []State{Down, Up}},
		"a failure between":        {Down, []Result{ok, bad, ok, ok}, []State{Down, Down, Down, Up}},
		"back, but busy":           {Down, []Result{ok, busy}, []State{Down, Busy}},
		"busy brings back too":     {Down, []Result{busy, ok}, []State{Down, Up}},
		"busy and up change alone": {Up, []Result{busy, ok, busy}, []State{Busy, Up, Busy}},
		"any failure counts":       {Up, []Result{FailedTimeout, FailedConnect, FailedTLS}, []State{Up, Up, Down}},
		"down and up again": {Unknown, []Result{bad, ok, ok, bad, bad, bad, ok, ok},
			[]State{Down, Down, Up, Up, Up, Down, Down, Up}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			threshold := threshold{unhealthy: 3, healthy: 2, state: test.initial}
			before := test.initial
			for i, r := range test.results {
				changed := threshold.observe(r)
				assert.Equal(t, test.states[i], threshold.state, "after result %d", i)
				assert.Equal(t, threshold.state != before, changed, "after result %d", i)
				before = threshold.state
			}
		})
	}
}

func TestResultNames(t *testing.T) {
	seen := map[string]bool{}
	for r := range resultCount {
		seen[r.String()] = true
		assert.Equal(t, r > PassedBusy, r.State() == Down)
	}
	assert.Len(t, seen, int(resultCount))
	assert.NotContains(t, seen, "")
	assert.Equal(t, "unknown up busy down", Unknown.String()+" "+Up.String()+" "+Busy.String()+" "+Down.String())
}
