package scenario

import "strings"

// Suggest is the remedy for a name that is not among the known: the nearest of them, or all.
func Suggest(name string, known []string) string {
	best, least := "", len(name)/2+2
	for _, k := range known {
		d := distance(strings.ToLower(name), k)
		for _, part := range strings.FieldsFunc(k, func(r rune) bool { return r == '_' || r == '-' }) {
			d = min(d, distance(strings.ToLower(name), part)+1) // half a name is a hint as well
		}
		if d < least {
			best, least = k, d
		}
	}
	if best != "" {
		return "did you mean " + best + "?"
	}
	return "known are " + strings.Join(known, ", ")
}

// distance is the number of bytes to insert, delete, replace or swap with a neighbour.
func distance(a, b string) int {
	before, last := []int(nil), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		row := make([]int, len(b)+1)
		row[0] = i + 1
		for j := range len(b) {
			replace := last[j]
			if a[i] != b[j] {
				replace++
			}
			row[j+1] = min(last[j+1]+1, row[j]+1, replace)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}
