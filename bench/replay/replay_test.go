package replay

import (
	"cmp"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/balancer/policy"
	laws "github.com/steelyard-proxy/steelyard/bench/engine"
	"github.com/steelyard-proxy/steelyard/bench/sim"
	"github.com/steelyard-proxy/steelyard/bench/trace"
	"github.com/steelyard-proxy/steelyard/metrics/advice"
	"github.com/steelyard-proxy/steelyard/metrics/usage"
)

var monday = time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)

// fleet is what there is: engines as they are, and as they are said to be.
type fleet struct {
	engines []laws.Options
	setup   advice.Upstream
}

// recorded serves a trace, and returns the rows that a gateway would have seen.
func (f fleet) recorded(t testing.TB, o trace.Options) (rows []usage.Row) {
	t.Helper()
	made, err := trace.New(o)
	require.NoError(t, err)
	so := sim.Options{Clock: new(sim.Clock)}
	so.Policy, err = policy.Lookup(f.setup.Policy)
	require.NoError(t, err)
	for i, e := range f.setup.Endpoints {
		so.Endpoints = append(so.Endpoints, sim.Endpoint{Name: e.Name, Engine: f.engines[i], Limit: e.Slots, Told: e.Capacity})
	}
	if f.setup.Queue.MaxRequests > 0 {
		so.Queue = balancer.QueueOptions{MaxRequests: f.setup.Queue.MaxRequests, MaxWait: f.setup.Queue.MaxWait}
	}
	results, err := sim.Run(so, made)
	require.NoError(t, err)
	for i, q := range made.Requests {
		r := usage.Row{At: monday.Add(q.At), Upstream: "chat", MaxTokens: q.MaxTokens, PromptBytes: q.PromptBytes, Status: 200, Class: "answered"}
		if results.Response[i] == sim.Unserved {
			r.Status, r.Class, r.Failure = 429, "", "queue_full"
		} else {
			e := f.setup.Endpoints[results.Served[i]]
			r.Endpoint, r.Capacity, r.Slots = e.Name, e.Capacity, e.Slots
			r.Queue, r.Response = results.Wait[i], results.Response[i]
			r.Service, r.FirstByte = r.Response-r.Queue, r.Response
		}
		rows = append(rows, r)
	}
	slices.SortStableFunc(rows, func(a, b usage.Row) int { return cmp.Compare(a.End().UnixNano(), b.End().UnixNano()) })
	return rows
}

func requests(rows []usage.Row) (log []advice.Request) {
	for _, r := range rows {
		log = append(log, advice.Request{At: r.At, Endpoint: r.Endpoint, Queue: r.Queue, Service: r.Service, Size: r.Work, Slots: r.Slots, Capacity: r.Capacity,
			PromptBytes: r.PromptBytes, MaxTokens: r.MaxTokens})
	}
	slices.SortStableFunc(log, func(a, b advice.Request) int { return a.At.Compare(b.At) })
	return log
}

func mean(responses []time.Duration) float64 {
	sum, n := 0.0, 0
	for _, r := range responses {
		if r != advice.Unserved {
			sum += r.Seconds()
			n++
		}
	}
	return sum / float64(n)
}

func measured(log []advice.Request) float64 {
	sum, n := 0.0, 0
	for _, q := range log {
		if q.Endpoint != "" {
			sum += q.Response().Seconds()
			n++
		}
	}
	return sum / float64(n)
}

// upstream is three endpoints of these capacities and slots.
func upstream(name string, capacities []float64, slots int, queue advice.Queue) advice.Upstream {
	u := advice.Upstream{Name: "chat", Policy: name, Queue: queue}
	for i, c := range capacities {
		u.Endpoints = append(u.Endpoints, advice.Endpoint{Name: fmt.Sprintf("e%d", i+1), Capacity: c, Slots: slots})
	}
	return u
}

func engines(capacities []float64, slots int, slowing float64) (list []laws.Options) {
	for _, c := range capacities {
		list = append(list, laws.Options{Capacity: c, Slots: slots, Slowing: slowing})
	}
	return list
}

var waits = advice.Queue{Order: "fifo", MaxRequests: 1000, MaxWait: 5 * time.Minute, HoldBack: true}

