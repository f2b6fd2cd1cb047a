//go:build linux

package main

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/steelyard-proxy/steelyard/bench/peers"
)

func TestParse(t *testing.T) {
	var out bytes.Buffer
	o, err := parse(nil, &out)
	require.NoError(t, err)
	for _, h := range hardships {
		require.True(t, o.wants(h))
	}
	o, err = parse([]string{"-only", "hung-server,scrape", "-before", "old", "-alone"}, &out)
	require.NoError(t, err)
	require.True(t, o.wants(hungServer) && o.wants(heavyScrape) && !o.wants(quietTLS))
	require.Equal(t, "old", o.before)
	for _, bad := range [][]string{{"-only", "flood"}, {"scrape"}, {"-nonsense"}} {
		out.Reset()
		_, err := parse(bad, &out)
		require.Error(t, err, bad)
		require.NotEmpty(t, out.String(), "%v: nobody told", bad)
	}
}

func TestHardshipsAreToldApart(t *testing.T) {
	seen := map[string]bool{}
	for _, h := range hardships {
		require.False(t, seen[h.name], h.name)
		seen[h.name] = true
		require.NotEmpty(t, h.what, h.name)
		require.NotEmpty(t, h.right, h.name)
		require.True(t, h.asks(peers.Steelyard), h.name)
	}
}

func TestTally(t *testing.T) {
	require.Equal(t, "6 × 200, 2 × 503, 1 × 404, 3 × no answer", tally{200: 6, 404: 1, 503: 2, 0: 3}.text("no answer"))
	require.Empty(t, tally{}.text("no answer"))
}

func TestParseMemory(t *testing.T) {
	m, err := parseMemory([]byte("Name:\tsteelyard\nVmHWM:\t   20480 kB\nVmRSS:\t   10240 kB\n"))
	require.NoError(t, err)
	require.Equal(t, memory{resident: 10 << 20, peak: 20 << 20}, m)
	_, err = parseMemory([]byte("Name:\tsteelyard\n"))
	require.ErrorContains(t, err, "no VmRSS or VmHWM")
	own, err := memoryOf(os.Getpid())
	require.NoError(t, err)
	require.GreaterOrEqual(t, own.peak, own.resident)
}

// TestHoldback: nobody goes on before all have come, and all do after a while when one stays away.
func TestHoldback(t *testing.T) {
	for missing, want := range map[int]time.Duration{0: time.Second, 1: heldAtMostFor} {
		synctest.Test(t, func(t *testing.T) {
			const n = 3
			var h holdback
			begin := time.Now()
			open := h.hold(t.Context(), n)
			waited := make(chan time.Duration, n)
			for i := range n - missing {
				go func() {
					time.Sleep(time.Duration(i) * time.Second / (n - 1))
					h.wait(t.Context())
					waited <- time.Since(begin)
				}()
			}
			for range n - missing {
				require.Equal(t, want, <-waited)
			}
			open()
		})
	}
}

// TestStand starts servers and ends them, the last first.
func TestStand(t *testing.T) {
	s, err := newStand(peers.Program{Name: peers.Steelyard}, t.TempDir())
	require.NoError(t, err)
	addr, err := s.serve(says("ok"))
	require.NoError(t, err)
	k := kept{addr: addr}
	t.Cleanup(k.close)
	require.Equal(t, http.StatusOK, k.ask())
	require.Equal(t, http.StatusOK, k.ask())
	var ended []int
	s.atEnd(func() { ended = append(ended, 1) })
	s.atEnd(func() { ended = append(ended, 2) })
	s.close()
	require.Equal(t, []int{2, 1}, ended)
	require.Zero(t, k.ask(), "a server that is gone answers nothing")
}

func TestStreamIsWholeOnlyWithItsLastEvent(t *testing.T) {
	s, err := newStand(peers.Program{}, t.TempDir())
	require.NoError(t, err)
	t.Cleanup(s.close)
	for answer, want := range map[string]bool{"data: 1\n\n" + lastEvent: true, "data: 1\n\n": false} {
		addr, err := s.serve(says(answer))
		require.NoError(t, err)
		run, err := openStream(addr)
		require.NoError(t, err)
		require.Equal(t, want, run.whole())
		require.NoError(t, run.Close())
	}
}

// TestRun puts a program that fails through a hardship: that is a wrong of steelyard's, and no end of the run.
func TestRun(t *testing.T) {
	program := filepath.Join(t.TempDir(), "steelyard")
	require.NoError(t, os.WriteFile(program, []byte("#!/bin/sh\n[ $1 = version ] || { echo broken; exit 1; }\n"), 0o700))
	var out bytes.Buffer
	wrong, err := run(context.WithoutCancel(t.Context()), options{only: []string{"default-patience"}, binary: program, alone: true}, &out)
	require.NoError(t, err)
	require.Len(t, wrong, 1)
	require.Contains(t, wrong[0], "default-patience: ask for the defaults")
	require.Contains(t, out.String(), "| hardship")
	require.Contains(t, out.String(), "| bounded |")
}
