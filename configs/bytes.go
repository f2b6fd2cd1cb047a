// Sizes in bytes, with binary units.

package configs

import (
	"errors"
	"math"
	"strconv"
	"strings"
)

// Bytes is a size in bytes, written as a plain number or with a binary unit: 4096, 8KiB, 64MiB, 1GiB, 2TiB.
type Bytes int64

const (
	kib Bytes = 1 << (10 * (iota + 1))
	mib
	gib
	tib
)

// units holds the largest first, so that printing finds the shortest exact form.
var units = []struct {
	suffix string
	size   Bytes
}{{"TiB", tib}, {"GiB", gib}, {"MiB", mib}, {"KiB", kib}}

var errBytes = errors.New("not a size such as 4096, 8KiB, 64MiB or 1GiB")

// ParseBytes reads a size. It refuses decimal units (KB), which people read in two ways, and fractions, which hide
// rounding. It accepts negative sizes; the caller decides whether one makes sense.
func ParseBytes(text string) (Bytes, error) {
	size := Bytes(1)
	for _, unit := range units {
		if digits, found := strings.CutSuffix(text, unit.suffix); found {
			text, size = digits, unit.size
			break
		}
	}
	number, err := plainInt(text)
	if err != nil {
		return 0, errBytes
	}
	if limit := math.MaxInt64 / int64(size); number > limit || number < -limit {
		return 0, errBytes
	}
	return Bytes(number) * size, nil
}

// String prints the size so that ParseBytes reads the same back, with a unit where that is exact.
func (b Bytes) String() string {
	for _, unit := range units {
		if b != 0 && b%unit.size == 0 {
			return strconv.FormatInt(int64(b/unit.size), 10) + unit.suffix
		}
	}
	return strconv.FormatInt(int64(b), 10)
}
