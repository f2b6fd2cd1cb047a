package policy

import (
	"fmt"
	"testing"

	"github.com/steelyard-proxy/steelyard/balancer"
)

// benchmarkSizes are the pool sizes measured: one server, a small fleet, and the largest promised.
var benchmarkSizes = []int{1, 3, 100, 10_000}

func benchmarkPool(b *testing.B, n int) *balancer.Pool {
	return newPool(b, Capacity(CapacityOptions{}), unequal(n))
}

func BenchmarkPick(b *testing.B) {
	for _, n := range benchmarkSizes {
		b.Run(fmt.Sprintf("endpoints=%d", n), func(b *testing.B) {
			p := Capacity(CapacityOptions{}).Build(candidates(b, unequal(n)))
			b.ReportAllocs()
			for b.Loop() {
				p.Pick(nil)
			}
		})
	}
}

func BenchmarkAcquireRelease(b *testing.B) {
	for _, n := range benchmarkSizes {
		b.Run(fmt.Sprintf("endpoints=%d", n), func(b *testing.B) {
			pool := benchmarkPool(b, n)
			var r balancer.Request
			b.ReportAllocs()
			for b.Loop() {
				lease, err := pool.Acquire(&r)
				if err != nil {
					b.Fatal(err)
				}
				lease.Release(balancer.Outcome{Class: balancer.Answered})
			}
		})
	}
}

func BenchmarkAcquireReleaseParallel(b *testing.B) {
	for _, n := range benchmarkSizes {
		b.Run(fmt.Sprintf("endpoints=%d", n), func(b *testing.B) {
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
		b.Run(fmt.Sprintf("endpoints=%d", n), func(b *testing.B) {
			pool := benchmarkPool(b, n)
			r := balancer.Request{Exclude: []*balancer.Endpoint{pool.Snapshot().Endpoints[0].Endpoint}}
			b.ReportAllocs()
			for b.Loop() {
				lease, err := pool.Acquire(&r)
				if err != nil {
					b.Fatal(err)
				}
				lease.Release(balancer.Outcome{Class: balancer.Answered})
			}
		})
	}
}

// BenchmarkChange is one condition switched: the price of a snapshot.
func BenchmarkChange(b *testing.B) {
	for _, n := range benchmarkSizes {
		b.Run(fmt.Sprintf("endpoints=%d", n), func(b *testing.B) {
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
