package anomaly

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/metrics/usage"
)

var monday = time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)

// rig shows a detector requests of some endpoints.
type rig struct {
	*Detector
	chance *rand.Rand
	now    time.Time
	told   []Fault
}

func newRig() *rig {
	r := &rig{chance: rand.New(rand.NewPCG(1, 2)), now: monday}
	r.Detector = New(Options{Tell: func(f Fault) { r.told = append(r.told, f) }})
	return r
}

// run has so many requests come to each endpoint in ten seconds, for some time; change may change each.
func (r *rig) run(lasts time.Duration, endpoints, each int, change func(*usage.Row)) {
	for end := r.now.Add(lasts); r.now.Before(end); r.now = r.now.Add(lookEvery) {
		for e := range endpoints {
			for i := range each {
				row := usage.Row{
					At: r.now, Upstream: "chat", Endpoint: fmt.Sprintf("gpu%d", e+1), Model: []string{"large", "small"}[i%2], User: usage.UserID(fmt.Sprint("user:", i)),
					Status: 200, Phase: "stream", Capacity: 4, Slots: 8, Work: 1, Overhead: 100 * time.Microsecond,
				}
				row.Service = time.Duration(2 * math.Exp(0.4*r.chance.NormFloat64()) * float64(time.Second))
				if change != nil {
					change(&row)
				}
				row.Response = row.Service
				r.Add(&row)
			}
		}
		r.Step(r.now)
	}
}

// up are the faults that go on.
func (r *rig) up() (list []Fault) {
	for _, f := range r.Faults() {
		if !f.Over() {
			list = append(list, f)
		}
	}
	return list
}

func slowAt(endpoint string, times float64) func(*usage.Row) {
	return func(r *usage.Row) {
		if r.Endpoint == endpoint {
			r.Service = time.Duration(float64(r.Service) * times)
		}
	}
}

func TestSlowEndpointIsFoundNamedAndOver(t *testing.T) {
	r := newRig()
	r.run(2*time.Hour, 3, 20, nil)
	require.Empty(t, r.told)
	began := r.now
	r.run(2*time.Minute, 3, 20, slowAt("gpu2", 2))
	up := r.up()
	require.Len(t, up, 1)
	f := up[0]
	assert.Equal(t, OfEndpoint, f.Cause)
	assert.Equal(t, Place{Upstream: "chat", Endpoint: "gpu2"}, f.Place)
	assert.InDelta(t, 2, f.Ratio, 0.3)
	assert.Less(t, f.Found.Sub(began), time.Minute+lookEvery)
	assert.WithinDuration(t, began, f.Since, 30*time.Second)
	assert.Contains(t, f.Text, "endpoint gpu2 of chat: requests take ")
	r.run(5*time.Minute, 3, 20, nil)
	assert.Empty(t, r.up())
	assert.Len(t, r.told, 2, "once found, once over")
	assert.Len(t, r.Faults(), 1, "what is over is remembered")
}

func TestServersThatAreUnlikeAreNotSlow(t *testing.T) {
	r := newRig()
	r.run(6*time.Hour, 3, 10, slowAt("gpu1", 1.9))
	assert.Empty(t, r.told)
	r.run(5*time.Minute, 3, 10, func(row *usage.Row) { slowAt("gpu1", 1.9)(row); slowAt("gpu2", 2)(row) })
	require.Len(t, r.up(), 1)
	assert.Equal(t, "gpu2", r.up()[0].Place.Endpoint)
}

func TestAPauseIsNoFault(t *testing.T) {
	r := newRig()
	r.run(2*time.Hour, 3, 20, nil)
	for range 5 {
		r.run(lookEvery, 3, 20, func(row *usage.Row) {
			if row.Endpoint == "gpu1" {
				row.Service += 4 * time.Second
			}
		})
		r.run(10*time.Minute, 3, 20, nil)
	}
	assert.Empty(t, r.told)
}

