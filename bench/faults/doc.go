// Package faults holds what metrics/anomaly finds against faults whose truth is known, in virtual time: how soon, how often
// for nothing, and whether it names the right cause. Beside it stand three watchers that anybody could write in a line.
//
// The rows are generated here, by rules of this package alone: arrivals by the hour, servers that wander, pause and are
// unlike each other, predictions that are off, users and models by Zipf. What a fault does is a factor or a chance in that,
// so nothing of what is judged can leak into the truth. No engine or balancer is simulated: a fault does not move traffic.
//
// There are two parts. Trials: a server becomes twice as slow, in fleets of two to eight under three kinds of work, at five
// requests a second each. Timelines: clean weeks with a daily season, and then nine faults one after the other. Alarms are
// counted as events, never as points.
//
//	result, err := faults.Run(ctx, faults.Options{Seed: 1, Seeds: 20})
package faults
