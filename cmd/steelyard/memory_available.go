// How much memory the container or the machine leaves the process.

package main

import (
	"bufio"
	"os"
	"path"
	"strconv"
	"strings"
	"sync"
)

// usableShare is the part of all memory that the process takes for its own where nobody says
// how much: the kernel's buffers for its sockets, and whoever else is there, need some too.
const usableShare = 0.9

// memoryAvailable is how many bytes the process may use by what its container, or else the
// machine, has; 0 where that cannot be told.
var memoryAvailable = sync.OnceValue(func() int64 {
	return int64(usableShare * float64(leastOf(machineMemory("/proc/meminfo"), groupMemory("/proc/self/cgroup", "/sys/fs/cgroup"))))
})

// leastOf is the least of those that are known, which are not 0.
func leastOf(sizes ...int64) (least int64) {
	for _, n := range sizes {
		if n > 0 && (least == 0 || n < least) {
			least = n
		}
	}
	return least
}

// machineMemory reads the memory of the machine.
func machineMemory(file string) int64 {
	f, err := os.Open(file)
	if err != nil {
		return 0
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if rest, ok := strings.CutPrefix(lines.Text(), "MemTotal:"); ok {
			kib, _ := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64)
			return kib << 10
		}
	}
	return 0
}

// groupMemory reads the least limit of the control groups that the process is in, of either
// version. Within a container the groups of the machine are not to be seen, and the container's
// own is the topmost.
func groupMemory(membership, root string) (least int64) {
	text, err := os.ReadFile(membership)
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		fields := strings.SplitN(strings.TrimSpace(line), ":", 3) // number:controllers:path
		if len(fields) < 3 {
			continue
		}
		folder, file := root, "memory.max"
		if fields[1] != "" {
			if fields[1] != "memory" {
				continue
			}
			folder, file = path.Join(root, "memory"), "memory.limit_in_bytes"
		}
		for group := path.Clean("/" + fields[2]); ; group = path.Dir(group) {
			least = leastOf(least, readLimit(path.Join(folder, group, file)))
			if group == "/" {
				break
			}
		}
	}
	return least
}

// readLimit reads a limit in bytes; 0 for none.
func readLimit(file string) int64 {
	text, err := os.ReadFile(file)
	if err != nil {
		return 0
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	if err != nil || n >= 1<<60 { // "max", or what version 1 has for it
		return 0
	}
	return n
}
