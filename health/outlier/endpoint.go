// What is counted about one endpoint while requests run.

package outlier

import (
	"sync/atomic"
	"time"
)

// Ending says how an attempt ended, as far as that says anything of the endpoint.
type Ending uint8

const (
	Nothing       Ending = iota // the client's doing, or ours
	Served                      // the endpoint did what it was asked to
	PushedBack                  // it said that it has too much to do: no fault
	Abandoned                   // the client left before the endpoint had said anything: how long that was is known, and no more
	ConnectFailed               // here the faults begin
	Reset                       // it closed before or within its answer, or answered rubbish
	TimedOut                    // it let a deadline pass
	ServerError                 // it answered 5xx

	endings // one more than the last
)

// isFault reports whether the endpoint is to blame.
func (e Ending) isFault() bool { return e >= ConnectFailed && e < endings }

var faultNames = [endings]string{ConnectFailed: "connect_failed", Reset: "reset", TimedOut: "timed_out", ServerError: "server_error"}

var faultWords = [endings]string{
	ConnectFailed: "a connection that could not be made", Reset: "an answer that was cut or not valid",
	TimedOut: "a time-out", ServerError: "an answer with a status of 500 or more",
}

// Attempt is what is to be known of an attempt that has ended.
type Attempt struct {
	Ending Ending
	Held   time.Duration // from its beginning to its end
	Took   time.Duration // what of that the endpoint needed; 0: that says nothing of its speed
	// FirstByte is how long it took to begin its answer; 0 where it did not.
	FirstByte time.Duration
	Size      float64 // predicted work as a multiple of the mean; 0: not known
}

// Sink is told what becomes of an endpoint. It is called by the Group's Run alone, and with
// no lock held.
type Sink interface{ Judged(Decision) }

// Reading is what is seen of an endpoint at one moment.
type Reading struct {
	Received uint64  // bytes that came from it, ever
	Waiting  int64   // requests that it has whole, and has not begun to answer
	Capacity float64 // its rate of work, by the configuration or measured
	Slots    int     // how many requests it works on at once; 0: not known
	Eligible bool    // it gets requests, also in spite of an ejection
}

// Endpoint is what is known of one endpoint. Ended is for any goroutine; all else belongs to
// the Group.
type Endpoint struct {
	name string
	sink Sink

	// Written by Ended.
	inARow atomic.Int32  // faults since the last attempt that was served
	latest atomic.Uint32 // Ending of the last fault
	ended  [endings]atomic.Uint64
	speed  times // by the time for each unit of predicted work
	first  times // by the time to the first byte

	// Written by the Group.
	limit    atomic.Int32          // how many faults in a row call the Group; 0: no number of them
	typical  atomic.Int32          // the bucket of the usual time for a unit of work; buckets: not known
	expelled atomic.Int64          // when it was ejected for failing, on the process's clock: what is served of attempts from after that speaks for it; 0: it is not
	restored atomic.Int64          // when it got requests again, on the process's clock: attempts from before that count no more; 0: it was never ejected
	group    atomic.Pointer[Group] // nil: nobody judges it yet

	state // guarded by the Group's mu
}

// NewEndpoint makes an endpoint, of which nothing is known yet.
func NewEndpoint(name string, sink Sink) *Endpoint {
	e := &Endpoint{name: name, sink: sink}
	e.typical.Store(buckets)
	return e
}

var processStart = time.Now()

// Ended counts an attempt at the endpoint. It takes no lock and does not allocate. The fault
// that makes too many in a row wakes the Group at once.
func (e *Endpoint) Ended(a Attempt) {
	if a.Ending >= endings {
		return
	}
	e.ended[a.Ending].Add(1)
	if a.FirstByte > 0 {
		e.first[bucketOf(a.FirstByte)].Add(1)
	}
	if a.Took > 0 {
		e.clock(&a)
	}
	switch {
	case a.Ending == Served:
		if e.inARow.Load() != 0 { // most often it is 0: no write then, which other cores would wait for
			e.inARow.Store(0)
		}
		if expelled := e.expelled.Load(); expelled != 0 && a.began() > expelled {
			e.plead()
		}
	case a.Ending.isFault():
		e.failed(&a)
	}
}

// clock counts how long an attempt took. Of one that was not served it is only known that it
// would have taken longer: that counts where it is long already.
func (e *Endpoint) clock(a *Attempt) {
	b := bucketOf(a.perWork())
	if a.Ending != Served && (a.Ending != Abandoned && a.Ending != TimedOut || b <= int(e.typical.Load())) {
		return
	}
	e.speed[b].Add(1)
}

// failed counts a fault. An attempt that began before the endpoint was given requests again
// says what is known already.
func (e *Endpoint) failed(a *Attempt) {
	if restored := e.restored.Load(); restored != 0 && a.began() < restored {
		return
	}
	g := e.group.Load()
	if g != nil {
		g.pleas.Store(0)
	}
	e.latest.Store(uint32(a.Ending))
	if n, limit := e.inARow.Add(1), e.limit.Load(); n != limit {
		return
	}
	if g != nil {
		g.wake()
	}
}

// plead counts a request that the endpoint has served well in spite of its ejection.
func (e *Endpoint) plead() {
	if g := e.group.Load(); g != nil && g.pleas.Add(1) == fleetPasses {
		g.wake()
	}
}

// began is when the attempt did, on the process's clock.
func (a *Attempt) began() int64 { return int64(time.Since(processStart) - a.Held) }
