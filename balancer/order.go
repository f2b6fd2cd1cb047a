package balancer

import (
	"fmt"
	"strings"
)

// Order says which of the requests in a queue goes first.
type Order uint8

const (
	// FIFO is first come, first served.
	FIFO Order = iota
	// ShortestFirst serves the least predicted work first, of equal work who came first.
	// That none waits without bound, a request that has waited for more than half of
	// MaxWait goes before every younger one: from then on only requests that came before
	// it go before it, fewer than MaxRequests.
	//
	// Once predictions have proved to say something, the last free slot of three or more is
	// kept for short requests: one of more than dispatch.Tuned.LongWork times the mean predicted work waits
	// though that slot is free, for half of MaxWait at most, and if it is one of MostHeldBack
	// who wait. A long request that takes the last slot makes all wait that come while it
	// runs, and most of those are short; it has to wait only until another slot comes free.
	ShortestFirst

	orderCount // how many there are; keep last
)

var orderNames = [orderCount]string{"fifo", "shortest_first"}

// String returns the name that ParseOrder knows.
func (o Order) String() string {
	if o >= orderCount {
		return fmt.Sprintf("order %d", uint8(o))
	}
	return orderNames[o]
}

// BySize reports whether it goes by the predicted work of requests.
func (o Order) BySize() bool { return o == ShortestFirst }

// ParseOrder returns the order of this name.
func ParseOrder(name string) (Order, error) {
	for o, known := range orderNames {
		if name == known {
			return Order(o), nil
		}
	}
	return 0, fmt.Errorf("there is no queue order %q; there are %s", name, strings.Join(orderNames[:], ", "))
}
