// Package backend is a simulated inference server: OpenAI-shaped chat and text
// completions, streaming or not, at a speed that is set instead of bought.
//
// It models an engine with slots. Work is counted in units; with every slot
// busy the server completes Capacity units per second, so one unit holds one of
// its slots for Slots/Capacity seconds. Requests beyond the slots wait inside
// the server, first come, first served; or all share it, see Discipline; or
// prompts and tokens have speeds of their own, see Options. The model keeps exact
// time, whatever the machine's timers do. A request stops costing anything the
// moment its client leaves, and the server counts that it did.
//
// Faults and the speed are switched while it runs, by method or by POST
// /fault?kind=... and /speed?factor=..., so that a test, a bench and a person
// with curl change a server the same way.
//
// The law of the speeds is Options.Speeds and Options.Alone, and Rehearse lives through
// requests by it without a server: simulations share the one and are held to the other.
//
// A Server owns its listener and its counters; nothing else writes them.
//
//	server, err := backend.New(backend.Options{Name: "small", Capacity: 100})
//	if err != nil { ... }
//	go server.Run(ctx)                         // until ctx ends
//	fmt.Println(server.URL())                  // http://127.0.0.1:41233
//	server.SetFault(backend.Slow, 10*time.Second)
package backend
