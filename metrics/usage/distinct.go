// How many users there were, in 2 KiB.

package usage

import (
	"math"
	"math/bits"
)

// registers is how many there are: the error is 1.04/√registers, 2.3 %.
const (
	registerBits = 11
	registers    = 1 << registerBits
)

// Distinct counts how many different users it was shown (HyperLogLog). Its zero value has seen none.
type Distinct struct{ Registers []byte }

// add shows it a user, and says whether that may have changed the count.
func (d *Distinct) add(id UserID) bool {
	if d.Registers == nil {
		d.Registers = make([]byte, registers)
	}
	x := mixed(textHash(string(id)))
	rank := byte(bits.LeadingZeros64(x<<registerBits|1<<(registerBits-1))) + 1
	r := &d.Registers[x>>(64-registerBits)]
	if *r >= rank {
		return false
	}
	*r = rank
	return true
}

// textHash is FNV-1a.
func textHash(text string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(text) {
		h = (h ^ uint64(text[i])) * 1099511628211
	}
	return h
}

// mixed spreads the bits of a hash, which FNV leaves alike for names that differ at their end.
func mixed(x uint64) uint64 {
	x ^= x >> 30
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 27
	x *= 0x94d049bb133111eb
	return x ^ x>>31
}

// count is about how many there were.
func (d *Distinct) count() uint64 {
	if d.Registers == nil {
		return 0
	}
	sum, zeros := 0.0, 0
	for _, r := range d.Registers {
		sum += math.Ldexp(1, -int(r))
		if r == 0 {
			zeros++
		}
	}
	const m = float64(registers)
	estimate := 0.7213 / (1 + 1.079/m) * m * m / sum
	if estimate <= 2.5*m && zeros > 0 { // few: how many registers were never hit says more
		estimate = m * math.Log(m/float64(zeros))
	}
	return uint64(math.Round(estimate))
}
