package autoscale

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var dawn = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

// told gives a controller the same sample every five seconds, for so long, and returns what it says at the end.
func told(c *Controller, from time.Time, d time.Duration, s Sample) (last Decision) {
	for at := time.Duration(0); at <= d; at += 5 * time.Second {
		last = c.Step(from.Add(at), s)
	}
	return last
}

func TestWhatIsNeeded(t *testing.T) {
	nan := math.NaN()
	calm := Sample{Ready: 4, Slots: 32, InFlight: 20, Arriving: 2.5, Forecast: nan, Lead: 90 * time.Second}
	with := func(change func(*Sample)) Sample {
		s := calm
		change(&s)
		return s
	}
	for name, c := range map[string]struct {
		settings Settings
		sample   Sample
		wanted   int
		reason   string
	}{
		"enough": {Settings{}, calm, 4, "4 stay: 2.5 servers' worth of work is to be done, and a server shall be 82 % busy"},
		"too much arrives": {Settings{}, with(func(s *Sample) { s.InFlight, s.Arriving = 32, 4.2 }), 5,
			"4 → 5: 4 servers' worth of work is to be done, and a server shall be 85 % busy"},
		"much work waits": {Settings{}, with(func(s *Sample) { s.InFlight, s.Waiting, s.WaitingRequests, s.Arriving = 32, 380, 90, 4 }), 8,
			"4 → 8: 380 s of work wait, a server needs 90 s to start"},
		"a little work waits": {Settings{}, with(func(s *Sample) { s.Waiting, s.WaitingRequests = 3, 2 }), 4, "4 stay: 2.5 servers' worth of work is to be done, and a server shall be 82 % busy"},
		"some come already": {Settings{}, with(func(s *Sample) { s.InFlight, s.Arriving, s.Starting = 32, 4.2, 2 }), 6,
			"6 stay: 4 servers' worth of work is to be done, and a server shall be 85 % busy; none goes, as they must suffice for 5 min"},
		"not known what arrives": {Settings{}, with(func(s *Sample) { s.Arriving = nan }), 4, "4 stay: 2.5 servers' worth of work is to be done, and a server shall be 82 % busy"},
		"nothing known": {Settings{}, with(func(s *Sample) { s.Arriving, s.Slots = nan, 0 }), 4,
			"4 stay: it is not known how much work arrives, and the servers have no slots, so that none goes"},
		"stale": {Settings{}, with(func(s *Sample) { s.Age, s.InFlight, s.Arriving = time.Minute, 32, 40 }), 4, "4 stay: the newest figure is 60 s old"},
		"capacity": {Settings{Capacity: 100, Max: 20}, with(func(s *Sample) { s.InFlight, s.Arriving = 32, 420 }), 5,
			"4 → 5: 4 servers' worth of work is to be done, and a server shall be 85 % busy"},
		"capacity as learned": {Settings{Capacity: 100, Max: 20}, with(func(s *Sample) { s.InFlight, s.Arriving, s.Capacity = 32, 420, 50 }), 8,
			"4 → 8: 8.4 servers' worth of work arrives at once; 10 are wanted, step by step"},
		"one large one serves": {Settings{}, with(func(s *Sample) { s.Ready, s.Worth = 1, 6 }), 1, "1 stays: 3.8 servers' worth of work is to be done, and a server shall be 84 % busy"},
		"foretold":             {Settings{}, with(func(s *Sample) { s.Forecast = 4.6 }), 6, "4 → 6: 4.6 servers' worth of work is foretold for when a new one is ready"},
		"foretold, only shown": {Settings{Predict: PredictShow}, with(func(s *Sample) { s.Forecast = 4.6 }), 4,
			"4 stay: 2.5 servers' worth of work is to be done, and a server shall be 82 % busy"},
		"the most": {Settings{Max: 5}, with(func(s *Sample) { s.InFlight, s.Arriving = 32, 9 }), 5,
			"4 → 5: 5 is the most that there may be; 9 servers' worth of work arrives at once"},
		"the least":                 {Settings{Min: 6}, calm, 6, "4 → 6: at least 6 shall be there"},
		"too many for the most":     {Settings{Max: 3}, calm, 3, "4 → 3: 3 is the most that there may be; 2.5 servers' worth of work is to be done, and a server shall be 82 % busy"},
		"an alert asks":             {Settings{}, with(func(s *Sample) { s.Asked = 2 }), 6, "4 → 6: an alert has asked for 6"},
		"an alert asks for fewer":   {Settings{}, with(func(s *Sample) { s.Asked, s.InFlight, s.Arriving = -1, 10, 1.2 }), 3, "4 → 3: an alert asks for fewer, and they suffice"},
		"an alert asks for too few": {Settings{}, with(func(s *Sample) { s.Asked = -1 }), 4, "4 stay: 2.5 servers' worth of work is to be done, and a server shall be 82 % busy"},
		"nothing is there":          {Settings{}, Sample{Held: 3, WaitingRequests: 3, Forecast: nan, Lead: 90 * time.Second}, 1, "0 → 1: 3 requests wait for the first server, which needs 90 s to start"},
	} {
		t.Run(name, func(t *testing.T) {
			if c.settings.Max == 0 {
				c.settings.Max = 20
			}
			d := New(c.settings).Step(dawn, c.sample)
			assert.Equal(t, c.wanted, d.Wanted)
			assert.Equal(t, c.reason, d.Reason)
		})
	}
}

