package balancer

import (
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTiersInUse(t *testing.T) {
	all := func(able, whole float64) tierStrength { return tierStrength{able, whole, int(able) + 1, 1} }
	away := tierStrength{4, 4, 4, 0}
	none := func(whole float64) tierStrength { return tierStrength{whole: whole} }
	for name, c := range map[string]struct {
		tiers   map[int]tierStrength
		ratio   float64
		last    int
		spilled bool
	}{
		"all is well":              {map[int]tierStrength{0: all(4, 4), 1: all(2, 2)}, 0.7, 0, false},
		"just enough":              {map[int]tierStrength{0: all(3, 4), 1: all(2, 2)}, 0.75, 0, false},
		"too little":               {map[int]tierStrength{0: all(2, 4), 1: all(2, 2), 2: all(1, 1)}, 0.6, 1, true},
		"both too little":          {map[int]tierStrength{0: all(1, 4), 1: all(2, 2), 2: all(1, 1)}, 0.7, 2, true},
		"nothing left":             {map[int]tierStrength{0: none(4), 1: all(2, 2)}, 0, 1, true},
		"only if nothing is":       {map[int]tierStrength{0: all(0.1, 4), 1: all(2, 2)}, 0, 0, false},
		"no numbers without gaps":  {map[int]tierStrength{3: none(4), 7: all(2, 2), 9: all(2, 2)}, 0.3, 7, true},
		"nothing anywhere":         {map[int]tierStrength{0: none(4), 1: none(4)}, 0.7, 1, false},
		"away for a moment":        {map[int]tierStrength{0: away, 1: all(2, 2), 2: all(2, 2)}, 0.7, 1, true},
		"all are":                  {map[int]tierStrength{0: away, 1: away}, 0, 1, true},
		"the last one falls short": {map[int]tierStrength{0: none(4), 1: all(1, 4)}, 0.7, 1, true},
	} {
		last, spilled := tiersInUse(c.tiers, c.ratio)
		assert.Equal(t, c.last, last, name)
		assert.Equal(t, c.spilled, spilled, name)
	}
}

// newTieredPool has four endpoints in tier 0 and two in tier 1.
func newTieredPool(t *testing.T, o Options) *Pool {
	t.Helper()
	list := slotted(6, 0)
	list[4].Tier, list[5].Tier = 1, 1
	p := NewPool("chat", NewLoads())
	o.TierSpillRatio = 0.7
	require.NoError(t, p.Apply(o, list))
	return p
}

func standing6(p *Pool) (standing string) {
	for _, e := range p.Snapshot().Endpoints {
		switch {
		case e.Eligible && e.Standby:
			standing += "?"
		case e.Eligible:
			standing += "x"
		case e.Standby:
			standing += "-"
		default:
			standing += "0"
		}
	}
	return standing
}

// TestBackupsStandIn while all of the first tier ask for a pause, or cannot be reached, and no longer.
func TestBackupsStandIn(t *testing.T) {
	for name, outcome := range map[string]Outcome{
		"they ask for a pause": {Class: Answered, Status: 429, PushBack: time.Second}, "they are out": {Class: ConnectFailed},
	} {
		synctest.Test(t, func(t *testing.T) {
			var told []Transition
			p := newTieredPool(t, Options{Policy: turns{"turns"}, Notify: func(tr Transition) {
				if tr.Panic == SpillsOver {
					told = append(told, tr)
				}
			}})
			for i := range 4 {
				require.Equal(t, "xxxx--", standing6(p), "%s: %d of four", name, i)
				lease, err := p.Acquire(nil)
				require.NoError(t, err)
				lease.Release(outcome)
			}
			require.Equal(t, "xxxxxx", standing6(p), name)
			for range 6 {
				lease, err := p.Acquire(nil)
				require.NoError(t, err)
				require.True(t, lease.Endpoint() == at(p, 4) || lease.Endpoint() == at(p, 5), name)
				lease.Release(Outcome{Class: Answered})
			}
			time.Sleep(time.Second + 1)
			synctest.Wait()
			if outcome.Class == ConnectFailed {
				p.reached(at(p, 0))
			}
			require.Equal(t, "xxxx--", standing6(p), name)
			require.Len(t, told, 2, name)
			require.True(t, told[0].On && !told[1].On, name)
			for i := range 4 { // no timer outlives the bubble
				p.reached(at(p, i))
			}
		})
	}
}

// TestBackupsAreSpared until the tier before them falls short, whatever the reason is.
func TestBackupsAreSpared(t *testing.T) {
	p := newTieredPool(t, Options{Policy: turns{"turns"}, MaxEjectedRatio: 0.5, PanicRatio: 0.5})
	require.Equal(t, "xxxx--", standing6(p))
	require.InDelta(t, 0.25, state(p, 0).Share, 1e-9)
	require.Zero(t, state(p, 4).Share)
	for range 20 {
		lease, err := p.Acquire(nil)
		require.NoError(t, err)
		require.False(t, lease.Endpoint() == at(p, 4) || lease.Endpoint() == at(p, 5))
		lease.Release(Outcome{Class: Answered})
	}
	set(t, p, 0, Draining, true)
	require.Equal(t, "0xxx--", standing6(p), "three of four are more than 0.7")
	set(t, p, 1, Ejected, true)
	require.Equal(t, "00xxxx", standing6(p))
	require.True(t, p.Snapshot().Spilled)
	require.InDelta(t, 0.25, state(p, 4).Share, 1e-9)
	for i := range 4 {
		set(t, p, i, ProbeFailed, true)
	}
	require.Equal(t, "0000xx", standing6(p))
	set(t, p, 4, ProbeFailed, true)
	set(t, p, 5, ProbeFailed, true)
	require.Equal(t, "000000", standing6(p))
	_, err := p.Acquire(nil)
	require.ErrorIs(t, err, ErrNoEndpoint)
}

// TestBackupsServeWhileTheFirstComeBack: what is on trial or ramps cannot be counted on yet.
func TestBackupsServeWhileTheFirstComeBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []Transition
		o := gentle(Options{Policy: turns{"turns"}})
		o.Notify = func(tr Transition) {
			if tr.Panic == SpillsOver {
				told = append(told, tr)
			}
		}
		p := newTieredPool(t, o)
		for i := range 2 {
			set(t, p, i, ProbeFailed, true)
		}
		for i := range 2 {
			set(t, p, i, ProbeFailed, false)
		}
		require.Equal(t, "xxxxxx", standing6(p), "two are on trial")
		for i := range 2 {
			release(try(t, p, i, 2), Outcome{Class: Answered})
		}
		for want := "xxxxxx"; ; {
			ramp := state(p, 0).Ramp
			if (2+2*ramp)/4 >= 0.7-1e-9 {
				want = "xxxx--"
			}
			require.Equal(t, want, standing6(p), "at %v", ramp)
			if ramp == 1 {
				break
			}
			time.Sleep(testRamp / rampSteps)
			synctest.Wait()
		}
		require.Equal(t, []bool{true, false}, []bool{told[0].On, told[1].On})
		require.Len(t, told, 2)
	})
}

