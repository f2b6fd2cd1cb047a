// Streams that have fallen silent, with TLS on both sides.

//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/steelyard-proxy/steelyard/bench/alarm"
)

const (
	quietStreams  = 1000
	mostEach      = 40 << 10
	settleFor     = 3 * time.Second // until a collector that the handshakes woke has come to rest
	handshakesMax = 64              // at once
)

// quietTLS: streams that have fallen silent, TLS on both sides, as between two tokens of a slow model.
var quietTLS = hardship{
	name:  "quiet-tls",
	what:  "1,000 streams silent after their first event, TLS on both sides: memory of each",
	right: fmt.Sprintf("≤ %d KiB", mostEach>>10),
	asked: steelyardOnly,
	run: func(ctx context.Context, s *stand) (verdict, error) {
		p, err := newPapers(s.dir)
		if err != nil {
			return verdict{}, err
		}
		_, addr, err := s.serveTLS(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, "data: 1\n\n")
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}, &p.certificate)
		if err != nil {
			return verdict{}, err
		}
		plan := stock(addr)
		plan.CertFile, plan.KeyFile = p.CertFile, p.KeyFile
		gateway, err := s.start(ctx, plan)
		if err != nil {
			return verdict{}, err
		}
		each, err := memoryOfEach(ctx, gateway.Addr, p, gateway.PID())
		if err != nil {
			return verdict{}, err
		}
		gateway.Stop()
		bare, err := startBareTLS(ctx, s, p, addr)
		if err != nil {
			return verdict{}, err
		}
		least, err := memoryOfEach(ctx, bare.addr, p, bare.pid)
		if err != nil {
			return verdict{}, fmt.Errorf("hold bare connections: %w", err)
		}
		text := fmt.Sprintf("%d KiB (Go's crypto/tls alone %d)", each>>10, least>>10)
		return verdict{text, each <= mostEach}, nil
	},
}

// memoryOfEach opens quiet streams through a process and returns by how much it grows for each, in bytes.
func memoryOfEach(ctx context.Context, addr string, p *papers, pid int) (int64, error) {
	var mu sync.Mutex
	var open []*client
	defer func() {
		for _, c := range open {
			_ = c.Close()
		}
	}()
	one := func() error {
		c, err := dialTLS(addr, p.trust, 10*time.Second)
		if err != nil {
			return err
		}
		mu.Lock()
		open = append(open, c)
		mu.Unlock()
		answer, err := c.begin(get, longest)
		if err != nil {
			return err
		}
		_, err = answer.Body.Read(make([]byte, 1))
		return err
	}
	if err := one(); err != nil { // what is set up once is not charged to the streams
		return 0, err
	}
	if err := alarm.Pause(ctx, settleFor); err != nil {
		return 0, err
	}
	before, err := memoryOf(pid)
	if err != nil {
		return 0, err
	}
	var all sync.WaitGroup
	room := make(chan struct{}, handshakesMax)
	errs := make([]error, quietStreams)
	for i := range quietStreams {
		room <- struct{}{}
		all.Go(func() { errs[i] = one(); <-room })
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		return 0, err
	}
	if err := alarm.Pause(ctx, settleFor); err != nil {
		return 0, err
	}
	after, err := memoryOf(pid)
	return (after.resident - before.resident) / quietStreams, err
}
