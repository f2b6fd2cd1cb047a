// Package shared lets several gateways in front of the same servers know of each other: what each
// has in flight, who may act for all, and what an operator or the traffic has taught one of them.
//
// A gateway tells a page of what it knows, and hears those of the others, every Publish, and every
// Quick while anything changes. A Transport carries pages: Redis or other gateways over
// HTTP. Nothing here is ever asked while a request waits: requests go by what was heard last.
//
// What the others have in flight is summed up by address, and the sum is given away whole each
// time, so that nothing can drift: who is not heard any more fades out between Fresh and Forget.
//
// Of slots that get free each gateway leaves some to others at which requests starve: Room says how many.
//
// A lease is the right to act for all. It is held for TTL after it was last confirmed, by this
// gateway's own monotonic clock, counted from before the question was asked. Whoever has heard, within TTL, that another
// holds it does not take it, even where the store has lost it. Each new holder has a higher fence.
//
// Where the others cannot be reached the gateway goes on alone: it says so once, keeps what it
// knows until that is too old, and asks again after 1 s, 2 s, and so on to 30 s.
//
//	g := shared.New(shared.Options{Name: "gw-1", Cluster: "blue", Transport: shared.NewRedis(client, "blue"), Own: loads.Own, Elsewhere: loads.SetElsewhere})
//	go g.Run(ctx)
//	if g.Holds("scale") { ... }
package shared
