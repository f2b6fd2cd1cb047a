// The orders in which a queue can be served.

package balancer

import (
	"fmt"
	"strings"
)

// Order says which of the requests of one priority in a queue goes first.
type Order uint8

const (
	// FIFO is first come, first served.
	FIFO Order = iota
	// ShortestFirst serves the request with the least predicted work first, and of equal ones
	// the one that came first. So that none waits for ever, a request that has waited for
	// more than half of MaxWait goes before every younger one. From then on only those that
	// came before it are served before it, and they are fewer than MaxRequests.
	//
	// It also keeps the last free slot for short requests, once predictions have proved true:
	// see package dispatch. Only half of MaxWait may be spent on that.
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
