// The memory of a program with all its processes.

package chaos

import (
	"fmt"
	"os"

	"github.com/steelyard-proxy/steelyard/bench/peers"
)

// resident is the memory of a program with all its processes, in bytes; 0: it cannot be read.
func resident(p *peers.Process) (sum int64) {
	pids, err := p.Session()
	if err != nil {
		return 0
	}
	for _, pid := range pids {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if err != nil {
			continue // it has ended meanwhile
		}
		if found, err := peers.Sizes(string(text), "VmRSS"); err == nil {
			sum += found[0]
		}
	}
	return sum
}