// TestNobodyGoesWhileAnythingSpeaksAgainstIt: fewer would suffice, and all the same none goes.
func TestNobodyGoesWhileAnythingSpeaksAgainstIt(t *testing.T) {
	nan := math.NaN()
	calm := Sample{Ready: 4, Slots: 32, InFlight: 4, Arriving: 0.5, Forecast: nan, Lead: 90 * time.Second}
	settings := Settings{Max: 8, Thresholds: []Threshold{{Metric: "cpu", Above: 0.8, Clear: 0.5, For: time.Minute}}}
	calm.Resources = []Resource{{"cpu", 0.2}}
	c := New(settings)
	require.Equal(t, 4, told(c, dawn, 4*time.Minute+55*time.Second, calm).Wanted)
	d := c.Step(dawn.Add(5*time.Minute), calm)
	require.Equal(t, 3, d.Wanted, "for 5 minutes they have sufficed")
	require.Equal(t, In, d.Direction)
	for why, change := range map[string]func(*Sample){
		"requests wait":               func(s *Sample) { s.WaitingRequests, s.Waiting = 1, 0.1 },
		"some start":                  func(s *Sample) { s.Starting = 1 },
		"others go":                   func(s *Sample) { s.Draining = 1 },
		"some cannot be used":         func(s *Sample) { s.Out = 1 },
		"answers are nearly too slow": func(s *Sample) { s.FirstByte, s.FirstByteObjective = 0.9, 1 },
		"a resource unknown: cpu of the servers is not known": func(s *Sample) { s.Resources = nil },
		"cpu would be over 80 %":                              func(s *Sample) { s.Resources = []Resource{{"cpu", 0.7}} },
		"not known: it is not known how much work waits":      func(s *Sample) { s.WaitingRequests, s.Waiting = 1, nan },
		"is 20 s old": func(s *Sample) { s.Age = 20 * time.Second },
	} {
		c, s := New(settings), calm
		told(c, dawn, 5*time.Minute-5*time.Second, calm)
		change(&s)
		d := c.Step(dawn.Add(5*time.Minute), s)
		assert.GreaterOrEqual(t, d.Wanted, d.Now, why)
		assert.True(t, d.Held, "%s: %s", why, d.Reason)
	}
}

// TestWhatIsNotKnownIsNotNothing: a time of which not all is known does not count as one in which fewer sufficed.
func TestWhatIsNotKnownIsNotNothing(t *testing.T) {
	c := New(Settings{Max: 8})
	calm := Sample{Ready: 4, Slots: 32, Forecast: math.NaN()}
	told(c, dawn, 4*time.Minute, calm)
	blind := calm
	blind.Arriving, blind.Slots, blind.InFlight = math.NaN(), 0, 3
	c.Step(dawn.Add(4*time.Minute+5*time.Second), blind)
	assert.Equal(t, 4, told(c, dawn.Add(4*time.Minute+10*time.Second), 4*time.Minute+55*time.Second, calm).Wanted)
	assert.Equal(t, 3, c.Step(dawn.Add(9*time.Minute+10*time.Second), calm).Wanted)
}

// TestThresholdsAskForOneMore, after a while, and the next when that one serves.
func TestThresholdsAskForOneMore(t *testing.T) {
	s := Sample{Ready: 2, Slots: 16, InFlight: 2, Arriving: 0.2, Forecast: math.NaN(), Resources: []Resource{{"cpu", 0.9}}}
	c := New(Settings{Max: 8, Thresholds: []Threshold{{Metric: "cpu", Above: 0.8, Clear: 0.5, For: time.Minute}}})
	require.Equal(t, 2, told(c, dawn, 55*time.Second, s).Wanted)
	d := c.Step(dawn.Add(time.Minute), s)
	assert.Equal(t, 3, d.Wanted)
	assert.Equal(t, "2 → 3: cpu is at 90 %, which shall not be over 80 % for 60 s", d.Reason)
	s.Starting = 1
	assert.Equal(t, 3, c.Step(dawn.Add(65*time.Second), s).Wanted)
	s.Resources[0].Value = 0.6
	assert.Equal(t, 3, c.Step(dawn.Add(70*time.Second), s).Wanted, "it is over below 50 % only")
}

