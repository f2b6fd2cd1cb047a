package policy

import (
	"fmt"
	"testing"

	"github.com/steelyard-proxy/steelyard/balancer"
)

// benchmarkSizes are the pool sizes measured: one server, a small fleet, and the largest promised.
var benchmarkSizes = []int{1, 3, 100, 10_000}

func endpointsOf(n int) string { return fmt.Sprintf("endpoints=%d", n) }

func benchmarkPool(b *testing.B, n int) *balancer.Pool {
	return newPool(b, Capacity(CapacityOptions{}), unequal(n))
}

// BenchmarkPick is a pick, and for policies that go by it the count of the request, and of
// one that ends meanwhile: up to two requests for each endpoint are in flight.
func BenchmarkPick(b *testing.B) {
	for name, build := range every() {
		for _, n := range benchmarkSizes {
			b.Run(fmt.Sprintf("%s/endpoints=%d", name, n), func(b *testing.B) {
				p := build.Build(candidates(b, unequal(n)))
				counter, counts := p.(balancer.Counter)
				inFlight, ends := make([]int64, n), make([]int, 2*n)
				for k := range ends {
					ends[k] = absent
				}
				k := 0
				b.ReportAllocs()
				for b.Loop() {
					i, _ := p.Pick(nil)
					if !counts {
						continue
					}
					inFlight[i]++
					counter.Count(i, inFlight[i])
					if j := ends[k]; j != absent {
						inFlight[j]--
						counter.Count(j, inFlight[j])
					}
					ends[k] = i
					k = (k + 1) % len(ends)
				}
			})
		}
	}
}

// BenchmarkPickOneOpen is the worst of full fleets: all endpoints but one are closed.
func BenchmarkPickOneOpen(b *testing.B) {
	for name, build := range every() {
		for _, n := range benchmarkSizes[1:] {
			b.Run(fmt.Sprintf("%s/endpoints=%d", name, n), func(b *testing.B) {
				p := build.Build(candidates(b, unequal(n)))
				for i := range n - 1 {
					p.Open(i, false)
				}
				b.ReportAllocs()
				for b.Loop() {
					p.Pick(nil)
				}
			})
		}
	}
}

// BenchmarkOpen closes an endpoint, picks, and opens it again, as one whose last slot is
// taken and given back.
func BenchmarkOpen(b *testing.B) {
	for name, build := range every() {
		for _, n := range benchmarkSizes[1:] {
			b.Run(fmt.Sprintf("%s/endpoints=%d", name, n), func(b *testing.B) {
				p := build.Build(candidates(b, unequal(n)))
				i, _ := p.Pick(nil)
				b.ReportAllocs()
				for b.Loop() {
					p.Open(i, false)
					j, _ := p.Pick(nil)
					p.Open(i, true)
					i = j
				}
			})
		}
	}
}

func acquireAndRelease(b *testing.B, pool *balancer.Pool, r *balancer.Request) {
	b.ReportAllocs()
	for b.Loop() {
		lease, err := pool.Acquire(r)
		if err != nil {
			b.Fatal(err)
		}
		lease.Release(balancer.Outcome{Class: balancer.Answered})
	}
}

func BenchmarkAcquireRelease(b *testing.B) {
	for name, build := range every() {
		for _, n := range benchmarkSizes {
			b.Run(name+"/"+endpointsOf(n), func(b *testing.B) {
				pool := newPool(b, build, unequal(n))
				var r balancer.Request
				acquireAndRelease(b, pool, &r)
			})
		}
	}
}

func BenchmarkAcquireReleaseParallel(b *testing.B) {
	for _, n := range benchmarkSizes {
		b.Run(endpointsOf(n), func(b *testing.B) {
			pool := benchmarkPool(b, n)
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				var r balancer.Request
				for pb.Next() {
					lease, err := pool.Acquire(&r)
					if err != nil {
						b.Error(err)
						return
					}
					lease.Release(balancer.Outcome{Class: balancer.Answered})
				}
			})
		})
	}
}

// BenchmarkAcquireExcluding is a repeat: the endpoint that failed is kept out.
func BenchmarkAcquireExcluding(b *testing.B) {
	for _, n := range benchmarkSizes[1:] {
		b.Run(endpointsOf(n), func(b *testing.B) {
			pool := benchmarkPool(b, n)
			r := balancer.Request{Exclude: []*balancer.Endpoint{pool.Snapshot().Endpoints[0].Endpoint}}
			acquireAndRelease(b, pool, &r)
		})
	}
}

// BenchmarkChange is one condition switched: the price of a snapshot.
func BenchmarkChange(b *testing.B) {
	for _, n := range benchmarkSizes {
		b.Run(endpointsOf(n), func(b *testing.B) {
			pool := benchmarkPool(b, n)
			on := false
			b.ReportAllocs()
			for b.Loop() {
				on = !on
				if _, err := pool.SetCondition("0", balancer.ProbeFailed, on, "benchmark"); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
