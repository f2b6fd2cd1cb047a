// Package bare is the proxy that a few lines of fasthttp make: its server in front, its clients behind, and each request
// to the endpoint with the fewest under way. Benches show it beside steelyard, whose own codec takes the place of
// fasthttp's: what does that cost in time, and what does it do better?
//
// It runs as a process of its own, as the other proxies do, so that its time and memory can be read. That process is the
// bench's own program, started with other arguments. Whoever wants that calls IfAsked before anything else.
//
//	func main() {
//		bare.IfAsked()
//		...
//		program, err := peers.Self(bare.Name, bare.Version(), bare.Args, bare.Config)
//		p, err := program.Start(ctx, plan)
package bare
