// Package engine is the model of one inference server at work: whom it serves, how far each has come, and who waits.
// bench/sim lives through it in virtual time and bench/backend puts it behind a socket, so what is simulated and what
// is measured are one engine.
//
// Options is its law, of which there are two. An engine of slots serves requests side by side, each with its share of the
// speed; its work is counted in units, and formulas say what it must do. An engine of a Kind lives as those do that
// batch: iteration by iteration, with prompts read beside the answers that they hold up, a KV cache that fills, and
// prompts that it remembers.
//
// Time is passed in and events come out: an Engine has no clock, no lock and no goroutine, and belongs to whoever made it.
//
//	e := engine.New(engine.Options{Kind: "a100"})
//	e.Enter(0, 1, engine.Job{PromptTokens: 1000, Tokens: 200})
//	for e.State().Load() > 0 {
//		at := e.Due()
//		for _, event := range e.Next() { ... } // of that instant
//	}
package engine
