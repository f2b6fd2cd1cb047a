// How much memory a process has, now and at its peak.

//go:build linux

package main

import (
	"fmt"
	"os"

	"github.com/steelyard-proxy/steelyard/bench/peers"
)

// memory is what one process occupies, in bytes.
type memory struct {
	resident int64
	peak     int64 // the most it ever was
}

func memoryOf(pid int) (memory, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return memory{}, fmt.Errorf("read memory: %w", err)
	}
	return parseMemory(text)
}

// parseMemory reads /proc/PID/status.
func parseMemory(text []byte) (memory, error) {
	found, err := peers.Sizes(string(text), "VmRSS", "VmHWM")
	if err != nil {
		return memory{}, fmt.Errorf("read memory: %w", err)
	}
	return memory{resident: found[0], peak: found[1]}, nil
}

func mebibytes(bytes int64) int64 { return bytes >> 20 }
