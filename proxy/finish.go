// The end of an exchange, the same for every ending.

package proxy

import (
	"fmt"
	"runtime/debug"

	"go.uber.org/zap"

	"github.com/steelyard-proxy/steelyard/balancer"
	"github.com/steelyard-proxy/steelyard/proxy/fault"
)

// finish ends the exchange, exactly once, for every ending.
func (x *exchange) finish() {
	if r := recover(); r != nil {
		x.panicked(r)
	}
	x.endAttempts()
	x.unbind()
	x.reply.drop()
	x.letGo()
	if x.reserved > 0 {
		x.handler.memory.Return(x.reserved)
	}
	if x.counted {
		x.conn.Client.Requests.Give(1)
	}
	if x.admitted {
		x.handler.Guard.Leave()
	}
	x.recordEnd()
	recycle := x.conn.Disarm(&x.waiter)
	if x.total != nil {
		recycle = x.total.Stop() && recycle
	}
	if recycle { // else somebody may still call cancel: leave it to the collector
		x.reset()
		x.handler.exchanges.Put(x)
	}
}

// endAttempts ends all attempts. Of one whose answer was not wanted nothing is said.
func (x *exchange) endAttempts() {
	for _, a := range x.attempts {
		if !a.leased() {
			continue
		}
		class := balancer.Refused
		if a == x.current {
			class = classOf(x.failure)
		}
		a.end(a.outcome(class))
	}
}

// panicked answers 500 if it still can. One request is lost, the process is not.
func (x *exchange) panicked(r any) {
	x.logPanic(r)
	x.respond(fault.New(fault.Internal, fmt.Errorf("BUG: %v", r)))
}

func (x *exchange) logPanic(r any) {
	x.handler.metrics.Panicked()
	x.handler.log.Error("panic in a request", append(x.about(), zap.Any("panic", r), zap.ByteString("stack", debug.Stack()))...)
}