func TestErrorsAndConnections(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*usage.Row)
		cause  Cause
		sym    Symptom
	}{
		"errors":     {func(r *usage.Row) { r.Status, r.Phase = 500, "first_byte" }, OfEndpoint, Errors},
		"truncated":  {func(r *usage.Row) { r.Failure = "truncated_answer" }, OfEndpoint, Truncated},
		"connecting": {func(r *usage.Row) { r.Status, r.Failure, r.Phase = 502, "connect_failed", "connect" }, OfNetwork, Errors},
		"stalls":     {func(r *usage.Row) { r.Service += time.Minute }, OfEndpoint, Stalls},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig()
			r.run(time.Hour, 3, 20, nil)
			r.run(3*time.Minute, 3, 20, func(row *usage.Row) {
				if row.Endpoint == "gpu3" && r.chance.Float64() < 0.08 {
					c.change(row)
				}
			})
			require.Len(t, r.up(), 1)
			f := r.up()[0]
			assert.Equal(t, c.sym, f.Symptom)
			assert.Equal(t, c.cause, f.Cause)
			assert.Equal(t, "gpu3", f.Place.Endpoint)
		})
	}
}

func TestAllFailingIsTheUpstream(t *testing.T) {
	r := newRig()
	r.run(time.Hour, 3, 20, nil)
	r.run(5*time.Minute, 3, 20, func(row *usage.Row) {
		if r.chance.Float64() < 0.1 {
			row.Status = 500
		}
	})
	require.Len(t, r.up(), 1)
	assert.Equal(t, OfUpstream, r.up()[0].Cause)
	assert.Empty(t, r.up()[0].Place.Endpoint)
}

// TestClientsDoNotBlame: what clients do, and what we do, is no endpoint's fault.
func TestClientsDoNotBlame(t *testing.T) {
	r := newRig()
	r.run(time.Hour, 3, 20, nil)
	for i, change := range []func(*usage.Row){
		func(row *usage.Row) { row.Status = 400; row.Service = time.Millisecond },
		func(row *usage.Row) { row.Status, row.Failure, row.Service = 499, "client_gone", 100*time.Millisecond },
		func(row *usage.Row) { row.Status, row.Failure, row.Service = 429, "queue_full", 0 },
		func(row *usage.Row) { row.Status, row.Failure, row.Service = 503, "out_of_resources", 0 },
	} {
		r.run(5*time.Minute, 3, 20, func(row *usage.Row) {
			if row.Endpoint == "gpu1" && r.chance.Float64() < 0.5 {
				change(row)
			}
		})
		assert.Empty(t, r.told, "case %d", i)
	}
}

func TestModelIsNamed(t *testing.T) {
	r := newRig()
	r.run(3*time.Hour, 3, 20, nil)
	r.run(15*time.Minute, 3, 20, func(row *usage.Row) {
		if row.Model == "small" {
			row.Service *= 2
		}
	})
	require.NotEmpty(t, r.up())
	assert.Equal(t, OfModel, r.up()[0].Cause)
	assert.Equal(t, "small", r.up()[0].Place.Model)
	assert.Len(t, r.up(), 1)
}

func TestNormalNow(t *testing.T) {
	r := newRig()
	r.run(2*time.Hour, 3, 20, nil)
	slow := slowAt("gpu2", 1.8)
	r.run(5*time.Minute, 3, 20, slow)
	require.Len(t, r.up(), 1)
	assert.False(t, r.Normal("no such"))
	assert.True(t, r.Normal(r.up()[0].ID))
	r.told = nil
	r.run(3*time.Hour, 3, 20, slow)
	assert.Empty(t, r.up())
	for _, f := range r.told {
		assert.True(t, f.Over(), "only its end is told: %s", f.Text)
	}
}

