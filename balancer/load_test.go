package balancer

import (
	"testing"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestLoadIsOfTheServer(t *testing.T) {
	loads := NewLoads()
	chat, embed := NewPool("chat", loads), NewPool("embed", loads)
	require.NoError(t, chat.Apply(Options{Policy: turns{"turns"}}, []EndpointOptions{{Name: "gpu", URL: "http://GPU1:80", Capacity: 100}}))
	require.NoError(t, embed.Apply(Options{Policy: turns{"turns"}}, []EndpointOptions{{Name: "other name", URL: "http://gpu1", Capacity: 5}}))
	assert.NotSame(t, at(chat, 0), at(embed, 0))
	assert.Same(t, at(chat, 0).Load(), at(embed, 0).Load())

	lease, err := chat.Acquire(nil)
	require.NoError(t, err)
	assert.Equal(t, int64(1), at(embed, 0).Load().InFlight())
	lease.Release(Outcome{Class: Answered})
	assert.Zero(t, at(embed, 0).Load().InFlight())
}

// TestLoadOutlivesMembership: an endpoint that is removed with leases out and comes back
// finds its own count, and nothing is kept of one that is gone for good.
func TestLoadOutlivesMembership(t *testing.T) {
	p := newTestPool(t, 2)
	lease, err := p.Acquire(nil)
	require.NoError(t, err)
	server := lease.Endpoint()
	require.NoError(t, p.Apply(Options{Policy: turns{"turns"}}, endpoints(2)[1:]))
	assert.Equal(t, int64(1), server.Load().InFlight())

	require.NoError(t, p.Apply(Options{Policy: turns{"turns"}}, endpoints(2)))
	assert.NotSame(t, server, at(p, 0), "it is a new member")
	assert.Same(t, server.Load(), at(p, 0).Load(), "of the same server")

	require.NoError(t, p.Apply(Options{Policy: turns{"turns"}}, endpoints(2)[1:]))
	assert.Len(t, p.loads.byAddress, 2, "kept while a lease is out")
	lease.Release(Outcome{})
	assert.Zero(t, server.Load().InFlight())
	require.NoError(t, p.Apply(Options{Policy: turns{"turns"}}, endpoints(3)[1:]))
	assert.Len(t, p.loads.byAddress, 2, "forgotten at the next change: of three servers two are held")
}

func TestServerAddress(t *testing.T) {
	for url, want := range map[string]string{
		"http://127.0.0.1:9001":  "127.0.0.1:9001",
		"http://GPU.example":     "gpu.example:80",
		"https://gpu.example":    "gpu.example:443",
		"HTTPS://gpu.example":    "gpu.example:443",
		"http://[::1]:8000":      "[::1]:8000",
		"http://[::1]":           "[::1]:80",
		"unix:/run/model.sock":   "unix:/run/model.sock",
		"unix:///run/model.sock": "unix:///run/model.sock",
		"http://bad host:1":      "http://bad host:1",
	} {
		assert.Equal(t, want, serverAddress(url), url)
	}
}

func TestLoadFillsItsCacheLine(t *testing.T) {
	assert.Zero(t, unsafe.Sizeof(Load{})%cacheLine)
}

func TestOutcomeClasses(t *testing.T) {
	p := newTestPool(t, 1)
	load := at(p, 0).Load()
	names := map[string]bool{}
	for class := range classCount {
		lease, err := p.Acquire(nil)
		require.NoError(t, err)
		lease.Release(Outcome{Class: class})
		assert.Equal(t, uint64(1), load.Finished(class))
		names[class.String()] = true
	}
	assert.Len(t, names, int(classCount), "each class has a name of its own")

	lease, err := p.Acquire(nil)
	require.NoError(t, err)
	lease.Release(Outcome{Class: 200})
	assert.Equal(t, uint64(2), load.Finished(Unknown), "a class that does not exist")
	assert.Zero(t, load.Finished(200))
	assert.Equal(t, "unknown", OutcomeClass(200).String())
}
