// Keeping idle cores awake, by the kernel's latency wish.

package alarm

import (
	"encoding/binary"
	"fmt"
	"os"
)

// KeepAwake has idle cores poll for work until release is called. In a virtual machine, to wake a halted core takes an
// exit to the host on both sides, which is several times the price of a request. Whoever happens to sleep more would
// pay it; a proxy whose clients are on other machines does not.
func KeepAwake() (release func(), err error) {
	file, err := os.OpenFile("/dev/cpu_dma_latency", os.O_WRONLY, 0)
	if err != nil {
		return nil, fmt.Errorf("keep idle cores awake: %w", err)
	}
	// The wish, a tolerable wake-up time of 0 µs, holds for as long as the file is open.
	if err := binary.Write(file, binary.NativeEndian, int32(0)); err != nil {
		file.Close()
		return nil, fmt.Errorf("keep idle cores awake: %w", err)
	}
	return func() { file.Close() }, nil
}
