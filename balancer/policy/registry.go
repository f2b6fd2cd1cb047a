package policy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/steelyard-proxy/steelyard/balancer"
)

// registry has the builder of each name an upstream's configuration may give.
var registry = map[string]balancer.Builder{
	"capacity":      Capacity(CapacityOptions{}),
	"least_load":    LeastLoad(),
	"optimal_split": OptimalSplit(OptimalSplitOptions{}),
	"random":        Random(Options{}),
	"round_robin":   RoundRobin(),
	"two_choices":   TwoChoices(Options{}),
}

// Lookup returns the builder of a policy by its configured name. The error of an unknown
// name tells the nearest known ones.
func Lookup(name string) (balancer.Builder, error) {
	if b, ok := registry[name]; ok {
		return b, nil
	}
	const most = 3
	names := Names()
	slices.SortStableFunc(names, func(a, b string) int {
		return cmp.Compare(distance(name, a), distance(name, b))
	})
	return nil, fmt.Errorf("look up policy %q: there is no such policy; the nearest are: %s",
		name, strings.Join(names[:min(most, len(names))], ", "))
}

// Names returns the names of all policies, sorted.
func Names() []string {
	names := make([]string, 0, len(registry))
	for name := range registry {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// distance is the number of characters to insert, delete or replace to turn a into b (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replace := diagonal
			if a[i] != b[j] {
				replace++
			}
			diagonal = row[j+1]
			row[j+1] = min(replace, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
