// HTTP statuses and ranges of them.

package configs

import (
	"errors"
	"strconv"
	"strings"
)

// StatusRange is a range of HTTP statuses, both ends included, written 429 or 200-299.
type StatusRange struct{ From, To int }

var errStatus = errors.New("not a status such as 429 or a range such as 200-299")

// ParseStatusRange reads one status or a range. It checks the form only: 700-1 is accepted.
func ParseStatusRange(text string) (StatusRange, error) {
	first, last, isRange := strings.Cut(text, "-")
	if !isRange {
		last = first
	}
	from, err := plainInt(first)
	if err != nil || from < 0 || from > 65535 {
		return StatusRange{}, errStatus
	}
	to, err := plainInt(last)
	if err != nil || to < 0 || to > 65535 {
		return StatusRange{}, errStatus
	}
	return StatusRange{From: int(from), To: int(to)}, nil
}

// Contains says whether the status lies in the range.
func (s StatusRange) Contains(status int) bool { return s.From <= status && status <= s.To }

// String prints the range so that ParseStatusRange reads the same back.
func (s StatusRange) String() string {
	if s.From == s.To {
		return strconv.Itoa(s.From)
	}
	return strconv.Itoa(s.From) + "-" + strconv.Itoa(s.To)
}
