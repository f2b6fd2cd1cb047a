// Package keda serves KEDA's contract of external scalers: gRPC, by which KEDA learns how much work an upstream has
// and whether it has any at all. It only tells; KEDA and the HPA behind it decide and act.
//
// The messages are written by hand over protowire (messages.go). They are five, small and fixed by what KEDA has
// released; generated code would be a thousand lines and a generator to install.
//
// Three answers are kept apart, as each was mistaken for another by somebody:
//
//   - a number, which may be 0: nothing is to be done;
//   - Unavailable: the figures are not known now. KEDA's fallback counts it, and the HPA leaves the number of replicas as it is;
//   - NotFound: no such upstream scales. It is never 0, or a slip of the pen would scale a fleet to nothing.
//
// What a metric is held against is known even while the metric is not. So GetMetricSpec answers then: KEDA does not count
// its failures, and fallback would never come.
//
//	s := keda.New(keda.Options{Figure: figure, Upstreams: names})
//	err := s.Run(ctx, listener, nil)
package keda