// TestLatenessAsksForOneMore where there is enough to do, and not where servers that have little to do are slow.
func TestLatenessAsksForOneMore(t *testing.T) {
	s := Sample{Ready: 2, Slots: 16, InFlight: 8, Arriving: 1, Forecast: math.NaN(), FirstByte: 3, FirstByteObjective: 2}
	c := New(Settings{Max: 8})
	require.Equal(t, 2, told(c, dawn, 55*time.Second, s).Wanted)
	d := c.Step(dawn.Add(time.Minute), s)
	assert.Equal(t, "2 → 3: answers begin after 3 s, and shall after 2 s at most", d.Reason)
	s.Ready, s.Slots = 3, 24
	assert.Equal(t, 3, told(c, dawn.Add(65*time.Second), 50*time.Second, s).Wanted, "what was late before says nothing of three")
	s.InFlight, s.Arriving = 1, 0.1
	assert.Equal(t, 3, told(New(Settings{Max: 8}), dawn, 4*time.Minute, s).Wanted)
}

// TestOutOfUseIsMissing once it has lasted, and not for a moment.
func TestOutOfUseIsMissing(t *testing.T) {
	s := Sample{Ready: 3, Out: 1, Slots: 24, InFlight: 24, Arriving: 3, Forecast: math.NaN()}
	c := New(Settings{Max: 8})
	assert.Equal(t, 4, told(c, dawn, 55*time.Second, s).Wanted)
	d := told(c, dawn.Add(time.Minute), 5*time.Second, s)
	assert.Equal(t, 5, d.Wanted)
	assert.Contains(t, d.Reason, "and 1 cannot be used")
}

// TestAClockThatJumps brings no servers down, whichever way it goes.
func TestAClockThatJumps(t *testing.T) {
	calm := Sample{Ready: 4, Slots: 32, Forecast: math.NaN()}
	for _, jump := range []time.Duration{-time.Hour, time.Hour, 100 * 365 * 24 * time.Hour} {
		c := New(Settings{Min: 0, Max: 8})
		told(c, dawn, 4*time.Minute, calm)
		d := told(c, dawn.Add(4*time.Minute+jump), 4*time.Minute+55*time.Second, calm)
		assert.Equal(t, 4, d.Wanted, jump)
	}
}

// TestAnythingIsBounded: whatever a source says, the number is one that may be, and the figures are ones that JSON can write.
func TestAnythingIsBounded(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	odd := []float64{math.NaN(), math.Inf(1), math.Inf(-1), -1, 0, 1e-300, 1e300, math.MaxFloat64, 0.5, 3, 40}
	float := func() float64 { return odd[r.IntN(len(odd))] }
	whole := func() int { return []int{math.MinInt, -1, 0, 1, 2, 5, 1000, math.MaxInt}[r.IntN(8)] }
	few := func() int { return r.IntN(6) - 1 }
	length := func() time.Duration {
		return time.Duration([]int64{math.MinInt64, -1, 0, 1e9, 9e10, math.MaxInt64}[r.IntN(6)])
	}
	rounds := 3000
	if testing.Short() {
		rounds = 300
	}
	for range rounds {
		settings := Settings{Min: few(), Max: few(), Capacity: float(), Slots: whole(), TargetUtilization: float(), TargetWait: length(), Interval: length(),
			ScaleInAfter: length(), ZeroAfter: length(), StartTime: length(), StartTimeout: length(), ClearWithin: length(), MaxStarting: few(),
			Predict: []Predict{"", PredictOff, PredictShow, PredictFloor, "?"}[r.IntN(5)], Thresholds: []Threshold{{"cpu", float(), float(), length()}}}
		c := New(settings)
		least, largest := max(settings.Min, 0), max(settings.Max, settings.Min, 1)
		now := dawn
		for range 30 {
			now = now.Add([]time.Duration{0, time.Second, 5 * time.Second, time.Minute, -time.Hour, 50 * 365 * 24 * time.Hour}[r.IntN(6)])
			count := few
			if r.IntN(4) == 0 {
				count = whole
			}
			d := c.Step(now, Sample{Age: length(), Ready: count(), Starting: count(), Draining: count(), Out: count(), Capacity: float(), Worth: float(), Lead: length(),
				Arriving: float(), Waiting: float(), WaitingRequests: count(), Held: count(), OldestWait: length(), InFlight: count(), Slots: count(), Forecast: float(),
				FirstByte: float(), FirstByteObjective: float(), PerToken: float(), PerTokenObjective: float(), Resources: []Resource{{"cpu", float()}}, Asked: count()})
			require.GreaterOrEqual(t, d.Wanted, least)
			require.LessOrEqual(t, d.Wanted, largest)
			require.NotEmpty(t, d.Reason)
			require.Equal(t, d.Wanted > d.Now, d.Direction == Out)
			require.Equal(t, d.Wanted < d.Now, d.Direction == In)
			require.False(t, math.IsInf(d.Need, 0))
			for name, value := range d.Inputs {
				require.False(t, math.IsNaN(value) || math.IsInf(value, 0), name)
			}
		}
	}
}

