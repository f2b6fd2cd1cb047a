// The processes of a contender, also those that have outlived their parent.

package peers

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
)

// Session are the processes of the contender's session, the oldest first: also those whose parent has ended, as that of a new
// program has that takes over.
func (p *Process) Session() ([]int, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, fmt.Errorf("list processes of %s: %w", p.Name, err)
	}
	began := map[int]int64{}
	var found []int
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			continue // it has ended meanwhile
		}
		// What follows the name, which may hold spaces: state, parent, group, session, and as the twentieth the start.
		fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
		if len(fields) < 20 || fields[0] == "Z" || fields[3] != strconv.Itoa(p.PID()) {
			continue
		}
		began[pid], _ = strconv.ParseInt(fields[19], 10, 64)
		found = append(found, pid)
	}
	slices.SortFunc(found, func(a, b int) int {
		if began[a] != began[b] {
			return int(began[a] - began[b])
		}
		return a - b
	})
	return found, nil
}
