package app

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/configs"
	"github.com/steelyard-proxy/steelyard/metrics/usage"
)

// BenchmarkRow is what each reader of finished requests costs for one of them, at 20,000 a second.
func BenchmarkRow(b *testing.B) {
	cfg, err := configs.Parse("c.yaml", []byte(`upstreams: [{name: chat, endpoints: [{url: "http://127.0.0.1:9001"}, {url: "http://127.0.0.1:9002"}, {url: "http://127.0.0.1:9003"}]}]`), nil)
	require.NoError(b, err)
	cfg.Listen[0].Address, cfg.Admin.Address = "127.0.0.1:0", "127.0.0.1:0"
	a, err := New(cfg, Options{})
	require.NoError(b, err)
	defer a.closeListeners()
	a.advising.advisor.Configure(a.fleet.setups())
	n := a.analysis
	for _, reader := range []struct {
		name string
		add  func([]usage.Row)
	}{
		{"usage", n.book.Add}, {"faults", n.anomalies.detector.AddAll}, {"forecast", n.forecast.AddAll}, {"history", a.remember}, {"advice", a.advising.add},
	} {
		b.Run(reader.name, func(b *testing.B) {
			r := rand.New(rand.NewPCG(1, 1))
			rows, begun := make([]usage.Row, 1<<16), time.Now()
			for i := range rows {
				service := time.Duration(r.ExpFloat64() * float64(3*time.Millisecond))
				rows[i] = usage.Row{
					At: begun.Add(time.Duration(i) * 50 * time.Microsecond), Upstream: "chat", Endpoint: fmt.Sprintf("127.0.0.1:900%d", 1+i%3), Class: "answered",
					User: "addr:127.0.0.1", Status: 200, Phase: "done", Service: service, Response: service + time.Millisecond, FirstByte: service, Capacity: 1, Work: 1, Begun: true,
					PromptHash: r.Uint64(), PromptBytes: 300, Attempts: 1, Written: 900,
				}
			}
			b.ReportAllocs()
			const together = 256 // as the queue hands them on
			for i := 0; b.Loop(); i++ {
				if i%together > 0 {
					continue
				}
				some := rows[i%len(rows):][:together]
				reader.add(some)
				for j := range some {
					some[j].At = some[j].At.Add(time.Duration(len(rows)) * 50 * time.Microsecond) // when it comes again
				}
			}
		})
	}
}
