// The known word that a misspelt one probably meant.

package configs

import (
	"slices"
	"strings"
)

// Suggest is the remedy for an unknown name: the nearest known one, or the list of all.
func Suggest(name string, known []string) string {
	if near := nearest(name, known); near != "" {
		return "did you mean " + quote(near) + "?"
	}
	return "known here: " + strings.Join(once(known), ", ")
}

// once leaves out repeated names: the known ones may come from a list that has mistakes too.
func once(names []string) []string {
	var list []string
	for _, name := range names {
		if !slices.Contains(list, name) {
			list = append(list, name)
		}
	}
	return list
}

// nearest is the known name that differs by the fewest slips of the keyboard, or "" if all differ by too many.
func nearest(name string, known []string) string {
	best, limit := "", (len(name)+2)/3
	for _, candidate := range known {
		if max(len(name)-len(candidate), len(candidate)-len(name)) > limit {
			continue
		}
		if slips := Slips(strings.ToLower(name), strings.ToLower(candidate)); slips <= limit {
			best, limit = candidate, slips-1
		}
	}
	return best
}

// Slips counts the bytes to insert, delete, replace or swap with a neighbour to turn a into b (optimal string alignment).
func Slips(a, b string) int {
	before, last := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		row := make([]int, len(b)+1)
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			row[j+1] = min(last[j+1]+1, row[j]+1, last[j]+cost)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}
