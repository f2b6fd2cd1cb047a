package report

import (
	"math/rand/v2"
	"time"
)

// fixture is a result with everything in it, of queues that are quick to simulate by hand: single servers.
func fixture() *Result {
	r := &Result{
		Schema: Schema, Scenario: "fixture", Title: "Two <endpoints> & a fixture", About: "Drawn, not measured.",
		Command: []string{"steelyard", "bench", "run", "fixture"}, Started: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), ElapsedSeconds: 12.3,
		Machine:  Machine{OS: "linux", Arch: "amd64", Kernel: "6.1", CPU: "A processor", Cores: 2, Go: "go1.26"},
		Versions: map[string]string{"nginx": "nginx/1.22", "steelyard": "steelyard 1"}, Seeds: []uint64{1, 2}, Requests: 4000, Rate: 200,
		Endpoints: []Endpoint{{"C100", 100, 1.0 / 3, 1}, {"C200", 200, 2.0 / 3, 1}}, Balancers: 1, Measured: true,
		Notes: []string{"Ports were taken from nobody."},
		Formulas: []Formula{
			{Name: "proportional", Expression: "T_i = T·C_i/ΣC", Values: []Number{66.7, 133.3}, Utilisation: []Number{0.667, 0.667}, Response: 0.02, Verdict: "Stable up to ΣC."},
			{Name: "published", Expression: "T_i = T/(n·C_i)", Values: []Number{1, 0.5}, Utilisation: []Number{1.385, 0.35}, Response: None(), Verdict: "It gives the slowest endpoint the most.", Wrong: true},
		},
		Fleets: []Fleet{{"capacity", 3, 120, 0.001, 0.5}, {"capacity", 1000, 300, 0.004, 0.9}, {"random", 3, 40, 0.05, 30}, {"random", 1000, 41, 0.4, 12}},
	}
	c := Case{Name: "exponential work", Work: "exponential", Balancers: 1,
		Theory: []Line{{"pooled bound", 0.01, "1/(ΣC − T)"}, {"no bound", None(), "never"}},
		Target: &Verdict{Contender: "ours", Peer: "nginx least_conn", Ratio: 0.81, Most: 0.92, Met: true}}
	for i, name := range []string{"nginx least_conn", "HAProxy leastconn", "ours", "ours, unstable", "central queue"} {
		row := drawn(name, 55-float64(i)*3, uint64(i))
		switch name {
		case "ours":
			row.Kind, row.Simulation = Ours, &Stats{Mean: row.Mean * 0.98, P50: row.P50, P90: row.P90, P99: row.P99, LongP99: None()}
		case "ours, unstable":
			row.Kind, row.Unstable, row.Mean = Ours, true, 7
			for k := range row.Queue {
				row.Queue[k].Y = Number(30 * k)
			}
		case "central queue":
			row.Kind, row.Queue = Simulated, nil
		}
		c.Rows = append(c.Rows, row)
		curve := Curve{Name: name}
		for load := 0.1; load < 0.95; load += 0.1 {
			curve.Points = append(curve.Points, Point{load, row.Mean / 7 / Number(1-load)})
		}
		c.Sweep = append(c.Sweep, curve)
	}
	c.Sweep = append(c.Sweep, Curve{Name: "pooled bound", Theory: true, Points: []Point{{0.1, 0.003}, {0.5, 0.006}, {0.9, 0.03}}})
	r.Cases = []Case{c}
	return r
}

// drawn is a contender's row: one server of the given mean service in milliseconds under half its load.
func drawn(name string, service float64, seed uint64) Row {
	draws := rand.New(rand.NewPCG(seed, 0))
	var at, response []time.Duration
	var work []float64
	now, free := 0.0, 0.0
	for range 2000 {
		w := draws.ExpFloat64()
		now += draws.ExpFloat64() * service * 2
		free = max(now, free) + w*service
		at = append(at, time.Duration(now*1e6))
		response = append(response, time.Duration((free-now)*1e6))
		work = append(work, w)
	}
	response[7] = -1
	stats := StatsOf(response, work)
	return Row{Contender: name, Kind: Peer, Settings: "weights by capacity", Stats: stats, BySeed: []Stats{stats, stats},
		Shares: []float64{0.2 + 0.03*float64(seed), 0.8 - 0.03*float64(seed)}, Failures: map[string]int64{"refused": 1}, RatioToPeer: 1,
		Quantiles: QuantileCurve(Done(response)), Queue: InSystem(at, response, 150)}
}
