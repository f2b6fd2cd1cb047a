// Package anomaly finds what is odd in the requests that have ended, and says where: which endpoint, model, user or
// upstream, since when, by what figures, and what to do. It is slower than health/outlier and only tells; that room ejects.
// It is arithmetic: rows in, faults out, no clock and no file of its own.
//
//   - slow: requests take longer for their work. Of an endpoint by its peers (a CUSUM of how much likelier its times are if it
//     is slower, and by how much the others are), of an endpoint or a model by its own past beside the others, and of the upstream by its own
//     past alone (CUSUM of what a profile of the week does not explain).
//   - errors, truncated, stalls: a part of the requests that is too large (a CUSUM of single requests).
//   - apart: in a fleet of eight or more, an endpoint outside of the largest cluster (DBSCAN).
//   - demand: far more work than usual at this hour.
//   - outage: most requests find no endpoint at all.
//   - overhead: the gateway itself takes longer.
//
// What is bad is then shared out along endpoints, models, users and phases: the value that has most of the excess, and more
// than its part of the traffic, is named. A trend is a figure that will be out of its limit within a week.
//
// A judge's measure is frozen while it accuses, so that a fault is not learned as normal; after a day it is taken for normal.
//
//	d := anomaly.New(anomaly.Options{Location: time.Local, Tell: func(f anomaly.Fault) { ... }})
//	d.Restore(text, time.Now()) // of an earlier process
//	d.Add(row)          // for each request that has ended
//	d.Step(time.Now())  // each ten seconds
//	for _, f := range d.Faults() { ... }
//
// FAULTS.md says what users see of it. A Detector is safe for concurrent use.
package anomaly
