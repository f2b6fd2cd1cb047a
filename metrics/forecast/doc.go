// Package forecast says how much traffic will come. It is arithmetic: numbers in, numbers out, no clock and no file of
// its own.
//
// A Series is one quantity in equal steps, such as the requests per second of an upstream in steps of five minutes, for
// five weeks. Several models foretell it all the time: the last value, the same time yesterday or a week ago, profiles of
// the day and of the week, and damped Holt-Winters. Each is scored by what came. The plainest that nothing has clearly
// beaten is used, for each horizon by itself. The band around it comes from how far off it was at that horizon.
//
// Traffic turns finished requests into the series of each upstream. A retry is no demand, and steps in which nothing was
// counted, or most failed, are gaps: an outage is not learned as a quiet hour.
//
// Season goes by local time, so that a peak at nine stays at nine when clocks change.
//
//	t := forecast.New(forecast.Options{Location: time.Local})
//	t.Add(row)          // for each request that has ended
//	t.Step(time.Now())  // now and then
//	for _, u := range t.Outlooks() { ... }
//
// FORECAST.md says what users see of it. A Traffic is safe for concurrent use; a Series is for one goroutine.
package forecast
