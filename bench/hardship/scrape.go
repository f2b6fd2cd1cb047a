// Monitoring asks for everything at once, while requests are served.

//go:build linux

package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/steelyard-proxy/steelyard/bench/alarm"
	"github.com/steelyard-proxy/steelyard/bench/figure"
)

// heavyScrape: monitoring asks for everything about many endpoints, several times at once. Its work must yield to requests.
var heavyScrape = hardship{
	name:  "scrape",
	what:  "1,000 endpoints, four scrapers, each again after 250 ms: p50 of requests with them ÷ without",
	right: "≤ 1.2",
	asked: steelyardOnly,
	run: func(ctx context.Context, s *stand) (verdict, error) {
		const endpoints, rounds, each, scrapers = 1000, 5, 1500 * time.Millisecond, 4
		addrs, err := serveMany(s, endpoints)
		if err != nil {
			return verdict{}, err
		}
		p, err := s.start(ctx, stock(addrs...))
		if err != nil {
			return verdict{}, err
		}
		for range 2 { // every endpoint has had requests, and so has figures to tell
			_ = askKept(ctx, p.Addr, endpoints, 0)
		}
		var without, with []float64
		var scrapes atomic.Int64
		for range rounds {
			quiet := p50(ctx, p.Addr, each)
			scraping, stop := context.WithCancel(ctx)
			var all sync.WaitGroup
			for range scrapers {
				all.Go(func() { scrapes.Add(scrapeOn(scraping, p.Admin)) })
			}
			loud := p50(ctx, p.Addr, each)
			stop()
			all.Wait()
			without, with = append(without, quiet), append(with, loud)
		}
		if slices.Contains(with, math.Inf(1)) {
			return verdict{text: "no request answered while scraped"}, nil
		}
		ratio := figure.Summarise(figure.Ratios(with, without))
		text := fmt.Sprintf("%s (%.2f ÷ %.2f ms, %d scrapes)", ratio.Text(2),
			figure.Summarise(with).Median, figure.Summarise(without).Median, scrapes.Load())
		return verdict{text, ratio.Median <= 1.2 && scrapes.Load() > 0}, nil
	},
}

// serveMany starts one server on many ports.
func serveMany(s *stand, n int) ([]string, error) {
	server := &http.Server{Handler: says("ok"), ErrorLog: silent}
	s.atEnd(func() { _ = server.Close() })
	var addrs []string
	for range n {
		ln, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("start a server: %w", err)
		}
		go func() { _ = server.Serve(ln) }()
		addrs = append(addrs, ln.Addr().String())
	}
	return addrs, nil
}

// p50 is the median response time in milliseconds of clients that ask every few milliseconds; without end when none is
// answered.
func p50(ctx context.Context, addr string, during time.Duration) float64 {
	const clients, every = 4, 5 * time.Millisecond
	var mu sync.Mutex
	var all sync.WaitGroup
	var times []int64
	for range clients {
		all.Go(func() {
			of := askKept(ctx, addr, int(during/every), every)
			mu.Lock()
			defer mu.Unlock()
			times = append(times, of...)
		})
	}
	all.Wait()
	if len(times) == 0 {
		return math.Inf(1)
	}
	slices.Sort(times)
	return milliseconds(time.Duration(figure.Quantile(times, 0.5)))
}

// askKept asks n times, for half a minute at most. Requests begin at an even pace however long answers take. It returns
// the response times in nanoseconds, each from when the request was to begin.
func askKept(ctx context.Context, addr string, n int, every time.Duration) (times []int64) {
	k := kept{addr: addr}
	defer k.close()
	begin := time.Now()
	for i := range n {
		due := begin.Add(time.Duration(i) * every)
		if every == 0 {
			due = time.Now()
		}
		if alarm.Pause(ctx, time.Until(due)) != nil || time.Since(begin) > 30*time.Second {
			return times
		}
		if k.ask() == http.StatusOK {
			times = append(times, int64(time.Since(due)))
		}
	}
	return times
}

// betweenScrapes is short beside the 15 s of Prometheus. It is long beside what the bench itself does with an answer,
// which must not be what is measured.
const betweenScrapes = 250 * time.Millisecond

// scrapeOn scrapes one time after the other, in the way of Prometheus, and says how many were whole.
func scrapeOn(ctx context.Context, admin string) (whole int64) {
	for ; ctx.Err() == nil; _ = alarm.Pause(ctx, betweenScrapes) {
		c, err := dial(admin, time.Second)
		if err != nil {
			continue
		}
		ended := context.AfterFunc(ctx, func() { _ = c.Close() })
		answer, err := c.begin("GET /metrics HTTP/1.1\r\nHost: "+admin+"\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n", longest)
		if err == nil && answer.StatusCode == http.StatusOK {
			if _, err := io.Copy(io.Discard, answer.Body); err == nil {
				whole++
			}
		}
		ended()
		_ = c.Close()
	}
	return whole
}
