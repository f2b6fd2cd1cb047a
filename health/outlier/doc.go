// Package outlier judges endpoints by their real traffic. It is the one place that decides to
// eject an endpoint; the balancer decides how many ejections it obeys.
//
// Ended counts an attempt, with a few atomic additions and no lock. A Group holds the
// endpoints of one upstream against each other: failures in a row at once, when Ended wakes
// it, and all else each second. What it decides its members' sinks are told.
//
//   - consecutive: so many failures in a row.
//   - ratio: too large a part of the attempts in the window failed, and not those of its peers.
//   - slow: it takes longer than its own past, and its peers do not.
//   - stall: requests wait, and not a byte comes.
//   - cluster: in a large fleet it stands apart by several figures together.
//   - trend: it becomes slower; this one only warns.
//
// OUTLIER.md says what users see of them.
//
// A detector that is not enforced says what it would have done, as often as it would have.
//
// An ejection lasts longer each time, and is forgotten as the endpoint stays well: each
// repeat after as long as it lasted. Then the endpoint is on trial: one failure ejects it
// again, a few requests that it serves well end the trial. A probe that failed meanwhile and
// passes again begins the trial early; a probe alone never ends it. So does the endpoint
// itself, where it had to be used in spite of its ejection and serves well. Where all were ejected
// the first that serves again speaks for the others (dark.go).
//
// What the client does, or we, counts for nothing. Nor does an endpoint that says that it has
// too much to do (PushedBack).
//
//	group := outlier.New(func() map[string]outlier.Reading { ... })
//	e := outlier.NewEndpoint("small", sink)
//	group.Configure(outlier.Options{...}, []*outlier.Endpoint{e})
//	go group.Run(ctx)
//	e.Ended(outlier.Attempt{Ending: outlier.ServerError, Took: time.Millisecond})
package outlier
