// The policies by the names that a configuration gives them.

package policy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/steelyard-proxy/steelyard/balancer"
)

// registered is a policy as it is by default, and one line on it for people.
type registered struct {
	builder balancer.Builder
	what    string
}

// registry has each policy by the name that an upstream's configuration gives.
var registry = map[string]registered{
	"capacity":      {Capacity(CapacityOptions{}), "in exact proportion to capacity"},
	"least_cost":    {LeastCost(LeastCostOptions{}), "to the least seconds that it costs the request and those who are there"},
	"least_load":    {LeastLoad(), "to the least (n+½)/C, n being what is in flight"},
	"optimal_split": {OptimalSplit(OptimalSplitOptions{}), "by the shares with the least mean response time at the measured traffic"},
	"random":        {Random(Options{}), "by a draw in proportion to capacity"},
	"round_robin":   {RoundRobin(), "each in turn, whatever its capacity"},
	"two_choices":   {TwoChoices(Options{}), "to the lesser (n+½)/C of two draws in proportion to capacity"},
}

// Lookup returns the builder of a policy by its configured name. The error of an unknown
// name tells the nearest known ones.
func Lookup(name string) (balancer.Builder, error) {
	if r, ok := registry[name]; ok {
		return r.builder, nil
	}
	const most = 3
	names := Names()
	slices.SortStableFunc(names, func(a, b string) int {
		return cmp.Compare(distance(name, a), distance(name, b))
	})
	return nil, fmt.Errorf("look up policy %q: there is no such policy; the nearest are: %s",
		name, strings.Join(names[:min(most, len(names))], ", "))
}

// Describe says in a few words how the policy of this name shares requests; "" if there
// is none.
func Describe(name string) string { return registry[name].what }

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
