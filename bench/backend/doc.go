// Package backend is a simulated inference server: OpenAI-shaped chat and text
// completions, streaming or not, at a speed that is set instead of bought.
//
// Its engine is bench/engine, put into real time. Work is counted in units. With every slot busy
// the server completes Capacity units per second, so one unit holds one of its slots for
// Slots/Capacity seconds. The engine keeps exact time, whatever the machine's timers do. When a
// client leaves, its request costs nothing from that moment on, and the server counts it.
//
// With an engine of a Kind it reads the prompts that are sent, remembers them by blocks of 2 KiB, makes max_tokens tokens, and says in
// its usage how many tokens of the prompt it remembered. GET /metrics is vLLM's page. After a time of being Down the engine
// remembers nothing.
//
// Faults and the speed are switched while it runs, by method or by POST
// /fault?kind=... and /speed?factor=..., so that a test, a bench and a person
// with curl change a server the same way.
//
// A Server owns its listener and its counters; nothing else writes them.
//
//	server, err := backend.New(backend.Options{Name: "small"})
//	if err != nil { ... }
//	go server.Run(ctx)                         // until ctx ends
//	fmt.Println(server.URL())                  // http://127.0.0.1:41233
//	server.SetFault(backend.Slow, 10*time.Second)
package backend
