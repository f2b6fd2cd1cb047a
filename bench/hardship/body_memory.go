// Bodies of many sizes fill the memory that is set aside for bodies.

//go:build linux

package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/steelyard-proxy/steelyard/bench/alarm"
)

const (
	bodyBudget    = 256 << 20
	mostResident  = 400 << 20
	mostWhenIdle  = 128 << 20
	idleFor       = 15 * time.Second
	heldAtMostFor = 6 * time.Second // until all bodies of one size have reached the server
)

// bodyMemory: bodies of one size after the other fill the budget for bodies. Pools that keep each size apart would keep
// them all.
var bodyMemory = hardship{
	name:  "body-memory",
	what:  "256 MiB of body_memory filled with bodies of 4 MiB, then 2 MiB, down to 128 KiB: resident memory",
	right: fmt.Sprintf("peak ≤ %d MiB, idle ≤ %d MiB", mostResident>>20, mostWhenIdle>>20),
	asked: steelyardOnly,
	run: func(ctx context.Context, s *stand) (verdict, error) {
		var gate holdback
		addr, err := s.serve(func(w http.ResponseWriter, r *http.Request) {
			if n, _ := io.Copy(io.Discard, r.Body); n > 0 {
				gate.wait(r.Context())
			}
		})
		if err != nil {
			return verdict{}, err
		}
		plan := stock(addr)
		plan.BodyMemory = "256MiB"
		p, err := s.start(ctx, plan)
		if err != nil {
			return verdict{}, err
		}
		lost := 0
		for size := 4 << 20; size >= 128<<10; size /= 2 {
			n := bodyBudget / size
			open := gate.hold(ctx, n)
			request := fmt.Sprintf("POST / HTTP/1.1\r\nHost: x.test\r\nContent-Length: %d\r\n\r\n", size) + strings.Repeat("x", size)
			got := askAtOnce(p.Addr, request, n, longest)
			lost += n - got[http.StatusOK]
			open()
		}
		if err := alarm.Pause(ctx, idleFor); err != nil {
			return verdict{}, err
		}
		m, err := memoryOf(p.PID())
		if err != nil {
			return verdict{}, err
		}
		text := fmt.Sprintf("peak %d MiB, idle %d MiB", mebibytes(m.peak), mebibytes(m.resident))
		if lost > 0 {
			text += fmt.Sprintf(", %d requests lost", lost)
		}
		return verdict{text, m.peak <= mostResident && m.resident <= mostWhenIdle && lost == 0}, nil
	},
}

// holdback keeps requests at the server until all that are expected have come.
type holdback struct{ current atomic.Pointer[crowd] }

type crowd struct {
	missing atomic.Int32
	all     chan struct{} // closed when none is missing, or after a while
	once    sync.Once
}

// hold begins a new crowd. It is let go when it is complete, after a while in any case, or when open is called.
func (h *holdback) hold(ctx context.Context, n int) (open func()) {
	c := &crowd{all: make(chan struct{})}
	c.missing.Store(int32(n))
	h.current.Store(c)
	ctx, cancel := context.WithTimeout(ctx, heldAtMostFor)
	stop := context.AfterFunc(ctx, c.open)
	return func() { stop(); cancel(); c.open() }
}

func (h *holdback) wait(ctx context.Context) {
	c := h.current.Load()
	if c.missing.Add(-1) == 0 {
		c.open()
	}
	select {
	case <-c.all:
	case <-ctx.Done():
	}
}

func (c *crowd) open() { c.once.Do(func() { close(c.all) }) }