// TestStepsOutAreBounded: the fleet doubles at most in 15 seconds, and no more start at once than may.
func TestStepsOutAreBounded(t *testing.T) {
	busy := func(ready, starting int) Sample {
		return Sample{Ready: ready, Starting: starting, Slots: 8 * ready, InFlight: 8 * ready, Arriving: 100, Waiting: 1e4, WaitingRequests: 1e3, Forecast: math.NaN()}
	}
	c := New(Settings{Max: 100})
	now := dawn
	var went []int
	starting := 0
	for range 16 {
		starting = max(c.Step(now, busy(1, starting)).Wanted-1, starting)
		went = append(went, 1+starting)
		now = now.Add(5 * time.Second)
	}
	assert.Equal(t, []int{3, 3, 3, 6, 6, 6, 12, 12, 12, 24, 24, 24, 48, 48, 48, 96}, went)
	c = New(Settings{Max: 100, MaxStarting: 2})
	assert.Equal(t, 6, c.Step(dawn, busy(4, 0)).Wanted)
	assert.Equal(t, 6, c.Step(dawn.Add(time.Minute), busy(4, 2)).Wanted)
}

// TestServersThatStayFullAreJoined soon, though the minute before was quiet.
func TestServersThatStayFullAreJoined(t *testing.T) {
	c := New(Settings{Max: 8})
	s := Sample{Ready: 1, Slots: 2, Forecast: math.NaN(), Lead: 5 * time.Second}
	told(c, dawn, time.Minute, s)
	s.InFlight, s.WaitingRequests, s.Arriving, s.Waiting, s.OldestWait = 2, 8, 1, 1.2, 1200*time.Millisecond
	require.Equal(t, 1, told(c, dawn.Add(65*time.Second), 10*time.Second, s).Wanted)
	d := told(c, dawn.Add(80*time.Second), 5*time.Second, s)
	assert.Equal(t, "1 → 2: 1 server's worth of work arrives, and all servers are full for a while", d.Reason)
}

// TestWhatIsGoneStaysGone: once the last one goes, only what comes brings one back, and not what came before.
func TestWhatIsGoneStaysGone(t *testing.T) {
	c := New(Settings{Max: 8, ZeroAfter: 10 * time.Second, ScaleInAfter: 10 * time.Second})
	s := Sample{Ready: 1, Slots: 8, InFlight: 6, Arriving: 0.7, Forecast: math.NaN()}
	told(c, dawn, 40*time.Second, s)
	s.InFlight, s.Arriving = 0, 0
	require.Equal(t, 0, told(c, dawn.Add(45*time.Second), 20*time.Second, s).Wanted)
	s.Ready, s.Slots, s.Draining = 0, 0, 1
	assert.Equal(t, 0, told(c, dawn.Add(70*time.Second), 10*time.Second, s).Wanted)
}

// TestSettingsOfARunningOne may change.
func TestSettingsOfARunningOne(t *testing.T) {
	calm := Sample{Ready: 4, Slots: 32, Forecast: math.NaN()}
	c := New(Settings{Max: 8})
	told(c, dawn, 4*time.Minute, calm)
	c.Configure(Settings{Min: 2, Max: 8})
	assert.Equal(t, 3, told(c, dawn.Add(4*time.Minute+5*time.Second), 55*time.Second, calm).Wanted, "what was seen counts")
	c.Configure(Settings{Min: 2, Max: 2})
	assert.Equal(t, 2, c.Step(dawn.Add(6*time.Minute), calm).Wanted)
}

// TestWhoLetsServersGoSoonDoesNotLookFarBack: minutes ago are nothing to somebody for whom ten seconds are long.
func TestWhoLetsServersGoSoonDoesNotLookFarBack(t *testing.T) {
	for after, want := range map[time.Duration]time.Duration{5 * time.Minute: arrivingWindow, time.Minute: arrivingWindow, 10 * time.Second: 30 * time.Second, time.Second: panicWindow} {
		require.Equal(t, want, New(Settings{Max: 2, ScaleInAfter: after}).back(arrivingWindow), after)
	}
}
