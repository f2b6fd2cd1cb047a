// The rows of a table, cleaned.

package table

import (
	"encoding/binary"
	"errors"
	"hash/maphash"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Reason says why a row is left out.
type Reason uint8

const (
	// Kept rows are learned from.
	Kept Reason = iota
	// Missing rows have an empty cell, or one that says so: NA, N/A, null, none.
	Missing
	// NotANumber rows have a cell that is NaN.
	NotANumber
	// NotNumeric rows have a cell that is text.
	NotNumeric
	// OutOfRange rows have a number whose square cannot be summed, or an infinite one.
	OutOfRange
	// Duplicate rows are the same as one before, label included.
	Duplicate
	// Misshapen rows have more or fewer cells than the header.
	Misshapen

	reasonCount // how many there are; keep last
)

var reasonNames = [reasonCount]string{
	"kept", "with a missing cell", "with NaN", "with a cell that is no number", "out of range", "twice", "of another length than the header",
}

// String returns the reason as words that follow a number of rows.
func (r Reason) String() string { return reasonNames[r] }

// Counts has a number of rows for each Reason.
type Counts [reasonCount]int

// largest is the absolute value up to which squares can be summed over any number of rows.
const largest = 1e120

// Parse reads one cell. A cell that is no number that can be used has a Reason other than Kept.
func Parse(cell string) (float64, Reason) {
	cell = strings.TrimSpace(cell)
	switch strings.ToLower(cell) {
	case "", "na", "n/a", "null", "none":
		return 0, Missing
	}
	v, err := strconv.ParseFloat(cell, 64)
	switch {
	case errors.Is(err, strconv.ErrRange):
		return 0, OutOfRange
	case err != nil:
		return 0, NotNumeric
	case math.IsNaN(v):
		return 0, NotANumber
	case math.Abs(v) > largest:
		return 0, OutOfRange
	}
	return v, Kept
}

// Rows are the rows to learn from. They are for one goroutine.
type Rows struct {
	Features []string
	Label    string
	Counts   Counts

	x    []float64 // the features of row i begin at i times their number
	y    []float64
	seed maphash.Seed
	seen map[uint64]int // by hash: the first row of it
	row  []float64      // room for one: features, then label
}

// NewRows returns no rows of these columns.
func NewRows(features []string, label string) *Rows {
	return &Rows{
		Features: features, Label: label, seed: maphash.MakeSeed(), seen: map[uint64]int{},
		row: make([]float64, len(features)+1),
	}
}

// Add cleans a row and keeps it if it is good. There is a cell for each feature.
func (r *Rows) Add(features []string, label string) { r.Counts[r.take(features, label)]++ }

// Misshapen counts a row that has no cell for each column.
func (r *Rows) Misshapen() { r.Counts[Misshapen]++ }

func (r *Rows) take(features []string, label string) (reason Reason) {
	for j, cell := range features {
		if r.row[j], reason = Parse(cell); reason != Kept {
			return reason
		}
	}
	if r.row[len(features)], reason = Parse(label); reason != Kept {
		return reason
	}
	hash := r.hash()
	if i, known := r.seen[hash]; known && r.is(i) {
		return Duplicate
	} else if !known {
		r.seen[hash] = len(r.y)
	}
	r.x = append(r.x, r.row[:len(features)]...)
	r.y = append(r.y, r.row[len(features)])
	return Kept
}

func (r *Rows) hash() uint64 {
	var h maphash.Hash
	h.SetSeed(r.seed)
	var bits [8]byte
	for _, v := range r.row {
		binary.LittleEndian.PutUint64(bits[:], math.Float64bits(v+0)) // so that -0 is 0
		_, _ = h.Write(bits[:])
	}
	return h.Sum64()
}

// is says whether row i is the one in r.row.
func (r *Rows) is(i int) bool {
	k := len(r.Features)
	return r.y[i] == r.row[k] && slices.Equal(r.x[i*k:(i+1)*k], r.row[:k])
}
