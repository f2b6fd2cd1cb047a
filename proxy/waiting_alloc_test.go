//go:build !race

package proxy_test

import (
	"io"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A comment to a client that waits allocates nothing, however many there are: of as many waits as there are clients.
func TestCommentsAllocateNothing(t *testing.T) {
	const comments = 20_000
	p := newPuppet(t)
	s := commenting()
	s.upstream.Keepalive = time.Nanosecond
	g := serve(t, s, p.address)
	_, server := busy(t, g, p)
	client := waits(t, g, streamTo("/v1/chat/completions"))
	defer server.close()
	buf := make([]byte, len(chunk(waitComment))*100)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range comments / 100 {
		_, err := io.ReadFull(client.br, buf)
		require.NoError(t, err)
	}
	runtime.ReadMemStats(&after)
	require.Less(t, after.Mallocs-before.Mallocs, uint64(comments/10))
}

// BenchmarkWaiting is what each of thousands of streams costs that waits and has had a comment.
func BenchmarkWaiting(b *testing.B) {
	const clients = 9_000 // two descriptors each, of 20,000
	p := newPuppet(b)
	s := commenting()
	s.quiet = true
	s.upstream.Keepalive = 5 * time.Second // all have come by then, or their comments would be most of the work
	s.queue.MaxRequests, s.front.Connections = clients, clients+10
	g := serve(b, s, p.address)
	first := dial(b, g)
	first.send(get)
	server := p.accept(b)
	server.request()
	var before, after runtime.MemStats
	for b.Loop() {
		runtime.GC()
		runtime.ReadMemStats(&before)
		all := make([]*peer, clients)
		for i := range all {
			all[i] = dial(b, g)
			all[i].send(streamTo("/v1/chat/completions"))
		}
		for _, c := range all {
			c.head()
			c.expect(chunk(waitComment))
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc+after.StackInuse-before.HeapAlloc-before.StackInuse)/clients, "B/client")
		for _, c := range all {
			c.close()
		}
		eventually(b, "all to leave", func() bool { return g.pool.Queue().Waiting == 0 })
	}
	server.close()
}
