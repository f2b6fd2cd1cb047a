// Numbers that may be "auto": capacity and slots.

package configs

import (
	"strconv"

	"go.yaml.in/yaml/v3"
)

// auto stands in place of a number that steelyard shall learn from the traffic.
const auto = "auto"

// Capacity is an endpoint's rate of work, > 0, in any one unit shared by its upstream, or "auto".
type Capacity struct {
	Value float64 // with Auto: the estimate to begin with
	Auto  bool
}

// Slots is how many requests an endpoint works on at once, 0 for no limit, or "auto".
type Slots struct {
	Value int // with Auto: 0
	Auto  bool
}

// defaultCapacity is also what a learned capacity begins with.
const defaultCapacity = 100

func readCapacity(tag, text string) (any, bool) {
	if text == auto {
		return Capacity{Value: defaultCapacity, Auto: true}, true
	}
	number, ok := readFloat(tag, text)
	return Capacity{Value: number.(float64)}, ok
}

func printCapacity(value any) *yaml.Node { return scalar("", value.(Capacity).String()) }

// String prints the capacity as it stands in a file.
func (c Capacity) String() string {
	if c.Auto {
		return auto
	}
	return formatFloat(c.Value)
}

func readSlots(tag, text string) (any, bool) {
	if text == auto {
		return Slots{Auto: true}, true
	}
	number, ok := readInt(tag, text)
	return Slots{Value: number.(int)}, ok
}

func printSlots(value any) *yaml.Node { return scalar("", value.(Slots).String()) }

// String prints the slots as they stand in a file.
func (s Slots) String() string {
	if s.Auto {
		return auto
	}
	return strconv.Itoa(s.Value)
}
