package demo

import (
	"math/rand/v2"
	"net"

	"github.com/steelyard-proxy/steelyard/bench/backend"
	"github.com/steelyard-proxy/steelyard/bench/load"
)

// loadRatio is the load as a part of what the servers can do together.
const loadRatio = 0.2

func loadRate() float64 {
	sum := 0.0
	for _, c := range capacities {
		sum += c.capacity
	}
	return loadRatio * sum
}

// newTraffic makes the load: half of the requests stream, and their sizes vary
// about one unit of work.
func newTraffic(bound net.Addr) (*load.Generator, *load.Client, error) {
	target, err := loadTarget(bound)
	if err != nil {
		return nil, nil, err
	}
	client, err := load.NewClient(target, load.ClientOptions{})
	if err != nil {
		return nil, nil, err
	}
	generator, err := load.New(load.Options{
		Rate: loadRate(),
		Seed: 1,
		Send: client.Send,
		Next: func(_ int, draws *rand.Rand) load.Request {
			return load.Chat(load.ChatOptions{
				Model:     backend.DefaultModel,
				Prompt:    "Weigh this.",
				MaxTokens: 1 + draws.IntN(2*unitTokens-1), // unitTokens in the mean
				Stream:    draws.IntN(2) == 0,
			})
		},
	})
	return generator, client, err
}