// TestTiersOfRandomFleets: somebody serves if anybody can, tiers are used from the first on, and no
// more of them than it takes.
func TestTiersOfRandomFleets(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	for range 2000 {
		p := NewPool("chat", NewLoads())
		list := slotted(1+rng.IntN(8), 0)
		for i := range list {
			list[i].Tier, list[i].Capacity = rng.IntN(3), 1+9*rng.Float64()
		}
		o := Options{Policy: turns{"turns"}, TierSpillRatio: rng.Float64(), MaxEjectedRatio: rng.Float64(), PanicRatio: rng.Float64()}
		require.NoError(t, p.Apply(o, list))
		for i := range list {
			if rng.IntN(2) == 0 {
				set(t, p, i, []Condition{Draining, ProbeFailed, Ejected}[rng.IntN(3)], true)
			}
		}
		well, used, spared, able, whole := false, -1, 99, map[int]float64{}, map[int]float64{}
		for _, e := range p.Snapshot().Endpoints {
			well = well || e.Eligible || e.Standby
			if e.Eligible {
				used = max(used, e.Tier)
			}
			if e.Standby {
				spared = min(spared, e.Tier)
			}
			for tier := e.Tier; tier < 3; tier++ {
				whole[tier] += e.Base
				if e.Eligible || e.Standby {
					able[tier] += e.Base
				}
			}
		}
		require.Equal(t, well, used >= 0)
		require.Less(t, used, spared)
		if used > 0 && able[used-1] > 0 {
			require.Less(t, able[used-1], o.TierSpillRatio*whole[used-1])
		}
	}
}
