// A set of statuses.

package retry

// Statuses is a set of HTTP statuses, from 100 to 599. The zero value is empty.
type Statuses [8]uint64

const firstStatus, lastStatus = 100, 599

// NewStatuses returns the set of these.
func NewStatuses(list ...int) (s Statuses) {
	for _, status := range list {
		s.Add(status, status)
	}
	return s
}

// Add puts in all from the one to the other, both included.
func (s *Statuses) Add(from, to int) {
	for status := max(from, firstStatus); status <= min(to, lastStatus); status++ {
		bit := status - firstStatus
		s[bit/64] |= 1 << (bit % 64)
	}
}

// Has says whether the status is in the set.
func (s *Statuses) Has(status int) bool {
	bit := status - firstStatus
	return status >= firstStatus && status <= lastStatus && s[bit/64]&(1<<(bit%64)) != 0
}