// TestComesToWhatWasMeasured: whatever the engines are like, and whatever is said of them, the replay of what is configured
// comes to the R that was recorded, and the replay of another configuration to the R that it would have had.
func TestComesToWhatWasMeasured(t *testing.T) {
	true3 := []float64{1, 2, 1.5}
	for name, c := range map[string]struct {
		was, is fleet
		work    trace.Work
		rate    float64
	}{
		"capacities that are off": {
			fleet{engines(true3, 4, 0), upstream("capacity", []float64{2, 2, 2}, 4, waits)},
			fleet{engines(true3, 4, 0), upstream("capacity", true3, 4, waits)}, trace.Exponential, 2.7,
		},
		"slots that are not there": {
			fleet{engines(true3, 4, 0), upstream("least_load", true3, 0, advice.Queue{})},
			fleet{engines(true3, 4, 0), upstream("least_load", true3, 4, waits)}, trace.Exponential, 3.4,
		},
		"engines that batch": {
			fleet{engines(true3, 16, 0.1), upstream("capacity", []float64{1, 1, 1}, 16, waits)},
			fleet{engines(true3, 16, 0.1), upstream("capacity", true3, 16, waits)}, trace.Exponential, 2.5,
		},
		"another policy": {
			fleet{engines(true3, 2, 0), upstream("capacity", true3, 2, waits)},
			fleet{engines(true3, 2, 0), upstream("least_load", true3, 2, waits)}, trace.Heavy, 3,
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := trace.Options{Seed: 5, Requests: 20_000, Rate: c.rate, Work: c.work}
			log := requests(c.was.recorded(t, o))
			serve, err := New(log, c.was.setup)
			require.NoError(t, err)
			as, err := serve(c.was.setup, 1)
			require.NoError(t, err)
			would, err := serve(c.is.setup, 1)
			require.NoError(t, err)
			truth := measured(requests(c.is.recorded(t, o)))
			t.Logf("measured %.2f s, simulated %.2f s; with the change %.2f s, simulated %.2f s", measured(log), mean(as), truth, mean(would))
			assert.InEpsilon(t, measured(log), mean(as), 0.1)
			assert.InEpsilon(t, truth, mean(would), 0.15)
		})
	}
}

func TestFasterAndMore(t *testing.T) {
	true3 := []float64{1, 2, 1.5}
	was := fleet{engines(true3, 4, 0), upstream("least_load", true3, 4, waits)}
	log := requests(was.recorded(t, trace.Options{Seed: 6, Requests: 10_000, Rate: 2}))
	serve, err := New(log, was.setup)
	require.NoError(t, err)
	twice, err := serve(was.setup, 2)
	require.NoError(t, err)
	truth := measured(requests(was.recorded(t, trace.Options{Seed: 6, Requests: 10_000, Rate: 4})))
	assert.InEpsilon(t, truth, mean(twice), 0.1)
	more := was
	more.engines = engines(append(slices.Clone(true3), 1.5), 4, 0)
	more.setup = upstream("least_load", append(slices.Clone(true3), 1.5), 4, waits)
	truth = measured(requests(more.recorded(t, trace.Options{Seed: 6, Requests: 10_000, Rate: 4})))
	added, err := serve(more.setup, 2)
	require.NoError(t, err)
	assert.InEpsilon(t, truth, mean(added), 0.1)
}

func TestRefuses(t *testing.T) {
	u := upstream("least_cost", []float64{1, 2}, 4, waits)
	_, err := New(nil, u)
	assert.EqualError(t, err, "there are none")
	log := make([]advice.Request, 200)
	for i := range log {
		log[i] = advice.Request{At: monday.Add(time.Duration(i) * time.Second), Endpoint: "e1", Service: time.Second, Capacity: 1, Slots: 4}
	}
	_, err = New(log[:10], u)
	assert.ErrorContains(t, err, "no endpoint has served 50")
	serve, err := New(log, u)
	require.NoError(t, err)
	_, err = serve(u, 1)
	assert.ErrorContains(t, err, "tokens and prompts")
	u.Endpoints[0].Tier = 1
	_, err = New(log, u)
	assert.ErrorContains(t, err, "backups")
}
