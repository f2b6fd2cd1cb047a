// Package lab runs a scenario: each of its contenders on the same traces, and theory beside them.
//
// A measured contender is a program of its own in front of engines of its own, steelyard as much as its peers; all of
// them get the same trace at the same time, a tenth of a second after each other, so that what else the machine does hits
// all alike. Where that is more than the machine carries they go in groups, one after the other (if asked, each alone),
// and a note says who was in which.
// The same traces are simulated with the policies' own code, and given to an idealised central queue.
// What a request takes on its way, which simulations know nothing of, is measured apart and added to them.
// Whatever was started is stopped before Run returns, however it ends.
//
// What is run is a scenario.Scenario, what comes of it a report.Result: this package only joins the two. A Lab belongs
// to one goroutine; Progress is called from one at a time.
//
//	l := lab.New(lab.Options{Scenario: s, Programs: programs, Seed: 1})
//	result, err := l.Run(ctx)
package lab
