// Package alarm wakes at an instant, to tens of microseconds.
//
// Go's timers are up to a millisecond late, since the runtime waits for them in
// whole milliseconds; on a service of ten that is a tenth. An Alarm sleeps on a
// timer of the kernel until shortly before the instant and watches the clock for
// the rest. How long shortly is, it learns from how late the machine wakes it, so
// that it burns no more of a core than it must.
//
// An Alarm is set by anybody and waited for by one goroutine. Plain makes one of
// Go's timers, for systems without the other kind and for fake time.
//
//	a, err := alarm.New()
//	if err != nil { ... }
//	defer a.Close()
//	a.Set(time.Now().Add(5 * time.Millisecond))
//	for a.Wait() { ... } // until Close
//
// KeepAwake spares what is measured the time that halted cores take to wake.
package alarm
