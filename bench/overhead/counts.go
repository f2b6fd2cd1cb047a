// Reading what perf has counted.

package main

import (
	"fmt"
	"strconv"
	"strings"
)

// every is the tracepoint of all system calls together.
const every = "raw_syscalls:sys_enter"

// parseCounts reads the lines of perf stat -x ";": count, unit, event, and more. "all" is every call, "other"
// what is not told apart; events that never ran are left out.
func parseCounts(text []byte) (map[string]int64, error) {
	counts := map[string]int64{}
	told := int64(0)
	for line := range strings.Lines(string(text)) {
		fields := strings.Split(line, ";")
		if len(fields) < 3 || strings.HasPrefix(fields[0], "<not counted>") {
			continue
		}
		n, err := strconv.ParseInt(fields[0], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("read perf stat: %q: %w", line, err)
		}
		name := "all"
		if fields[2] != every {
			name = strings.TrimPrefix(fields[2], "syscalls:sys_enter_")
		}
		if n > 0 {
			counts[name] = n
		}
		if name != "all" {
			told += n
		}
	}
	if counts["all"] == 0 {
		return nil, fmt.Errorf("read perf stat: no system calls in %q", text)
	}
	counts["other"] = counts["all"] - told
	return counts, nil
}
