// Judging a large fleet as a whole: who stands apart in several figures at once.

package outlier

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/steelyard-proxy/steelyard/metrics/stats"
)

const (
	// clusterOf is how many endpoints a fleet must have to be judged so.
	clusterOf = 8
	// clusterEvery is how many ticks lie between two looks, and clusterTimes in how many looks in
	// a row an endpoint must stand apart.
	clusterEvery, clusterTimes = 5, 4
	// near is how close two endpoints must be to be neighbours, in standard deviations of each figure, and
	// company how many neighbours, itself included, make one that others may join (the two parameters of DBSCAN).
	near, company = 4.0, 3
)

// figures are what endpoints are compared by. Each is the worse the larger it is.
const (
	byTime      = iota // logarithm of the time for its work, over its own measure
	byFailures         // part of its attempts that failed
	byAbandoned        // part of its attempts whose clients gave up
	figures
)

var figureNames = [figures]string{"time_for_work", "failures", "clients_that_gave_up"}

// leastDeviation is a difference of each figure that is believed to be chance in any case.
var leastDeviation = [figures]float64{0.15, 0.1, 0.1}

// place is where an endpoint stands: how many standard deviations worse than the middle of the
// fleet each figure is, 0 where it is better.
type place struct {
	e   *Endpoint
	at  [figures]float64
	raw [figures]float64
}

// judgeCluster ejects endpoints that do not belong to the fleet's largest cluster.
func (g *Group) judgeCluster(now time.Time) {
	places := g.places()
	if len(places) < clusterOf {
		for _, e := range g.members {
			e.apartFor = 0
		}
		return
	}
	apart := standApart(places)
	for i := range places {
		p := &places[i]
		if !apart[i] {
			p.e.apartFor = 0
			continue
		}
		if p.e.apartFor++; p.e.apartFor >= clusterTimes && !p.e.out {
			g.accuse(p.e, p.finding(len(places)), now)
		}
	}
}

// finding says by which figures it stands apart.
func (p *place) finding(of int) finding {
	evidence := map[string]any{"endpoints": of}
	var worse []string
	for i, name := range figureNames {
		evidence[name+"_deviations"] = stats.Round(p.at[i])
		evidence[name] = stats.Round(p.raw[i])
		if p.at[i] > near {
			worse = append(worse, strings.ReplaceAll(name, "_", " "))
		}
	}
	if worse == nil {
		worse = []string{"all figures together"}
	}
	return finding{Cluster, fmt.Sprintf("it stands apart from the other %d by its %s", of-1, strings.Join(worse, ", ")), evidence}
}

// places are those of all endpoints with enough requests in the window.
func (g *Group) places() []place {
	spread, known := g.scatter()
	if !known {
		return nil
	}
	promised, absolute := g.offsets()
	var list []place
	requests := 0.0
	for _, p := range g.paces(int(g.options.Window/tickEvery), promised, absolute) {
		served, failed, abandoned := p.e.sums()
		if served+failed < g.options.MinRequests {
			continue
		}
		all := float64(served + failed + abandoned)
		requests += 1 / p.certainty
		list = append(list, place{e: p.e, raw: [figures]float64{min(p.promised, p.absolute), stats.Angle(float64(failed) / all), stats.Angle(float64(abandoned) / all)}})
	}
	if len(list) == 0 {
		return nil
	}
	least := leastDeviation
	least[byTime] = max(least[byTime], spread*math.Sqrt(requests/float64(len(list))))
	for i := range figures {
		scale(list, i, least[i])
	}
	return list
}

// scale says of one figure how far each endpoint is on the wrong side of the middle.
func scale(list []place, figure int, least float64) {
	values := make([]float64, len(list))
	for i := range list {
		values[i] = list[i].raw[figure]
	}
	middle := stats.Median(values)
	for i := range list {
		values[i] = math.Abs(list[i].raw[figure] - middle)
	}
	deviation := max(1.4826*stats.Median(values), least)
	for i := range list {
		list[i].at[figure] = max((list[i].raw[figure]-middle)/deviation, 0)
	}
}

// standApart says of each place whether it is outside of what most have in common.
func standApart(list []place) []bool {
	points := make([][figures]float64, len(list))
	for i := range list {
		points[i] = list[i].at
	}
	return stats.Apart(points, near, company)
}
