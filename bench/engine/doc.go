// Package engine is the model of one inference server at work: whom it serves, how far each has come, and who waits for a
// slot. bench/sim lives through it in virtual time and bench/backend puts it behind a socket, so what is simulated and what
// is measured are one engine.
//
// Options is its law. Time is passed in and events come out: an Engine has no clock, no lock and no goroutine, and belongs
// to whoever made it.
//
//	e := engine.New(engine.Options{Capacity: 100, Slots: 8})
//	e.Enter(0, 1, engine.Job{Work: 1})
//	for e.Load() > 0 {
//		at := e.Due()
//		for _, event := range e.Next() { ... } // of that instant
//	}
package engine
