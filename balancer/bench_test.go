package balancer

import (
	"errors"
	"testing"
)

// benchmarkAcquireRelease is the life of a lease that nobody had to wait for.
func benchmarkAcquireRelease(b *testing.B, p *Pool) {
	var r Request
	b.ReportAllocs()
	for b.Loop() {
		lease, err := p.Acquire(&r)
		if err != nil {
			b.Fatal(err)
		}
		lease.Release(Outcome{Class: Answered})
	}
}

func BenchmarkAcquireRelease(b *testing.B) {
	b.Run("slots=none", func(b *testing.B) { benchmarkAcquireRelease(b, newTestPool(b, 3)) })
	b.Run("slots=8", func(b *testing.B) {
		p := NewPool("chat", NewLoads())
		if err := p.Apply(queued(testQueue), slotted(3, 8)); err != nil {
			b.Fatal(err)
		}
		benchmarkAcquireRelease(b, p)
	})
}

// BenchmarkQueued is the life of a request that waits: it comes when all slots are taken,
// gets the one that is freed next, and frees it. So many others wait as well.
func BenchmarkQueued(b *testing.B) {
	for _, order := range []Order{FIFO, ShortestFirst} {
		b.Run(order.String(), func(b *testing.B) { benchmarkQueued(b, order, 1) })
		b.Run(order.String()+", 1000 wait", func(b *testing.B) { benchmarkQueued(b, order, 1000) })
	}
}

func benchmarkQueued(b *testing.B, order Order, waiting int) {
	o := testQueue
	o.Order = order
	p := newQueuePool(b, 3, o)
	leases := fill(b, p)
	requests, waiters := make([]Request, waiting), make([]*Waiter, waiting)
	for i := range waiters {
		requests[i].Work = 1 // with equal work both orders are first come, first served
		waiters[i] = enqueue(b, p, &requests[i])
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		w, lease := &waiters[i%waiting], &leases[i%len(leases)]
		lease.Release(Outcome{Class: Answered})
		next, err := (*w).Wait()
		if err != nil {
			b.Fatal(err)
		}
		(*w).Recycle()
		*lease = next
		requests[i%waiting] = Request{Work: 1}
		if *w, err = p.Enqueue(&requests[i%waiting]); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkQueuedParallel has many goroutines block in Wait for three slots.
func BenchmarkQueuedParallel(b *testing.B) {
	p := newQueuePool(b, 3, testQueue)
	b.SetParallelism(16)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		r := &Request{Work: 1}
		for pb.Next() {
			*r = Request{Work: 1}
			lease, err := p.Acquire(r)
			if errors.Is(err, ErrFull) {
				w, full := p.Enqueue(r)
				if full != nil {
					b.Error(full)
					return
				}
				lease, err = w.Wait()
				w.Recycle()
			}
			if err != nil {
				b.Error(err)
				return
			}
			lease.Release(Outcome{Class: Answered})
		}
	})
}
