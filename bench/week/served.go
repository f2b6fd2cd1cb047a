// How a day's requests are served, and the rows that a gateway would see of them.

package week

import (
	"slices"
	"time"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/balancer/policy"
	"github.com/steelyard-proxy/steelyard/bench/engine"
	"github.com/steelyard-proxy/steelyard/bench/sim"
	"github.com/steelyard-proxy/steelyard/bench/trace"
	"github.com/steelyard-proxy/steelyard/metrics/advice"
	"github.com/steelyard-proxy/steelyard/metrics/usage"
)

// setup is the configuration that the gateway has.
var setup = func() advice.Upstream {
	u := advice.Upstream{Name: name, Policy: "least_load", Queue: advice.Queue{Order: "fifo", MaxRequests: 1000, MaxWait: 30 * time.Second, HoldBack: true}}
	for _, s := range servers {
		u.Endpoints = append(u.Endpoints, advice.Endpoint{Name: s.name, Capacity: s.capacity, Slots: slots})
	}
	return u
}()

// serve is a day, as rows in the order of their ends.
func serve(begin time.Duration, seed uint64) ([]usage.Row, error) {
	list := traffic(begin, seed)
	made := trace.Trace{Requests: make([]trace.Request, len(list))}
	for i := range list {
		made.Requests[i] = list[i].Request
	}
	o := sim.Options{Changes: changes(begin), Clock: new(sim.Clock)}
	o.Queue = balancer.QueueOptions{MaxRequests: setup.Queue.MaxRequests, MaxWait: setup.Queue.MaxWait}
	var err error
	if o.Policy, err = policy.Lookup(setup.Policy); err != nil {
		return nil, err
	}
	for _, s := range servers {
		o.Endpoints = append(o.Endpoints, sim.Endpoint{Name: s.name, Limit: slots, Engine: engine.Options{Capacity: s.capacity, Slots: slots}})
	}
	results, err := sim.Run(o, made)
	if err != nil {
		return nil, err
	}
	rows := make([]usage.Row, len(list))
	for i := range list {
		rows[i] = row(begin, &list[i], &results, i)
	}
	slices.SortStableFunc(rows, func(a, b usage.Row) int { return a.End().Compare(b.End()) })
	return rows, nil
}

// changes are those of the script that fall into a day, or hold from before it.
func changes(begin time.Duration) (list []sim.Change) {
	add := func(at time.Duration, c sim.Change) {
		if c.At = max(at-begin, 0); at < begin+day {
			list = append(list, c)
		}
	}
	if begin < slowTo {
		add(slowFrom, sim.Change{Endpoint: slowServer, Capacity: servers[slowServer].capacity * slowRatio})
		add(slowTo, sim.Change{Endpoint: slowServer, Capacity: servers[slowServer].capacity})
	}
	for e := range servers {
		if begin < outTo {
			add(outFrom, sim.Change{Endpoint: e, Fails: true})
			add(outTo, sim.Change{Endpoint: e, Recovers: true})
		}
	}
	return list
}

// row is what is kept of one request.
func row(begin time.Duration, a *asked, results *sim.Results, i int) usage.Row {
	r := usage.Row{
		At: Monday.Add(begin + a.At), Upstream: name, Model: a.model, User: usage.UserID("user:" + userName(a.user)), Retry: a.retry, RetrySaid: true,
		PromptBytes: a.PromptBytes, PromptTokens: a.PromptBytes / bytesPerToken, MaxTokens: a.MaxTokens, Stream: a.Stream, Attempts: 1, Work: a.tries,
		Phase: "queue", Overhead: 100 * time.Microsecond,
	}
	switch at := begin + a.At; {
	case results.Response[i] != sim.Unserved:
		s := servers[results.Served[i]]
		r.Endpoint, r.Capacity, r.Slots, r.Class, r.Status, r.Phase, r.Begun = s.name, s.capacity, slots, "answered", 200, "stream", true
		r.Queue, r.Response = results.Wait[i], results.Response[i]
		r.Service, r.CompletionTokens = r.Response-r.Queue, 1+int(200*a.Request.Work)
		if r.FirstByte = r.Response; a.Stream {
			r.FirstByte = r.Queue + r.Service/20
		}
	case at >= outFrom && at < outTo:
		r.Status, r.Failure, r.Response = 503, "no_endpoint", time.Millisecond
	default:
		r.Status, r.Failure, r.Response, r.Queue = 503, "queue_timeout", setup.Queue.MaxWait, setup.Queue.MaxWait
	}
	return r
}