// TestCapacityStep: a reload that doubles a capacity is not a server that has become twice as slow.
func TestCapacityStep(t *testing.T) {
	r := newRig()
	r.run(2*time.Hour, 3, 20, nil)
	r.run(time.Hour, 3, 20, func(row *usage.Row) {
		if row.Endpoint == "gpu1" {
			row.Capacity = 8
		}
	})
	assert.Empty(t, r.told)
}

// TestMeasuredCapacityHidesNothing: a capacity that falls as its server slows is no reload.
func TestMeasuredCapacityHidesNothing(t *testing.T) {
	r := newRig()
	r.run(time.Hour, 3, 20, nil)
	r.run(2*time.Minute, 3, 20, func(row *usage.Row) {
		if row.Endpoint == "gpu2" {
			row.Service *= 2
			row.Capacity /= 2
		}
	})
	require.Len(t, r.up(), 1)
	assert.Equal(t, "gpu2", r.up()[0].Place.Endpoint)
}

func TestBadInput(t *testing.T) {
	for name, c := range map[string]struct {
		endpoints, each int
		change          func(*usage.Row)
	}{
		"one endpoint":     {1, 5, nil},
		"no traffic":       {3, 0, nil},
		"all equal":        {3, 5, func(r *usage.Row) { r.Service = time.Second }},
		"one a minute":     {2, 1, nil},
		"not a number":     {3, 5, func(r *usage.Row) { r.Work, r.Capacity = math.NaN(), math.Inf(1) }},
		"negative":         {3, 5, func(r *usage.Row) { r.Work, r.Service, r.Capacity, r.Slots = -1, -time.Second, -4, -3 }},
		"nothing is known": {3, 5, func(r *usage.Row) { r.Work, r.Capacity, r.Slots, r.Model, r.User = 0, 0, 0, "", "" }},
		"many users":       {3, 2, func(r *usage.Row) { r.User = usage.UserID(fmt.Sprint(r.Service)); r.Model = string(r.User) }},
		"no endpoint":      {1, 20, func(r *usage.Row) { r.Endpoint = "" }},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig()
			r.run(26*time.Hour, c.endpoints, c.each, c.change)
			assert.Empty(t, r.told)
			assert.LessOrEqual(t, len(r.upstreams["chat"].tallyValues(byUser)), mostValues)
		})
	}
}

// tallyValues are those of a dimension; none where the upstream is not known.
func (u *upstream) tallyValues(d dimension) map[string]*value {
	if u == nil {
		return nil
	}
	return u.tally.values[d]
}

func TestClockJumpsAndGaps(t *testing.T) {
	r := newRig()
	r.run(2*time.Hour, 3, 20, nil)
	for _, jump := range []time.Duration{-time.Hour, 5 * time.Hour, -24 * time.Hour, 400 * 24 * time.Hour} {
		r.now = r.now.Add(jump)
		r.run(30*time.Minute, 3, 20, nil)
	}
	assert.Empty(t, r.told)
}

func TestEndpointsComeAndGo(t *testing.T) {
	r := newRig()
	r.run(time.Hour, 3, 20, nil)
	r.run(2*time.Minute, 3, 20, slowAt("gpu2", 2))
	require.Len(t, r.up(), 1)
	r.Keep(map[string][]string{"chat": {"gpu1", "gpu3"}})
	r.Step(r.now)
	r.now = r.now.Add(lookEvery)
	r.Step(r.now)
	assert.Empty(t, r.up(), "who is gone is not odd")
	r.Keep(nil)
	assert.Empty(t, r.upstreams)
}

func TestLargeFleet(t *testing.T) {
	r := newRig()
	r.run(3*time.Hour, 10, 10, nil)
	r.run(15*time.Minute, 10, 10, func(row *usage.Row) {
		if row.Endpoint == "gpu4" { // each a little: no single judge would say much
			row.Service = time.Duration(1.35 * float64(row.Service))
		}
	})
	for _, f := range r.up() {
		assert.Equal(t, "gpu4", f.Place.Endpoint)
	}
	require.NotEmpty(t, r.up())
}
