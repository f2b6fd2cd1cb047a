// Package replay serves recorded requests once more, in virtual time, by the real balancer: as it was configured, and as it might be. It is
// how recommendations know what they are worth.
//
// A log says how long each request kept its endpoint, and how many others were there. From that it is found out how each engine
// works (law.go): whether more requests at once slow each other, or only wait from some number on. What a request took is
// then taken back to the work that it was, alone on any endpoint; engines of bench/sim do that work again. Nothing is invented
// that was not seen: an engine has no more slots than it has ever had requests, or was said to have.
//
//	serve, err := replay.New(log, present)   // an advice.Replay
//	as, err := serve(present, 1)
//	would, err := serve(changed, 1)
package replay
