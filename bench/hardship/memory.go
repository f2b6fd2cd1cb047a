//go:build linux

package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
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
func parseMemory(text []byte) (m memory, err error) {
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		var name string
		var kilobytes int64
		if n, _ := fmt.Sscan(lines.Text(), &name, &kilobytes); n < 2 {
			continue
		}
		switch name {
		case "VmRSS:":
			m.resident = kilobytes << 10
		case "VmHWM:":
			m.peak = kilobytes << 10
		}
	}
	if m.resident == 0 || m.peak == 0 {
		return m, fmt.Errorf("read memory: no VmRSS or VmHWM in %q", text)
	}
	return m, nil
}

func mebibytes(bytes int64) int64 { return bytes >> 20 }
