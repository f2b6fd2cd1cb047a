// From runs to the rows of the report, and the verdict on the target.

package lab

import (
	"slices"
	"time"

	"github.com/steelyard-proxy/steelyard/bench/figure"
	"github.com/steelyard-proxy/steelyard/bench/report"
	"github.com/steelyard-proxy/steelyard/bench/scenario"
	"github.com/steelyard-proxy/steelyard/bench/trace"
)

// run is what one contender made of one trace, by request.
type run struct {
	response []time.Duration // negative where it failed
	served   []int           // by which endpoint; negative: none
	late     []time.Duration // how late each was sent; nil in virtual time
	way      report.Number   // what requests take beside their service, in seconds; 0 in virtual time
	failures map[string]int64
	failure  error // the last one's; nil for those that are no more than a status
}

// table collects the runs of all contenders on the traces of one case.
type table struct {
	scenario  *scenario.Scenario
	balancers int
	traces    []trace.Trace
	work      [][]float64 // of each request, by trace
	measured  map[string][]run
	simulated map[string][]run
}

func newTable(s *scenario.Scenario, c scenario.Case, traces []trace.Trace) *table {
	t := &table{scenario: s, balancers: c.Balancers, traces: traces, measured: map[string][]run{}, simulated: map[string][]run{}}
	for _, trace := range traces {
		var work []float64
		for _, r := range trace.Requests {
			work = append(work, r.Work)
		}
		t.work = append(t.work, work)
	}
	return t
}

// queueSpells is how many points the plot over time has.
const queueSpells = 240

// rows are the contenders that ran, as in the scenario.
func (t *table) rows() (rows []report.Row) {
	for _, c := range t.scenario.Contenders {
		kind, runs := report.Ours, t.measured[c.Name]
		switch {
		case c.Peer != "":
			kind = report.Peer
		case runs == nil:
			kind, runs = report.Simulated, t.simulated[c.Name]
		}
		if runs == nil {
			continue // a peer that is not installed
		}
		row := t.row(c, kind, runs)
		if same := t.simulated[c.Name]; kind == report.Ours && same != nil {
			stats := report.MedianStats(t.stats(same)).Plus(row.Way)
			row.Simulation = &stats
		}
		rows = append(rows, row)
	}
	compare(rows)
	return rows
}

func (t *table) stats(runs []run) (list []report.Stats) {
	for i, r := range runs {
		list = append(list, report.StatsOf(r.response, t.work[i]))
	}
	return list
}

func (t *table) row(c scenario.Contender, kind string, runs []run) report.Row {
	row := report.Row{Contender: c.Name, Kind: kind, Settings: settings(c, t.balancers), Unstable: c.Unstable, BySeed: t.stats(runs)}
	row.Stats = report.MedianStats(row.BySeed)
	var ways []report.Number
	var all []time.Duration
	served, total := make([]float64, len(t.scenario.Endpoints)), 0.0
	for _, r := range runs {
		ways, all = append(ways, r.way), append(all, r.response...)
		for i, e := range r.served {
			if e >= 0 && r.response[i] >= 0 {
				served[e]++
				total++
			}
		}
		for kind, n := range r.failures {
			if row.Failures == nil {
				row.Failures = map[string]int64{}
			}
			row.Failures[kind] += n
		}
	}
	for i := range served {
		row.Shares = append(row.Shares, served[i]/max(total, 1))
	}
	row.Way = figure.Median(ways)
	row.Quantiles = report.QuantileCurve(report.Done(all))
	row.Queue = report.InSystem(arrivals(t.traces[0]), runs[0].response, queueSpells)
	return row
}

func arrivals(t trace.Trace) []time.Duration {
	at := make([]time.Duration, len(t.Requests))
	for i, r := range t.Requests {
		at[i] = r.At
	}
	return at
}

// compare sets each row's ratio to the best peer on the same trace, whether that ran at the same time or in another group.
func compare(rows []report.Row) {
	peers := slices.DeleteFunc(slices.Clone(rows), func(r report.Row) bool { return r.Kind != report.Peer })
	for i := range rows {
		rows[i].RatioToPeer = report.None()
		var ratios []report.Number
		for seed, stats := range rows[i].BySeed {
			best := report.None()
			for _, p := range peers {
				if m := p.BySeed[seed].Mean; m.Exists() && (!best.Exists() || m < best) {
					best = m
				}
			}
			ratios = append(ratios, stats.Mean/best)
		}
		if rows[i].Kind != report.Simulated {
			rows[i].RatioToPeer = figure.Median(ratios)
		}
	}
}

// target holds the best of ours to what was to be reached. Who failed requests does not count, since its figures are of
// those it answered only.
func target(c scenario.Case, rows []report.Row) *report.Verdict {
	v := report.Verdict{Ratio: report.None(), Most: report.Number(c.Target)}
	peer := report.None()
	for _, r := range rows {
		switch {
		case r.Kind == report.Peer && r.Mean.Exists() && (!peer.Exists() || r.Mean < peer):
			peer, v.Peer = r.Mean, r.Contender
		case r.Kind == report.Ours && len(r.Failures) == 0 && r.RatioToPeer.Exists() && (!v.Ratio.Exists() || r.RatioToPeer < v.Ratio):
			v.Ratio, v.Contender = r.RatioToPeer, r.Contender
		}
	}
	if c.Target == 0 || v.Peer == "" || v.Contender == "" {
		return nil
	}
	v.Met = v.Ratio <= v.Most
	return &v
}

// settings are a contender's, in words.
func settings(c scenario.Contender, balancers int) string {
	switch {
	case c.Peer == scenario.HAProxyMaxconn:
		return "balance leastconn, weight = C, maxconn = slots, the others queue"
	case c.Peer == scenario.HAProxyLeastConn:
		return "balance leastconn, weight = C"
	case c.Peer == scenario.NginxLeastConn:
		return "least_conn, weight = C"
	case c.Queue != "":
		return "policy " + c.Policy + ", slots told, queue " + c.Queue
	case c.Told != nil:
		return "policy " + c.Policy + ", told other capacities"
	case balancers > 1:
		return "policy " + c.Policy + ", in each balancer"
	}
	return "policy " + c.Policy
}
