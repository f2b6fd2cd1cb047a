// Package window keeps two counters, all events and the bad ones, over the last three days:
// by ten seconds for an hour, by a minute for six hours, by ten minutes for three days. A
// window has 1,152 slots, some 18 KB, whatever the traffic.
//
//	w := window.New()
//	w.Advance(10 * time.Second) // time goes on, by whatever clock its owner trusts
//	w.Add(120, 3)
//	count, known := w.Sum(time.Hour) // known: how much of the hour it has seen
//	text, _ := w.MarshalText()       // to be kept over a restart
//
// It reads no clock: its owner says how much time has passed, so that a clock that jumps
// cannot empty it. It is for one goroutine.
package window
