// A head whose Connection field names hundreds of other fields.

//go:build linux

package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/steelyard-proxy/steelyard/bench/figure"
	"github.com/steelyard-proxy/steelyard/bench/peers"
)

const mostCPU = 300 * time.Microsecond

// connectionTokens: each token of Connection names a field to remove. Whoever looks for each among all fields does work
// that grows with the square of the head.
var connectionTokens = hardship{
	name:  "connection-tokens",
	what:  "a head of 8 KB, half of it tokens of Connection and half short fields: CPU for a request",
	right: fmt.Sprintf("≤ %.1f ms", milliseconds(mostCPU)),
	asked: []string{peers.Nginx, peers.Steelyard}, // HAProxy takes no more than 101 fields
	run: func(ctx context.Context, s *stand) (verdict, error) {
		const rounds = 7
		addr, err := s.serve(says("ok"))
		if err != nil {
			return verdict{}, err
		}
		p, err := s.start(ctx, stock(addr))
		if err != nil {
			return verdict{}, err
		}
		const start, half = "GET / HTTP/1.1\r\nHost: x.test\r\n", 3900
		many := start + "Connection: q" + strings.Repeat(",te", half/3) + "\r\n" + strings.Repeat("a:b\r\n", half/5) + "\r\n"
		plain := start + "X-Pad: " + strings.Repeat("x", 2*half) + "\r\n\r\n"
		var odd, usual []float64
		statuses := tally{}
		for range rounds {
			for _, side := range []struct {
				request string
				to      *[]float64
			}{{plain, &usual}, {many, &odd}} {
				spent, status, err := cpuOf(p, side.request)
				if err != nil {
					return verdict{}, err
				}
				*side.to = append(*side.to, milliseconds(spent))
				statuses[status]++
			}
		}
		spread := figure.Summarise(odd)
		text := fmt.Sprintf("%s ms, a plain one %.2f", spread.Text(2), figure.Summarise(usual).Median)
		if statuses[200] < 2*rounds {
			text += " (" + statuses.text("no answer") + ")"
		}
		return verdict{text, spread.Median <= milliseconds(mostCPU)}, nil
	},
}

// cpuOf is what a program spends on one such request, out of many, and the status of the last.
func cpuOf(p *peers.Process, request string) (each time.Duration, status int, err error) {
	const requests = 50
	var c *client
	defer func() {
		if c != nil {
			_ = c.Close()
		}
	}()
	before, err := p.CPU()
	if err != nil {
		return 0, 0, err
	}
	for range requests {
		if c == nil {
			if c, err = dial(p.Addr, time.Second); err != nil {
				return 0, 0, err
			}
		}
		answer, err := c.begin(request, 10*time.Second)
		if err == nil {
			_, err = io.Copy(io.Discard, answer.Body)
		}
		if err != nil {
			return 0, 0, err
		}
		status = answer.StatusCode
		if answer.Close {
			_ = c.Close()
			c = nil
		}
	}
	after, err := p.CPU()
	return (after - before) / requests, status, err
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
